"""What is settled without a model: certainties that hold for everybody, and a project's own rules."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from apps.messages.answers import SAID_PRIORITY, Answer
from apps.messages.classifiers.alerts import Alert, read_alert, verdict_of
from apps.messages.classifiers.base import Sample, Verdict
from apps.messages.classifiers.rules import (
    Facts,
    Rule,
    RulesClassifier,
    certain,
    first_that_fits,
)
from apps.messages.entities.base import Term
from apps.messages.entities.extract import normal_forms
from apps.messages.glossary import glossary_of
from apps.messages.models import Message
from apps.messages.models import Rule as StoredRule
from apps.sources.models import Project

logger = logging.getLogger(__name__)

ALERTS = "alerts"
ALERTS_VERSION = "1"
#: Classifiers whose word is final: nobody asks an LLM after them.
CERTAIN = frozenset({RulesClassifier.name, ALERTS})


@dataclass(frozen=True)
class Ruling:
    """What the rules say about one message: the rules that fitted, and the alert that it is."""

    fired: tuple[Rule, ...] = ()  # a second one when the first routed the message elsewhere
    alert: Alert | None = None

    @property
    def answer(self) -> Answer | None:
        """The answer when no model needs to look; None leaves it to the models."""
        for rule in self.fired:
            if rule.is_ignored:
                verdict = certain("info", "low", ignored=True)
                return Answer(RulesClassifier.name, RulesClassifier.version, verdict)
        if self.alert is not None:
            return Answer(ALERTS, ALERTS_VERSION, verdict_of(self.alert))
        return None

    def enforce(self, answer: Answer) -> Answer:
        """The answer as the rules want it."""
        for rule in reversed(self.fired):  # the first one has the last word
            answer = _enforce(answer, _as_raw(rule))
        return answer


class Rulings:
    """The rules of one chunk of messages: read when first asked for, so that a change counts at once."""

    def __init__(self) -> None:
        self.rules_of = cache(rules_of)
        self.glossary_of = cache(glossary_of)

    def of(self, message: Message) -> Ruling:
        """Try the project's rules. Tags, the alert's key and where it is routed are set on the message."""
        first = self._fired(message)
        fired = [first] if first is not None else []
        if first is not None and first.route_to_id is not None and _may_move(message):
            message.project = Project.objects.get(pk=first.route_to_id)
            # Its new project has its say, but does not send it on: rules may point at each other.
            fired += [rule for rule in [self._fired(message)] if rule is not None]
        tags = [*message.tags, *(rule.tag for rule in fired if rule.tag)]
        message.tags = list(dict.fromkeys(tags))
        alert = alert_of(message)
        message.alert_key = alert.key if alert is not None else ""
        return Ruling(tuple(fired), alert)

    def _fired(self, message: Message) -> Rule | None:
        rules = self.rules_of(message.project_id)
        if not rules:
            return None
        facts = facts_of(message, glossary=self.glossary_of)
        fired = first_that_fits(rules, facts)
        if facts.timed_out:
            logger.warning("expressions of project %s took too long", message.project_id)
            StoredRule.note_timeouts(message.project_id, facts.timed_out)
        return fired


def rules_of(project_id: int) -> tuple[Rule, ...]:
    """The project's active rules in their order."""
    rows = StoredRule.objects.filter(project=project_id, is_active=True)
    return tuple(row.plain for row in rows.select_related("chat").order_by("position", "pk"))


def facts_of(message: Message, *, glossary: Any = glossary_of) -> Facts:
    return Facts(
        text=message.text,
        author=message.author,
        author_id=message.author_id,
        chat_id=message.chat_id,
        names_of=partial(_names, message.text, message.project_id, glossary),
    )


def alert_of(message: Message) -> Alert | None:
    """The alert that a bot's line is, where its project reads alerts."""
    if not message.project.reads_alerts:
        return None
    return read_alert(message.text, is_from_bot=message.is_from_bot)


def certain_answer(sample: Sample) -> Answer | None:
    """What can only be one thing, in whatever project."""
    rules = RulesClassifier()
    (verdict,) = rules.classify([sample])
    return None if verdict is None else Answer(rules.name, rules.version, verdict)


def enforce_again(answer: Answer, earlier: Mapping[str, Any]) -> Answer:
    """A later model's answer under the rule that was noted with the earlier one."""
    if "rule" not in earlier:
        return answer
    return _enforce(answer, {name: earlier[name] for name in _NOTED if name in earlier})


def wanted_of(rule: Rule, message: Message) -> tuple[str, str]:
    """Category and priority that a message, as it is decided now, would have under a rule."""
    verdict = Verdict(message.category or "info", message.priority or "low", confidence=1.0)
    answer = Answer("", "", verdict)
    ruling = Ruling(fired=(rule,))
    wanted = ruling.enforce(ruling.answer or answer).verdict
    category = message.category if "category" in message.locked_fields else wanted.category
    priority = message.priority if "priority" in message.locked_fields else wanted.priority
    return category, priority


_NOTED = ("rule", "name", "project", "set_category", "set_priority")


def _as_raw(rule: Rule) -> dict[str, Any]:
    """What a classification keeps of the rule that fired."""
    kept: dict[str, Any] = {"rule": rule.id, "name": rule.name, "project": rule.project_id}
    if not rule.is_ignored:
        wanted = {"set_category": rule.category, "set_priority": rule.priority}
        kept |= {name: value for name, value in wanted.items() if value}
    return kept


def _enforce(answer: Answer, noted: Mapping[str, Any]) -> Answer:
    """The rule's category is certain; its priority stands whoever found the category."""
    verdict, category = answer.verdict, noted.get("set_category")
    if category and not verdict.raw.get("ignored"):
        priority = _priority_for(category, answer)
        verdict = replace(certain(category, priority), raw=verdict.raw)
        answer = Answer(RulesClassifier.name, RulesClassifier.version, verdict)
    raw = {**verdict.raw, **noted}
    if "set_priority" in noted:
        # The next near-identical message may not be under this rule.
        raw.setdefault(SAID_PRIORITY, verdict.priority)
    priority = noted.get("set_priority", verdict.priority)
    return answer._replace(verdict=replace(verdict, priority=priority, raw=raw))


def _priority_for(category: str, answer: Answer) -> str:
    """The models' priority, unless they took it for chatter: that says nothing about a report."""
    if category == "info":
        return "low"
    return "medium" if answer.verdict.category == "info" else answer.verdict.priority


def _may_move(message: Message) -> bool:
    """A message that stands in an issue stays in that issue's project."""
    return getattr(message, "evidence", None) is None


def _names(text: str, project_id: int, glossary: Any) -> set[str]:
    terms: tuple[Term, ...] = glossary(project_id)
    return normal_forms(text, terms)
