"""How well the classifiers understand: the page's figures, each said in words and in a table."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.issues import measure as issues
from apps.messages import measure
from apps.messages.answers import PERSON
from apps.messages.measure import Pairs, Totals
from apps.messages.models import Category, Message
from apps.sources.admin.display import in_words, percent
from apps.sources.models import Project
from tasktracker.celery import depth
from tasktracker.lib import circuits, llm, vector_cache

PERIODS = (7, 14, 30)  # days
DAYS = 14
LLM = "llm:"
#: Who answers, from cheap to dear; the key is also the colour's class.
FAMILIES = {
    "rules": gettext_lazy("Rules and alerts"),
    "local": gettext_lazy("Local model"),
    "llm": gettext_lazy("LLM"),
    "person": gettext_lazy("People"),
}
LANGUAGES = {"uk": gettext_lazy("Ukrainian"), "en": gettext_lazy("English")}


class Part(NamedTuple):
    """A piece of a bar. `width` is for a style sheet: never in the reader's way of writing numbers."""

    name: str
    words: Any
    value: int
    width: str


@dataclass
class Group:
    """The answers of a day or of a classifier."""

    totals: Totals = field(default_factory=Totals)
    machine: Totals = field(default_factory=Totals)  # without people, who are always sure
    llm: Totals = field(default_factory=Totals)
    families: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def add(self, classifier: str, totals: Totals) -> None:
        self.totals.add(totals)
        self.families[family_of(classifier)] += totals.answers
        if classifier != PERSON:
            self.machine.add(totals)
        if classifier.startswith(LLM):
            self.llm.add(totals)


class Choice(NamedTuple):
    """What the reader chose to see."""

    project: Project | None
    ids: Collection[int]
    days: int
    since: date


def family_of(classifier: str) -> str:
    if classifier.startswith(LLM):
        return "llm"
    if classifier in {"rules", "alerts"} or classifier.startswith("rule"):
        return "rules"
    return "person" if classifier == PERSON else "local"


def understanding(request: HttpRequest) -> dict[str, Any]:
    """Context of the page, only about the user's projects."""
    if not request.user.has_perm("chat_messages.view_message"):
        raise PermissionDenied
    projects = Project.visible_to(request.user).order_by("name")
    choice = _choice(request, list(projects))
    rows = measure.answers(since=choice.since, project_ids=choice.ids)
    by_day: dict[date, Group] = defaultdict(Group)
    by_classifier: dict[str, Totals] = defaultdict(Totals)
    everything = Group()
    for row in rows:
        by_day[row.day].add(row.classifier, row.totals)
        by_classifier[row.classifier].add(row.totals)
        everything.add(row.classifier, row.totals)
    return {
        "title": _("Understanding"),
        "projects": projects,
        "choice": choice,
        "periods": PERIODS,
        "is_empty": not rows,
        "numbers": _numbers(choice, everything),
        "families": FAMILIES.items(),
        "days": _days(choice, by_day),
        "classifiers": [_classifier(name, by_classifier[name]) for name in sorted(by_classifier)],
        "bins": [f"{percent(number / 10)}" for number in range(measure.CONFIDENCE_BINS)],
        "confidence": _confidence(by_classifier),
        "stages": agreement(measure.local_and_llm(since=choice.since, project_ids=choice.ids)),
        "people": agreement(_people(choice)),
        "languages": _languages(choice),
        "circuits": _circuits(),
        "compared": measure.COMPARED,
        "read": measure.READ,
    }


def _choice(request: HttpRequest, projects: Sequence[Project]) -> Choice:
    slug = request.GET.get("project", "")
    project = next((project for project in projects if project.slug == slug), None)
    given = request.GET.get("days", "")
    days = int(given) if given in map(str, PERIODS) else DAYS
    ids = [project.pk] if project else [project.pk for project in projects]
    return Choice(project, ids, days, timezone.localdate() - timedelta(days=days - 1))


def _numbers(choice: Choice, group: Group) -> list[dict[str, Any]]:
    sent, provisional = measure.provisional(since=choice.since, project_ids=choice.ids)
    waiting = Message.objects.filter(
        project__in=choice.ids, status=Message.Status.UNSURE, due_at__isnull=False
    ).count()
    asked, machine = group.llm.answers, group.machine.answers
    return [
        {"value": _count(group.totals.answers), "title": _("Answers given in these days")},
        {
            "value": percent((machine - asked) / machine) if machine else "–",
            "title": _("Without an LLM"),
        },
        {
            "value": percent(group.llm.cached / asked) if asked else "–",
            "title": _("LLM answers from the cache"),
        },
        {"value": _remembered_vectors(), "title": _("Vectors from the cache, all projects")},
        {"value": _count(group.llm.tokens), "title": _("Tokens")},
        {"value": _dollars(group.llm.cost_usd), "title": _("Estimated cost")},
        {
            "value": percent(provisional / sent) if sent else "–",
            "title": _("Provisional: no model was sure"),
            "link": _inbox(choice, is_provisional__exact=1, sent_at_from=choice.since),
        },
        {
            "value": _count(waiting),
            "title": _("Wait for the LLM"),
            "link": _inbox(choice, status__exact=Message.Status.UNSURE),
        },
        {"value": _count(depth("llm")), "title": _("Tasks in the LLM's queue")},
    ]


def _remembered_vectors() -> str:
    """How many vectors the model need not make, since Valkey started."""
    counts = vector_cache.counts()
    total = sum(counts.values())
    return percent((total - counts["model"]) / total) if total else "–"


