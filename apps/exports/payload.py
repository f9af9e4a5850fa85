"""An issue as a tracker sees it: its words made fit to go out, and what the project's policy says of it."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import translation

from apps.exports.models import SAME_LABEL, SAME_PERSON, ExportPolicy, TaskExport, Tracker
from apps.exports.trackers.base import (
    ASSIGNEE,
    FIELDS,
    LABELS,
    PRIORITIES,
    IssuePayload,
    Quote,
    Wishes,
)
from apps.issues.models import Evidence, Issue
from apps.messages.models import Message
from tasktracker.lib.pii import Masker
from tasktracker.lib.text import clean, shorten

LONGEST_LABEL = 50
LONGEST_VALUE = 200  # of a field there
LONGEST_NAME = 100  # of a file
MOST_FILES = 10  # of a message
Goes = Callable[[str], str]  # a text as it goes out


def build_payload(
    issue: Issue, tracker: Tracker | None = None, *, reports: QuerySet[Evidence] | None = None
) -> IssuePayload:
    """Everything a tracker may need; the quotes are those of these reports, or of all.

    Words have no invisible signs, and are masked where the project wants it. Without a tracker nothing is
    in anybody's ids.
    """
    policy = ExportPolicy.of(issue.project)
    goes = _masked(issue, tracker) if policy.masks_pii else clean
    told = issue.evidence.all() if reports is None else reports
    evidence = told.select_related("message__chat").order_by("message__sent_at")
    return IssuePayload(
        id=issue.pk,
        project=issue.project.slug,
        title=goes(issue.title),
        description=goes(issue.description),
        category=issue.category,
        priority=issue.priority,
        confidence=issue.confidence,
        status=issue.status,
        language=issue.project.language,
        reported_at=issue.reported_at,
        entities=_each(issue.entities, goes),
        labels=tuple(goes(label)[:LONGEST_LABEL] for label in issue.labels),
        quotes=tuple(_quote(item.message, goes, policy) for item in evidence),
        due_on=_due_on(issue.entities),
        url=address_of(issue),
        wishes=_wishes(issue, policy, tracker, goes),
    )


def address_of(issue: Issue) -> str:
    """Its page here, as people elsewhere reach it; empty when nobody said under which address."""
    base = settings.PUBLIC_URL.rstrip("/")
    return f"{base}{reverse('admin:issues_issue_change', args=[issue.pk])}" if base else ""


def _masked(issue: Issue, tracker: Tracker | None) -> Goes:
    """One mask for all texts of an issue: the same number is the same placeholder in each.

    Placeholders are counted in the order in which words came to this task, so that a note tells no other
    values by those that the task has: its messages, also those that have left it, then its own words, then
    what came later.
    """
    masker = Masker()

    @cache
    def goes(text: str) -> str:
        return masker.mask(clean(text))

    def count(messages: Iterable[Message]) -> None:
        for message in messages:
            for text in (message.text, message.author, message.chat.title, message.url):
                goes(text)
            _files(message, goes)

    made = issue.exports.filter(tracker=tracker, status=TaskExport.Status.CREATED)
    told = made.values_list("told_messages", flat=True).first()
    if told is None:
        told = list(issue.evidence.values_list("message", flat=True))  # it is about to be made
    known = Message.objects.select_related("chat").in_bulk(told)
    count(known[pk] for pk in told if pk in known)
    for text in (issue.title, issue.description):
        goes(text)
    _each(issue.entities, goes)
    for label in issue.labels:
        goes(label)
    count(one.message for one in issue.evidence.select_related("message__chat"))
    return goes


def _each(value: Any, goes: Goes) -> Any:
    """The same with every text in it as it goes out."""
    if isinstance(value, str):
        return goes(value)
    if isinstance(value, Mapping):
        return {name: _each(one, goes) for name, one in value.items()}
    if isinstance(value, list):
        return [_each(one, goes) for one in value]
    return value


def _quote(message: Message, goes: Goes, policy: ExportPolicy) -> Quote:
    return Quote(
        text=goes(message.text),
        author="" if policy.hides_authors else goes(message.author),
        chat=goes(message.chat.title),
        sent_at=message.sent_at,
        external_id=message.external_id,
        # An address with a mask in it leads nowhere.
        url=message.url if goes(message.url) == message.url else "",
        kind=message.kind or "text",
        files=_files(message, goes),
    )


def _files(message: Message, goes: Goes) -> tuple[str, ...]:
    """Their names, each in one line."""
    names = (" ".join(goes(str(name)).split()) for name in message.files[:MOST_FILES])
    return tuple(shorten(name, LONGEST_NAME) for name in names if name)


def _wishes(issue: Issue, policy: ExportPolicy, tracker: Tracker | None, goes: Goes) -> Wishes:
    zone = ZoneInfo(issue.project.timezone)
    with translation.override(issue.project.language):
        words = {
            "project": issue.project.name,
            "category": str(issue.get_category_display()),
            "priority": str(issue.get_priority_display()),
            "reported": issue.reported_at.astimezone(zone).date().isoformat(),
        }
    wishes = Wishes(title=policy.title, body=policy.body, words=words)
    if tracker is None:
        return wishes
    offered = {name: _offered(tracker, name) for name in (PRIORITIES, LABELS, FIELDS)}
    wanted = [*policy.category_labels.get(issue.category, ()), *policy.extra_labels]
    fields: dict[str, str] = {}
    assignee = ""
    for kind, word in policy.entity_fields.items():
        named = _named(issue, kind)
        if word == SAME_LABEL:
            wanted += named
        elif word == SAME_PERSON:
            assignee = _person(tracker, named)
        elif named and word.casefold() in offered[FIELDS]:
            value = goes(", ".join(named))
            fields[offered[FIELDS][word.casefold()]] = shorten(value, LONGEST_VALUE)
    labels = (offered[LABELS].get(str(word).casefold()) for word in wanted)
    return Wishes(
        title=policy.title,
        body=policy.body,
        words=words,
        priority=offered[PRIORITIES].get(policy.priorities.get(issue.priority, "").casefold(), ""),
        labels=tuple(dict.fromkeys(label for label in labels if label)),
        fields=fields,
        assignee=assignee,
    )


def _offered(tracker: Tracker, name: str) -> dict[str, str]:
    """Words of the tracker's own, as people write them in any case, to its ids."""
    offer = tracker.catalogue.get(name) if isinstance(tracker.catalogue, dict) else None
    return {str(label).casefold(): str(id_) for id_, label in offer or ()}


def _person(tracker: Tracker, named: list[str]) -> str:
    """The tracker's id of the first of them whom it knows, if only one person there is called so."""
    catalogue = tracker.catalogue if isinstance(tracker.catalogue, dict) else {}
    for name in named:
        known = [id_ for id_, label in catalogue.get(ASSIGNEE) or () if _same(label, name)]
        if len(known) == 1:
            return str(known[0])
    return ""


def _same(one: str, other: str) -> bool:
    return str(one).casefold() == other.casefold()


def _named(issue: Issue, kind: str) -> list[str]:
    """What the messages name of this kind."""
    found = issue.entities.get(kind) or () if isinstance(issue.entities, dict) else ()
    return [str(one["normal"]) for one in found if isinstance(one, dict) and one.get("normal")]


def _due_on(entities: Mapping[str, Any]) -> date | None:
    """The last day that the messages name, as the project's calendar has it."""
    days = []
    for entity in entities.get("deadlines") or ():
        try:
            days.append(date.fromisoformat(str(entity["normal"])[:10]))
        except (ValueError, KeyError, TypeError):
            continue  # words that tell no day
    return max(days, default=None)
