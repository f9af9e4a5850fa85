"""`manage.py simulate_duplicates`: the last days, grouped by other thresholds."""

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.issues.comparison import check_thresholds, thresholds_of
from apps.issues.dedup.levels import Thresholds
from apps.issues.what_if import Figures, Pair, WhatIf, what_if
from apps.sources.models import Project
from tasktracker.lib.progress import last_line, progress_bar
from tasktracker.lib.text import shorten

DAYS = 30
MOST_DAYS = 3660


class Command(BaseCommand):
    help = "Group the reports of the last days by other thresholds, in memory, and compare."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="slug of the project")
        parser.add_argument(
            "--days", type=_days, default=DAYS, help="so many, up to the newest report"
        )
        parser.add_argument("--merge", type=_ratio, help="merge at; the project's without it")
        parser.add_argument("--suggest", type=_ratio, help="suggest at; the project's without it")
        parser.add_argument("--limit", type=_count, help="only the newest so many reports")
        parser.add_argument("--no-curve", action="store_true", help="no table of thresholds")
        parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
        parser.add_argument("--quiet", action="store_true", help="no progress bar")
        parser.add_argument(
            "--language", choices=[code for code, _name in settings.LANGUAGES], help="of the words"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override(options["language"] or translation.get_language()):
            project = Project.objects.filter(slug=options["project"]).first()
            if project is None:
                raise CommandError(
                    _("There is no project “%(slug)s”.") % {"slug": options["project"]}
                )
            chosen = _chosen(project, options["merge"], options["suggest"])
            with progress_bar(_("Simulating"), is_quiet=options["quiet"]) as advance:
                found = what_if(
                    project,
                    chosen,
                    days=options["days"],
                    limit=options["limit"],
                    has_curve=not options["no_curve"],
                    progress=advance,
                )
            self.stdout.write("\n".join(_told(found)))
            if options["json"]:
                self.stdout.write(last_line(_as_json(project, found)))


def _chosen(project: Project, merge: float | None, suggest: float | None) -> Thresholds:
    today = thresholds_of(project)
    chosen = Thresholds(
        merge=today.merge if merge is None else merge,
        suggest=today.suggest if suggest is None else suggest,
    )
    try:
        check_thresholds(chosen)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from None
    return chosen


def _told(found: WhatIf) -> list[str]:
    if found.since is None or found.until is None or not found.chosen.reports:
        return [_("No report was filed in these days.")]
    days = {"since": date_format(found.since), "until": date_format(found.until)}
    lines = [_("From %(since)s to %(until)s") % days]
    if found.is_cut:
        lines.append(_("Only the newest %(count)d reports.") % {"count": found.chosen.reports})
    lines += ["", *_table([found.today, found.chosen]), ""]
    for title, pairs, count in (
        (_("Merged more"), found.gained, found.gained_count),
        (_("Merged no more"), found.lost, found.lost_count),
        (_("Would join what people told apart"), found.false, None),
        (_("Would miss what people merged"), found.missed, None),
    ):
        lines += _pairs(title, pairs, len(pairs) if count is None else count)
    if found.curve:
        lines += [_("By the merge threshold"), *_table(found.curve)]
    return lines


def _table(rows: Sequence[Figures]) -> list[str]:
    heads = (
        _("merge at"),
        _("suggest at"),
        _("reports"),
        _("issues"),
        _("merged"),
        _("suggestions per report"),
        _("precision"),
        _("recall"),
        _("false merges"),
        _("missed"),
    )
    cells = [
        (
            f"{row.merge:g}",
            f"{row.suggest:g}",
            str(row.reports),
            str(row.issues),
            str(row.merged),
            f"{row.suggestions_per_report:.2f}",
            _share(row.agreement.precision),
            _share(row.agreement.recall),
            str(len(row.agreement.false)),
            str(len(row.agreement.missed)),
        )
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(heads, *cells, strict=True)]
    return [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in (heads, *cells)
    ]


def _pairs(title: str, pairs: Sequence[Pair], count: int) -> list[str]:
    if not count:
        return []
    lines = [f"{title}: {count}"]
    for pair in pairs:
        score = "" if pair.score is None else f" ({pair.score:.2f})"
        lines.append(f"  “{shorten(pair.text, 90)}”{score}")
        lines.append(f"    ~ “{shorten(pair.other_text, 90)}”")
    return [*lines, ""]


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _as_json(project: Project, found: WhatIf) -> dict[str, Any]:
    return {
        "project": project.slug,
        "since": found.since.isoformat() if found.since else None,
        "until": found.until.isoformat() if found.until else None,
        "is_cut": found.is_cut,
        "today": _figures(found.today),
        "chosen": _figures(found.chosen),
        "gained": {"count": found.gained_count, "pairs": [asdict(pair) for pair in found.gained]},
        "lost": {"count": found.lost_count, "pairs": [asdict(pair) for pair in found.lost]},
        "false": [asdict(pair) for pair in found.false],
        "missed": [asdict(pair) for pair in found.missed],
        "curve": [_figures(row) for row in found.curve],
    }


def _figures(row: Figures) -> dict[str, Any]:
    people = row.agreement
    return {
        "merge": row.merge,
        "suggest": row.suggest,
        "reports": row.reports,
        "issues": row.issues,
        "merged": row.merged,
        "following": row.following,
        "suggestions": row.suggestions,
        "suggested": row.suggested,
        "suggestions_per_report": round(row.suggestions_per_report, 4),
        "precision": people.precision,
        "recall": people.recall,
        "right": len(people.right),
        "false": len(people.false),
        "missed": len(people.missed),
        "kept_apart": people.kept,
    }


def _days(text: str) -> int:
    return _whole(text, MOST_DAYS)


def _count(text: str) -> int:
    return _whole(text, 1_000_000)


def _whole(text: str, most: int) -> int:
    number = int(text) if text.isdecimal() and len(text) < 9 else 0
    if not 1 <= number <= most:
        words = _("“%(text)s” is not a whole number from 1 to %(most)d")
        raise ArgumentTypeError(words % {"text": text, "most": most})
    return number


def _ratio(text: str) -> float:
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        number = -1.0
    if not 0.0 <= number <= 1.0:
        raise ArgumentTypeError(_("“%(text)s” is not a number from 0 to 1") % {"text": text})
    return number
