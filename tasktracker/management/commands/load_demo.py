"""`manage.py load_demo`: the demo chat in a project of its own, by the way of live messages."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.exports.models import Tracker
from apps.sources.models import Project, Source
from tasktracker.management.commands.import_messages import bring_in, sentence_of

FILE = Path("data") / "demo" / "result.json"
NAME, SLUG = "Smachno", "demo"


class Command(BaseCommand):
    help = "Load the demo project; doing it again adds nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        file = Path(settings.BASE_DIR) / FILE
        if not file.is_file():
            raise CommandError(_("There is no file %(path)s.") % {"path": file})
        project = Project.objects.filter(Q(slug=SLUG) | Q(name=NAME)).order_by("pk").first()
        if project is None:
            project = Project.objects.create(
                name=NAME,
                slug=SLUG,
                language="uk",
                auto_approve_above=0.9,
                approves_history=True,
            )
        source, _is_new = Source.objects.get_or_create(
            project=project, name="Smachno Dev", defaults={"kind": "file_import"}
        )
        Tracker.objects.get_or_create(project=project, name="JSON", defaults={"kind": "json"})
        self.stdout.write(sentence_of(bring_in(file, source, wait=True)))
