"""`manage.py import_messages FILE --source NAME`: a chat's history by the way of live messages."""

from argparse import BooleanOptionalAction
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.messages.history import (
    CannotImport,
    Summary,
    is_finished,
    publish_history,
    wait_until_finished,
)
from apps.messages.pacing import LONGEST_QUEUE, Pace
from apps.sources.archives import kinds_with_history
from apps.sources.gaps import close_gaps
from apps.sources.models import Source
from tasktracker.lib import bus
from tasktracker.lib.progress import last_line, progress_bar
from tasktracker.management.pipeline_processes import processing
from tasktracker.management.setting_up import project_of, save_checked


class Command(BaseCommand):
    help = (
        "Import a Telegram Desktop export (result.json) or JSON lines; doing it again adds nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument(
            "--source", required=True, metavar="NAME", help="made when there is none of this name"
        )
        parser.add_argument("--project", metavar="SLUG", help="needed when there are several")
        parser.add_argument(
            "--wait",
            action=BooleanOptionalAction,
            default=True,
            help="until every message is processed",
        )
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object as the last line"
        )

    def handle(self, *args: Any, file: Path, source: str, wait: bool, **options: Any) -> None:
        if not file.is_file():
            raise CommandError(_("There is no file %(path)s.") % {"path": file})
        target = source_of(source, options["project"])
        summary = bring_in(file, target, wait=wait)
        values = {"file": str(file), "source": target.name, "project": target.project.slug}
        if options["json"]:
            self.stdout.write(last_line({**values, **figures(summary)}))
        else:
            self.stdout.write(sentence_of(summary))
        for problem in summary.problems:
            self.stderr.write(problem)
        if summary.invalid and not summary.read:
            raise CommandError(_("Nothing in the file could be read."))
        if summary.truncated:
            raise CommandError(
                _("The file is broken: %(reason)s. Everything before that was imported.")
                % {"reason": summary.truncated}
            )


def source_of(name: str, slug: str | None) -> Source:
    """The source of this name, or a new one for archives."""
    project = project_of(slug)
    found = Source.objects.filter(project=project, name=name).first()
    if found is None:
        found = Source(project=project, name=name, kind="file_import")
        save_checked(found)
    if found.kind not in kinds_with_history():
        raise CommandError(
            _("%(name)s is of the kind %(kind)s, which takes no history.")
            % {"name": name, "kind": found.kind}
        )
    return found


def bring_in(file: Path, source: Source, *, wait: bool) -> Summary:
    """Publish the file and, with `wait`, see every message through; two progress bars."""
    try:
        with ExitStack() as stack:
            start = cache(lambda: stack.enter_context(processing()))  # once, and only when needed
            pace = Pace(
                longest_queue=LONGEST_QUEUE if wait else None,
                on_wait=start if wait else lambda: None,
            )
            with progress_bar(_("Reading %(file)s") % {"file": file.name}) as advance:
                summary = publish_history(file, source, advance, pace=pace)
            if wait and not is_finished(source, summary):
                start()
                with progress_bar(_("Processing")) as advance:
                    wait_until_finished(source, summary, advance)
        if wait:
            close_gaps(source, summary.spans)
    except (CannotImport, OSError, ValueError) as error:
        raise CommandError(str(error)) from error
    finally:
        bus.close()  # before embedded services end, so that it does not try to reconnect
    return summary


def figures(summary: Summary) -> dict[str, Any]:
    return {
        "read": summary.read,
        "published": summary.published,
        "already_stored": summary.already_stored,
        "not_stored": summary.not_stored,
        "service": summary.service,
        "invalid": summary.invalid,
        "truncated": bool(summary.truncated),
        "problems": [*summary.problems, *([summary.truncated] if summary.truncated else [])],
    }


def sentence_of(summary: Summary) -> str:
    sentence = ngettext(
        "%(read)d message read: %(published)d new, %(stored)d already there;"
        " %(service)d service entries, %(invalid)d unreadable.",
        "%(read)d messages read: %(published)d new, %(stored)d already there;"
        " %(service)d service entries, %(invalid)d unreadable.",
        summary.read,
    )
    return sentence % {
        "read": summary.read,
        "published": summary.published,
        "stored": summary.already_stored,
        "service": summary.service,
        "invalid": summary.invalid,
    }
