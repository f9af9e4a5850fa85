"""What rules would do, before they do it: to a pasted text, or to the messages of the last week."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

from django.db.models import F, QuerySet
from django.utils import timezone

from apps.messages.classifiers.rules import Check, Facts, Rule, first_that_fits
from apps.messages.entities.extract import normal_forms
from apps.messages.glossary import glossary_of
from apps.messages.models import Message
from apps.messages.models import Rule as StoredRule
from apps.messages.ruling import alert_of, facts_of, wanted_of
from apps.sources.models import Chat, Project

WEEK = timedelta(days=7)
MOST = 2000  # messages, the newest
LONGEST = 5.0  # seconds
SHOWN = 50  # messages
FEW = 50  # messages; a week with fewer says little about a rule
NEWEST = 200  # messages that are looked at instead


@dataclass(frozen=True)
class OnText:
    """Which rule fires on a text, and what each one that was asked found."""

    fired: Rule | None
    tried: Sequence[tuple[Rule, list[Check]]]  # up to the one that fires
    candidate: tuple[Rule, list[Check]] | None  # the rule on trial, when another one fires first
    is_alert: bool


@dataclass(frozen=True)
class Row:
    """A message with what would become of it."""

    message: Message
    rule: Rule
    category: str
    priority: str

    @property
    def is_changed(self) -> bool:
        return (self.category, self.priority) != (self.message.category, self.message.priority)


@dataclass
class OnWeek:
    """What rules would have done to a project's messages."""

    since: datetime
    until: datetime
    in_week: int | None = None  # messages of the week, when the newest are looked at instead
    looked_at: int = 0
    fired: Counter[Rule] = field(default_factory=Counter)
    issues: Counter[Rule] = field(
        default_factory=Counter
    )  # of these, messages that are in an issue
    taken: Counter[Rule] = field(default_factory=Counter)  # earlier rules that take the candidate's
    timed_out: set[str] = field(default_factory=set)
    rows: list[Row] = field(default_factory=list)
    is_cut_by_time: bool = False
    is_cut_by_number: bool = False


def with_candidate(candidate: StoredRule) -> tuple[tuple[Rule, ...], Rule]:
    """The project's active rules with this one in its place, and this one; it need not be saved."""
    others = StoredRule.objects.filter(project=candidate.project_id, is_active=True)
    rows = [*others.exclude(pk=candidate.pk).select_related("chat"), candidate]
    # A new rule would come after the others of its place.
    rows.sort(key=lambda row: (row.position, row.pk is None, row.pk or 0))
    plain = {id(row): row.plain for row in rows}
    return tuple(plain.values()), plain[id(candidate)]


def on_text(
    rules: Sequence[Rule],
    project: Project,
    text: str,
    *,
    author: str = "",
    chat: Chat | None = None,
    candidate: Rule | None = None,
) -> OnText:
    """The rules' say about a text that nobody has sent."""
    facts = Facts(
        text=text,
        author=author,
        chat_id=chat.pk if chat is not None else None,
        names_of=lambda: normal_forms(text, glossary_of(project.pk)),
    )
    fired = first_that_fits(rules, facts)
    asked = rules if fired is None else rules[: rules.index(fired) + 1]
    own = (candidate, candidate.explain(facts)) if candidate not in (None, fired) else None
    return OnText(
        fired=fired,
        tried=[(rule, rule.explain(facts)) for rule in asked],
        candidate=own,
        is_alert=alert_of(Message(project=project, text=text)) is not None,
    )


def on_week(rules: Sequence[Rule], project: Project, *, candidate: Rule | None = None) -> OnWeek:
    """Look at the newest messages of a week, or of a quiet chat, for at most `LONGEST` seconds; nothing is saved."""
    messages, trial = _week_of(project, candidate)
    ends_at = time.perf_counter() + LONGEST
    glossary = cache(glossary_of)
    for message in messages[: MOST + 1].iterator(chunk_size=200):
        if trial.looked_at == MOST:
            trial.is_cut_by_number = True
            break
        if time.perf_counter() > ends_at:
            trial.is_cut_by_time = True
            break
        trial.looked_at += 1
        facts = facts_of(message, glossary=glossary)
        _note(trial, message, first_that_fits(rules, facts), facts, candidate)
        trial.timed_out |= facts.timed_out
    return trial


def _week_of(project: Project, candidate: Rule | None) -> tuple[QuerySet[Message], OnWeek]:
    """The last seven days; where little was said in them, the newest messages whenever they were sent.

    Of the rule's own chat if it has one: the others say nothing about it.
    """
    now = timezone.now()
    rows = Message.shown().filter(project=project, is_superseded=False)
    if candidate is not None and candidate.chat_id is not None:
        rows = rows.filter(chat=candidate.chat_id)
    # The issue is looked up by name: its app comes later in the flow and is not imported here.
    shown = rows.defer("raw").annotate(issue_id=F("evidence__issue")).order_by("-sent_at", "-pk")
    in_week = rows.filter(sent_at__gte=now - WEEK)[:FEW].count()
    if in_week == FEW:
        return shown.filter(sent_at__gte=now - WEEK), OnWeek(since=now - WEEK, until=now)
    sent = list(rows.order_by("-sent_at", "-pk").values_list("sent_at", flat=True)[:NEWEST])
    if len(sent) == in_week:
        return shown[:NEWEST], OnWeek(since=now - WEEK, until=now)
    return shown[:NEWEST], OnWeek(since=sent[-1], until=sent[0], in_week=in_week)


def _note(
    trial: OnWeek, message: Message, fired: Rule | None, facts: Facts, candidate: Rule | None
) -> None:
    if fired is None:
        return
    if candidate is not None and fired is not candidate:
        if candidate.fits(facts):
            trial.taken[fired] += 1
        return
    trial.fired[fired] += 1
    trial.issues[fired] += getattr(message, "issue_id", None) is not None
    if len(trial.rows) < SHOWN:
        trial.rows.append(Row(message, fired, *wanted_of(fired, message)))
