"""A stored analysis as its page and its print show it, in the reader's language."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.issues.day_words import advice, reports, silence, when
from apps.issues.models import DayAnalysis, Issue
from apps.messages.models import Category, Priority


class Bar(NamedTuple):
    label: str
    number: int
    width: int  # per cent of the longest
    is_strong: bool = False


class Line(NamedTuple):
    """An issue or a message: its page, its words, and what is said about it."""

    address: str
    text: str
    note: str


class Section(NamedTuple):
    title: str
    lines: list[Line]
    more: str


def report_of(analysis: DayAnalysis) -> dict[str, Any]:
    figures = analysis.figures
    known = _still_there(figures)
    return {
        "numbers": _numbers(figures),
        "advice": [
            (sentence, _issue_page(issue) if issue in known else "")
            for sentence, issue in advice(figures)
        ],
        "categories": _categories(figures),
        "last_days": _last_days(figures, analysis.day),
        "names": [
            (title, _bars((name, count) for name, count in figures[kind]))
            for kind, title in (("technologies", _("Technologies")), ("projects", _("Projects")))
            if figures[kind]
        ],
        "sections": [section for section in _sections(figures, known) if section.lines],
        "as_of": datetime.fromisoformat(figures["as_of"]),
    }


def _numbers(figures: Mapping[str, Any]) -> list[tuple[str, str, bool]]:
    """Title, value, whether it is an alarm."""
    totals = figures["totals"]
    usual = number_format(figures["messages"]["usual"], 1)
    return [
        (_("Messages"), str(figures["messages"]["total"]), False),
        (_("Usually a day"), usual, False),
        (_("People who wrote"), str(figures["messages"]["authors"]), False),
        (_("New issues"), str(totals["new"]), False),
        (_("Growing"), str(totals["growing"]), False),
        (_("Overdue"), str(totals["overdue"]), totals["overdue"] > 0),
        (_("Left alone"), str(totals["silent"]), totals["silent"] > 0),
        (_("To be checked"), str(totals["unreviewed"]), totals["unreviewed"] > 0),
        (_("Done"), str(totals["done"]), False),
        (_("Exported"), str(figures["exported"]), False),
        (_("Failed exports"), str(figures["exports_failed"]), figures["exports_failed"] > 0),
        (_("Open"), str(figures["open"]), False),
    ]


def _categories(figures: Mapping[str, Any]) -> list[Bar]:
    counts = dict(figures["messages"]["by_category"])
    rows = [(str(label), counts.pop(name)) for name, label in Category.choices if name in counts]
    if left := sum(counts.values()):
        rows.append((_("Not classified"), left))
    return _bars(rows)


def _last_days(figures: Mapping[str, Any], day: date) -> list[Bar]:
    days = [(date.fromisoformat(row["day"]), row["count"]) for row in figures["messages"]["by_day"]]
    bars = _bars((date_format(each, "D, j E"), count) for each, count in days)
    return [
        bar._replace(is_strong=each == day) for bar, (each, _count) in zip(bars, days, strict=True)
    ]


def _bars(rows: Iterable[tuple[str, int]]) -> list[Bar]:
    listed = list(rows)
    longest = max((count for _label, count in listed), default=0) or 1
    return [Bar(label, count, round(100 * count / longest)) for label, count in listed]


def _sections(figures: Mapping[str, Any], known: set[int]) -> list[Section]:
    priorities = dict(Priority.choices)

    def alone(row: Mapping[str, Any]) -> str:
        return f"{priorities.get(row['priority'], '')}, {silence(row['hours'])}"

    return [
        _of_issues(figures, "silent", _("Urgent and left alone"), known, alone),
        Section(
            _("Looks critical, nobody was sure"),
            [
                Line(
                    reverse("admin:chat_messages_message_change", args=[row["id"]]), row["text"], ""
                )
                for row in figures["unreviewed"]
            ],
            _more(figures, "unreviewed"),
        ),
        _of_issues(figures, "overdue", _("Overdue"), known, lambda row: when(row["due"])),
        _of_issues(figures, "growing", _("Growing"), known, reports),
        _of_issues(figures, "new", _("New"), known, _kind_of),
        _of_issues(figures, "done", _("Done"), known, _kind_of),
    ]


def _of_issues(
    figures: Mapping[str, Any], kind: str, title: str, known: set[int], note: Any
) -> Section:
    lines = [
        Line(
            _issue_page(row["id"]) if row["id"] in known else "",
            f"#{row['id']} {row['title']}",
            str(note(row)),
        )
        for row in figures[kind]
    ]
    return Section(title, lines, _more(figures, kind))


def _kind_of(row: Mapping[str, Any]) -> str:
    category = dict(Category.choices).get(row["category"], "")
    priority = dict(Priority.choices).get(row["priority"], "")
    return f"{category} · {priority}"


def _more(figures: Mapping[str, Any], kind: str) -> str:
    left = figures["totals"][kind] - len(figures[kind])
    text = ngettext("and %(count)d more", "and %(count)d more", left)
    return text % {"count": left} if left > 0 else ""


def _still_there(figures: Mapping[str, Any]) -> set[int]:
    named = {
        row["id"]
        for kind in ("silent", "overdue", "growing", "new", "done")
        for row in figures[kind]
    }
    return set(Issue.objects.filter(pk__in=named).values_list("pk", flat=True))


def _issue_page(issue_id: int | None) -> str:
    return reverse("admin:issues_issue_change", args=[issue_id])
