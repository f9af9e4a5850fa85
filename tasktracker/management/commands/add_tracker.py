"""`manage.py add_tracker KIND --name NAME`: make a tracker or change what is given."""

from argparse import BooleanOptionalAction
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from apps.exports.models import Tracker
from tasktracker.management.setting_up import (
    SetUpCommand,
    plugged_in,
    project_of,
    save_checked,
    settings_of,
)


class Command(SetUpCommand):
    help = "Make a tracker, or change the one of this name."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        kinds = [kind for kind, _label in Tracker.kinds()]
        parser.add_argument("kind", help=", ".join(kinds))
        parser.add_argument("--name", required=True)
        parser.add_argument("--project", metavar="SLUG", help="needed when there are several")
        parser.add_argument(
            "--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the kind"
        )
        parser.add_argument("--active", dest="is_active", action=BooleanOptionalAction)

    def handle(self, *args: Any, kind: str, name: str, json: bool, **options: Any) -> None:
        tracker, is_new = plugged_in(
            Tracker,
            kind,
            kinds=[known for known, _label in Tracker.kinds()],
            project=project_of(options["project"]),
            name=name,
        )
        tracker.config = {**tracker.config, **settings_of(options["set"])}
        if options["is_active"] is not None:
            tracker.is_active = options["is_active"]
        save_checked(tracker)
        sentence = _("Tracker %(name)s made.") if is_new else _("Tracker %(name)s is up to date.")
        self.tell(
            sentence % {"name": tracker.name},
            {
                "id": tracker.pk,
                "name": tracker.name,
                "kind": tracker.kind,
                "project": tracker.project.slug,
                "created": is_new,
            },
            as_json=json,
        )
