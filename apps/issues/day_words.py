"""A day's figures in sentences: what to do about them, and the whole of it as plain text.

Sentences are made of the stored figures when they are read, so that everybody reads their own language.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.issues.plain import plain
from apps.messages.models import Category, Priority
from tasktracker.lib.text import shorten

MAX_ADVICE = 12
PER_KIND = 4  # sentences about single issues of one kind
NAMED_IN_TEXT = 10  # issues of one kind in the text for a chat
TITLE = 100
IN_DAYS_FROM = 48  # hours; a longer silence is told in days
GROWS_FROM = 3  # reports a day that ask for a higher priority

Figures = Mapping[str, Any]
Row = Mapping[str, Any]


def advice(figures: Figures) -> list[tuple[str, int | None]]:
    """What to do, most urgent first: a sentence, and the issue that it is about."""
    said = [
        *_about_silent(figures),
        *_about_counts(figures),
        *_about_overdue(figures),
        *_about_growing(figures),
    ]
    return said[:MAX_ADVICE]


def text_of(figures: Figures, project: str, day: date) -> str:
    """The day as plain text in the active language, for a chat."""
    parts = [f"{plain(project)}: {formats.date_format(day, 'DATE_FORMAT')}", numbers(figures)]
    said = [f"- {sentence}" for sentence, _issue in advice(figures)]
    parts.append("\n".join([_("To do:"), *said]) if said else _("Nothing asks for attention."))
    for kind, heading in (
        ("new", _("New:")),
        ("growing", _("Growing:")),
        ("overdue", _("Overdue:")),
        ("done", _("Done:")),
    ):
        rows = figures[kind][:NAMED_IN_TEXT]
        if rows:
            lines = [f"- {named(row)}{_detail(kind, row)}" for row in rows]
            if (more := figures["totals"][kind] - len(rows)) > 0:
                text = ngettext("and %(count)d more", "and %(count)d more", more)
                lines.append(text % {"count": more})
            parts.append("\n".join([heading, *lines]))
    return "\n\n".join(parts)


def numbers(figures: Figures) -> str:
    """The day in one line."""
    messages, totals = figures["messages"], figures["totals"]
    usual = formats.number_format(messages["usual"], 1)
    total = messages["total"]
    said = [
        ngettext(
            "%(count)d message (usually %(usual)s a day)",
            "%(count)d messages (usually %(usual)s a day)",
            total,
        )
        % {"count": total, "usual": usual},
        ngettext("%(count)d new issue", "%(count)d new issues", totals["new"])
        % {"count": totals["new"]},
        _("%(count)d done") % {"count": totals["done"]},
        _("%(count)d exported") % {"count": figures["exported"]},
        _("%(count)d open") % {"count": figures["open"]},
    ]
    return ", ".join(said) + "."


def named(row: Row) -> str:
    """An issue by its number and title; the title comes from a chat and is only words here."""
    return f"#{row['id']} {shorten(plain(str(row['title'])), TITLE)}"


def quoted(row: Row) -> str:
    title = shorten(plain(str(row["title"])), TITLE)
    return _("#%(id)s “%(title)s”") % {"id": row["id"], "title": title}


def when(due: str) -> str:
    """A stored due date for people: the day, and the time where there is one."""
    if "T" in due:
        moment = datetime.fromisoformat(due)
        return formats.date_format(moment, "SHORT_DATETIME_FORMAT")
    return formats.date_format(date.fromisoformat(due), "DATE_FORMAT")


def _detail(kind: str, row: Row) -> str:
    if kind == "new":
        category = dict(Category.choices).get(row["category"], "")
        priority = dict(Priority.choices).get(row["priority"], "")
        return f" ({category}, {priority})"
    if kind == "growing":
        return f": {reports(row)}"
    return f" ({when(row['due'])})" if kind == "overdue" else ""


def silence(hours: int) -> str:
    """For how long nobody has touched something."""
    if hours >= IN_DAYS_FROM:
        return ngettext("%(days)d day", "%(days)d days", hours // 24) % {"days": hours // 24}
    return ngettext("%(hours)d hour", "%(hours)d hours", hours) % {"hours": hours}


def reports(row: Row) -> str:
    """How an issue grew on the day."""
    if not row["usual"]:
        return ngettext(
            "%(count)d report (none in the week before)",
            "%(count)d reports (none in the week before)",
            row["reports"],
        ) % {"count": row["reports"]}
    usual = formats.number_format(row["usual"], 1)
    return ngettext(
        "%(count)d report (%(usual)s a day in the week before)",
        "%(count)d reports (%(usual)s a day in the week before)",
        row["reports"],
    ) % {"count": row["reports"], "usual": usual}


def _about_silent(figures: Figures) -> list[tuple[str, int | None]]:
    said: list[tuple[str, int | None]] = []
    for row in figures["silent"][:PER_KIND]:
        details: dict[str, Any] = {
            "issue": quoted(row),
            "priority": dict(Priority.choices).get(row["priority"], ""),
        }
        if row["hours"] >= IN_DAYS_FROM:
            details["days"] = days = row["hours"] // 24
            words = ngettext(
                "Look at %(issue)s: its priority is “%(priority)s”, and nobody has touched it for %(days)d day.",
                "Look at %(issue)s: its priority is “%(priority)s”, and nobody has touched it for %(days)d days.",
                days,
            )
        else:
            details["hours"] = row["hours"]
            words = ngettext(
                "Look at %(issue)s: its priority is “%(priority)s”, and nobody has touched it for %(hours)d hour.",
                "Look at %(issue)s: its priority is “%(priority)s”, and nobody has touched it for %(hours)d hours.",
                row["hours"],
            )
        said.append((words % details, row["id"]))
    return said


def _about_counts(figures: Figures) -> list[tuple[str, int | None]]:
    unreviewed, failed = figures["totals"]["unreviewed"], figures["exports_failed"]
    waiting, said = figures["waiting"], []
    if unreviewed:
        words = ngettext(
            "Check %(count)d message that looks critical and that no model was sure of.",
            "Check %(count)d messages that look critical and that no model was sure of.",
            unreviewed,
        )
        said.append(words % {"count": unreviewed})
    if failed:
        words = ngettext(
            "Export %(count)d issue again: a tracker did not take it.",
            "Export %(count)d issues again: a tracker did not take them.",
            failed,
        )
        said.append(words % {"count": failed})
    if waiting:
        words = ngettext(
            "Decide about %(count)d issue that has waited for more than three days.",
            "Decide about %(count)d issues that have waited for more than three days.",
            waiting,
        )
        said.append(words % {"count": waiting})
    return [(sentence, None) for sentence in said]


def _about_overdue(figures: Figures) -> list[tuple[str, int | None]]:
    return [
        (
            _one_stop(
                _("Finish %(issue)s or agree on another date: it was due %(due)s.")
                % {"issue": quoted(row), "due": when(row["due"])}
            ),
            row["id"],
        )
        for row in figures["overdue"][:PER_KIND]
    ]


def _one_stop(sentence: str) -> str:
    """A Ukrainian date ends with a full stop of its own: "2025 р."."""
    return sentence[:-1] if sentence.endswith("..") else sentence


def _about_growing(figures: Figures) -> list[tuple[str, int | None]]:
    said: list[tuple[str, int | None]] = []
    open_rows = [
        row for row in figures["growing"] if row["status"] in ("new", "approved", "in_progress")
    ]
    for row in open_rows[:PER_KIND]:
        details = {"issue": quoted(row), "reports": reports(row)}
        is_low = row["priority"] in (Priority.LOW, Priority.MEDIUM)
        if row["reports"] < GROWS_FROM or row["reports"] <= 2 * row["usual"]:
            continue
        if is_low:
            words = _("Raise the priority of %(issue)s: %(reports)s.")
        else:
            words = _("%(issue)s is spreading: %(reports)s.")
        said.append((words % details, row["id"]))
    return said
