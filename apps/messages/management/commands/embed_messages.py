"""`manage.py embed_messages`: after a change of EMBEDDINGS_*, beside the running system."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.messages.reembed import embed_all, missing, prune
from tasktracker.lib import embeddings
from tasktracker.lib.progress import progress_bar


class Command(BaseCommand):
    help = "Embed every message that has no vector of the present model, reports first."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--prune", action="store_true", help="Delete the vectors of other models afterwards."
        )
        parser.add_argument("--quiet", action="store_true", help="No progress bar.")

    def handle(self, *args: Any, **options: Any) -> None:
        total, done = missing().count(), 0
        try:
            with progress_bar(_("Embedding"), is_quiet=options["quiet"]) as advance:
                advance(0, total)
                for count in embed_all():
                    done += count
                    advance(done, total)
        except embeddings.Unavailable as error:
            raise CommandError(
                _("Stopped after %(done)d messages: %(reason)s. Run it again to go on.")
                % {"done": done, "reason": error}
            ) from error
        text = ngettext("%(n)d message embedded.", "%(n)d messages embedded.", done)
        self.stdout.write(text % {"n": done})
        if options["prune"]:
            deleted = prune()
            text = ngettext("%(n)d older vector deleted.", "%(n)d older vectors deleted.", deleted)
            self.stdout.write(text % {"n": deleted})
