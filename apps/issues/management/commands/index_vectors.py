"""`manage.py index_vectors`: what the beat does every hour, at once."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.issues.vector_index import build_missing


class Command(BaseCommand):
    help = "Index the vectors of very large projects, beside the running system."

    def handle(self, *args: Any, **options: Any) -> None:
        built = build_missing()
        if not built:
            self.stdout.write(_("Every large project has its index."))
            return
        text = ngettext("%(n)d index built.", "%(n)d indexes built.", len(built))
        self.stdout.write(text % {"n": len(built)})
