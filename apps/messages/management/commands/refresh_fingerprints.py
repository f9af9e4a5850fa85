"""`manage.py refresh_fingerprints`: after an update that changed the normal form of texts."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.messages.fingerprints import outdated, refresh_all
from tasktracker.lib.progress import progress_bar


class Command(BaseCommand):
    help = "Make the fingerprints of older messages anew, newest first, beside the running system."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--quiet", action="store_true", help="No progress bar.")

    def handle(self, *args: Any, **options: Any) -> None:
        total, done = outdated().count(), 0
        with progress_bar(_("Fingerprints"), is_quiet=options["quiet"]) as advance:
            advance(0, total)
            for count in refresh_all():
                done += count
                advance(done, total)
        text = ngettext("%(n)d fingerprint made anew.", "%(n)d fingerprints made anew.", done)
        self.stdout.write(text % {"n": done})
