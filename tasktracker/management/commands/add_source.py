"""`manage.py add_source KIND --name NAME`: make a source or change what is given."""

from argparse import BooleanOptionalAction
from typing import Any

from django.core.management.base import CommandParser
from django.utils.translation import gettext as _

from apps.sources.models import Chat, Source
from apps.sources.webhook_settings import address_of, follow
from tasktracker.management.setting_up import (
    SetUpCommand,
    plugged_in,
    project_of,
    save_checked,
    settings_of,
)


class Command(SetUpCommand):
    help = "Make a source, or change the one of this name."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        kinds = [kind for kind, _label in Source.kinds()]
        parser.add_argument("kind", help=", ".join(kinds))
        parser.add_argument("--name", required=True)
        parser.add_argument("--project", metavar="SLUG", help="needed when there are several")
        parser.add_argument(
            "--set", action="append", default=[], metavar="KEY=VALUE", help="a setting of the kind"
        )
        parser.add_argument(
            "--chat",
            action="append",
            default=[],
            metavar="ID",
            help="a chat, by its id at the platform, that is read without asking",
        )
        parser.add_argument("--active", dest="is_active", action=BooleanOptionalAction)

    def handle(self, *args: Any, kind: str, name: str, json: bool, **options: Any) -> None:
        source, is_new = plugged_in(
            Source,
            kind,
            kinds=[known for known, _label in Source.kinds()],
            project=project_of(options["project"]),
            name=name,
        )
        before = None if is_new else Source.objects.get(pk=source.pk)
        source.config = {**source.config, **settings_of(options["set"])}
        if options["is_active"] is not None:
            source.is_active = options["is_active"]
        save_checked(source)
        for chat in options["chat"]:
            Chat.objects.get_or_create(source=source, external_id=chat)
        Chat.settle(source.chats.filter(external_id__in=options["chat"]), Chat.State.ON)
        sentence = _("Source %(name)s made.") if is_new else _("Source %(name)s is up to date.")
        values = {
            "id": source.pk,
            "name": source.name,
            "kind": source.kind,
            "project": source.project.slug,
            "created": is_new,
        }
        sentence %= {"name": source.name}
        if source.webhook_path:
            values["webhook_path"] = source.webhook_path
            text = _("Webhook: %(path)s")
            if source.adapter().secret_header:  # else its settings say what opens it
                values["webhook_secret"] = source.webhook_secret
                text = _("Webhook: %(path)s with the secret %(secret)s")
            if address := address_of(source):  # else there is nothing to give to the platform
                sentence += " " + text % {"path": address, "secret": source.webhook_secret}
        if found := follow(source, before):
            texts = (f"{finding.sentence} {finding.remedy}".strip() for finding in found)
            values["webhook"] = " ".join(texts)
            sentence += f" {values['webhook']}"
        self.tell(sentence, values, as_json=json)