def _days(choice: Choice, by_day: Mapping[date, Group]) -> list[dict[str, Any]]:
    days = [choice.since + timedelta(days=number) for number in range(choice.days)]
    most = max((by_day[day].totals.answers for day in by_day), default=0)
    return [_day(choice, day, by_day.get(day) or Group(), most) for day in reversed(days)]


def _day(choice: Choice, day: date, group: Group, most: int) -> dict[str, Any]:
    return {
        "day": day,
        "link": _inbox(choice, created_at_from=day, created_at_to=day),
        "bar": [_part(name, words, group.families[name], most) for name, words in FAMILIES.items()],
        "answers": _count(group.totals.answers),
        "llm": _count(group.llm.answers),
        "cached": _count(group.llm.cached),
        "tokens": _count(group.llm.tokens),
        "cost": _dollars(group.llm.cost_usd),
        "p95": _seconds(group.machine.latency(0.95)),
        "confidence": percent(_mean_confidence(group.machine)),
    }


def _classifier(name: str, totals: Totals) -> dict[str, Any]:
    is_person = name == PERSON
    return {
        "name": in_words(name),
        "family": family_of(name),
        "answers": _count(totals.answers),
        "cached": _count(totals.cached),
        "input": _count(totals.input_tokens),
        "output": _count(max(0, totals.tokens - totals.input_tokens)),
        "cost": _dollars(totals.cost_usd),
        "p50": "–" if is_person else _seconds(totals.latency(0.5)),
        "p95": "–" if is_person else _seconds(totals.latency(0.95)),
        "confidence": "–" if is_person else percent(_mean_confidence(totals)),
    }


def _confidence(by_classifier: Mapping[str, Totals]) -> list[dict[str, Any]]:
    """How sure each classifier was: one row of ten cells, darker where more answers are."""
    rows = []
    for name in sorted(by_classifier):
        counts = by_classifier[name].confidences
        if name != PERSON and (most := int(counts.max())):
            cells = [_part("", "", int(count), most) for count in counts]
            rows.append({"name": in_words(name), "cells": cells})
    return rows


def _people(choice: Choice) -> Pairs:
    """What people set right, and what they took on as it was."""
    pairs = measure.machine_and_person(since=choice.since, project_ids=choice.ids)
    accepted = issues.confirmed(since=measure.midnight(choice.since), project_ids=choice.ids)
    for category, count in accepted.items():
        pairs[category, category] = pairs.get((category, category), 0) + count
    return pairs


def agreement(pairs: Pairs) -> dict[str, Any] | None:
    """A matrix with its shares: rows are the first answer, columns the one that is compared with."""
    total = sum(pairs.values())
    if not total:
        return None
    same = sum(count for (one, other), count in pairs.items() if one == other)
    rows = []
    for category in Category:
        hit = pairs.get((category, category), 0)
        said = sum(pairs.get((category, other), 0) for other in Category)
        true = sum(pairs.get((other, category), 0) for other in Category)
        rows.append(
            {
                "words": category.label,
                "cells": [
                    {
                        "value": pairs.get((category, other), 0),
                        "column": other.label,
                        "same": category == other,
                    }
                    for other in Category
                ],
                "precision": percent(hit / said) if said else "–",
                "recall": percent(hit / true) if true else "–",
                "f1": percent(2 * hit / (said + true)) if said + true else "–",
            }
        )
    return {
        "columns": [category.label for category in Category],
        "rows": rows,
        "total": total,
        "same": same,
        "share": percent(same / total),
    }


def _languages(choice: Choice) -> list[Part]:
    counted = measure.languages(since=choice.since, project_ids=choice.ids)
    total = sum(counted.values())
    return [_part(name, LANGUAGES[name], count, total) for name, count in counted.items() if total]


def _circuits() -> list[dict[str, Any]]:
    words = {
        "closed": _("asked"),
        "open": _("rests"),
        "half-open": _("the next question probes it"),
    }
    return [
        {
            "model": state.model,
            "state": words.get(state.state, state.state),
            "is_alarm": state.state != "closed",
            "rests_for": number_format(state.rests_for, 0) if state.rests_for else "–",
            "last_error": state.last_error,
        }
        for state in circuits.states([model.name for model in llm.chain(cloud=True)])
    ]


# How figures are written


def _part(name: str, words: Any, value: int, whole: int) -> Part:
    return Part(name, words, value, f"{100 * value / whole if whole else 0:.1f}")


def _count(value: int | None) -> str:
    return "–" if value is None else number_format(value, use_l10n=True, force_grouping=True)


def _dollars(value: float) -> str:
    return f"${number_format(value, 2 if value >= 1 or not value else 4)}"


def _seconds(milliseconds: float | None) -> str:
    if milliseconds is None:
        return "–"
    if milliseconds < 1:
        return _("under 1 ms")
    if milliseconds < 1000:
        return _("%(number)s ms") % {"number": number_format(milliseconds, 0)}
    return _("%(number)s s") % {"number": number_format(milliseconds / 1000, 1)}


def _mean_confidence(totals: Totals) -> float | None:
    counts = totals.confidences
    if not counts.sum():
        return None
    middles = [(number + 0.5) / measure.CONFIDENCE_BINS for number in range(len(counts))]
    return float((counts * middles).sum() / counts.sum())


def _inbox(choice: Choice, **lookups: Any) -> str:
    if choice.project:
        lookups["project__id__exact"] = choice.project.pk
    address = reverse("admin:chat_messages_message_changelist")
    return f"{address}?{urlencode(lookups)}"
