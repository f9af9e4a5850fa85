"""`manage.py analyse`: the review of one or several days, of one project or of all."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from apps.issues.analysis import analyse, today, yesterday
from apps.issues.models import DayAnalysis
from apps.sources.models import Project
from tasktracker.lib.progress import last_line, progress_bar

MAX_DAYS = 366


class Command(BaseCommand):
    help = (
        "Count a day of a project and say what to do; shown in the admin. The beat does it daily."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--project", help="slug of a project; all active ones without it")
        parser.add_argument(
            "--date", type=_day, help="YYYY-MM-DD; yesterday in the project's zone without it"
        )
        parser.add_argument(
            "--days", type=_number_of_days, default=1, help="so many days up to that one"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
        parser.add_argument("--quiet", action="store_true", help="no progress bar")

    def handle(self, *args: Any, **options: Any) -> None:
        projects = _projects(options["project"])
        _refuse_to_come(projects, options["date"])
        wanted = [
            (project, (options["date"] or yesterday(project)) - timedelta(days=back))
            for project in projects
            for back in range(options["days"] - 1, -1, -1)
        ]
        done = []
        with progress_bar(_("Analysing"), is_quiet=options["quiet"]) as advance:
            for number, (project, day) in enumerate(wanted, 1):
                done.append(analyse(project, day))
                advance(number, len(wanted))
        if not options["json"]:
            self.stdout.write("\n\n\n".join(analysis.text for analysis in done))
            return
        self.stdout.write(last_line({"analyses": [_as_json(analysis) for analysis in done]}))


def _projects(slug: str | None) -> list[Project]:
    if not slug:
        return list(Project.objects.filter(is_active=True))
    projects = list(Project.objects.filter(slug=slug))
    if not projects:
        raise CommandError(_("There is no project “%(slug)s”.") % {"slug": slug})
    return projects


def _as_json(analysis: DayAnalysis) -> dict[str, Any]:
    return {
        "project": analysis.project.slug,
        "day": analysis.day.isoformat(),
        "figures": analysis.figures,
        "text": analysis.text,
    }


def _refuse_to_come(projects: list[Project], day: date | None) -> None:
    """Where a day has not begun there is nothing to count."""
    for project in projects:
        if day is not None and day > today(project):
            words = _("%(day)s has not begun yet for %(project)s.")
            raise CommandError(words % {"day": day.isoformat(), "project": project.slug})


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not date(2000, 1, 1) <= day <= date(2100, 1, 1):
        words = _("“%(text)s” is no day: write it as YYYY-MM-DD, from 2000 on")
        raise ArgumentTypeError(words % {"text": text})
    return day


def _number_of_days(text: str) -> int:
    number = int(text) if text.isdecimal() and len(text) < 5 else 0
    if not 1 <= number <= MAX_DAYS:
        words = _("“%(text)s” is not a whole number from 1 to %(most)d")
        raise ArgumentTypeError(words % {"text": text, "most": MAX_DAYS})
    return number
