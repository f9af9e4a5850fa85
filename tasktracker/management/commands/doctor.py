"""`manage.py doctor telegram`: what is wrong between a platform and us, each trouble with its remedy."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import gettext as _

from apps.sources.adapters.base import Finding
from apps.sources.doctor import examine, kinds
from apps.sources.models import Source
from tasktracker.lib.progress import last_line
from tasktracker.lib.workflow import GiveUp


class Command(BaseCommand):
    help = "Examine every active source of a kind; ends with 1 when something is wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("kind", choices=kinds())
        parser.add_argument("--source", metavar="NAME", help="only this one, active or not")
        parser.add_argument("--project", metavar="SLUG", help="only sources of this project")
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object as the last line"
        )

    def handle(self, *args: Any, kind: str, json: bool, **options: Any) -> None:
        told = []
        for source in _sources(kind, options["source"], options["project"]):
            findings = _examined(source)
            told.append(
                {
                    "source": source.name,
                    "project": source.project.slug,
                    "ok": not any(finding.remedy for finding in findings),
                    "findings": [
                        {"sentence": finding.sentence, "remedy": finding.remedy}
                        for finding in findings
                    ],
                }
            )
            if not json:
                self._tell(source, findings)
        if json:
            self.stdout.write(last_line({"sources": told}))
        if not all(one["ok"] for one in told):
            # Not a CommandError: everything that there is to say was said.
            raise SystemExit(1)

    def _tell(self, source: Source, findings: list[Finding]) -> None:
        self.stdout.write(f"{source.name} ({source.project.slug})")
        for finding in findings:
            self.stdout.write(f"  {'✗' if finding.remedy else '✓'} {finding.sentence}")
            if finding.remedy:
                self.stdout.write(f"    → {finding.remedy}")


def _sources(kind: str, name: str | None, slug: str | None) -> list[Source]:
    """The sources in question, with their projects; raises CommandError when there is none."""
    found = Source.objects.filter(kind=kind).select_related("project").defer("config")
    if slug is not None:
        found = found.filter(project__slug=slug)
    if name is None:
        found = found.filter(is_active=True, project__is_active=True)
    else:
        found = found.filter(name=name)
    sources = list(found)
    if not sources:
        raise CommandError(_("There is no such source."))
    return sources


def _examined(source: Source) -> list[Finding]:
    try:
        return examine(source)
    except GiveUp as error:
        return [Finding(str(error), _("Open the source in the admin and save its settings again."))]
