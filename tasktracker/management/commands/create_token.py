"""`manage.py create_token USER`: a token for the API, the same one each time."""

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser
from django.utils.translation import gettext as _
from rest_framework.authtoken.models import Token

from tasktracker.management.setting_up import SetUpCommand, project_of, save_checked


class Command(SetUpCommand):
    help = "Print a user's token for the API."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("user")
        parser.add_argument(
            "--create", action="store_true", help="make the user, without a password, if missing"
        )
        parser.add_argument("--staff", action="store_true", help="let the user into the admin")
        parser.add_argument(
            "--project",
            action="append",
            default=[],
            metavar="SLUG",
            help="make the user a member; may be repeated",
        )

    def handle(self, *args: Any, user: str, json: bool, **options: Any) -> None:
        projects = [project_of(slug) for slug in options["project"]]
        account = self.account(user, may_create=options["create"])
        if options["staff"] and not account.is_staff:
            account.is_staff = True
            account.save(update_fields=["is_staff"])
        for project in projects:
            project.members.add(account)
        token, is_new = Token.objects.get_or_create(user=account)
        self.tell(
            token.key,
            {
                "id": account.pk,
                "user": user,
                "token": token.key,
                "projects": sorted(account.projects.values_list("slug", flat=True)),
                "created": is_new,
            },
            as_json=json,
        )

    def account(self, username: str, *, may_create: bool) -> Any:
        model = get_user_model()
        found = model._default_manager.filter(username=username).first()
        if found is not None:
            return found
        if not may_create:
            raise CommandError(
                _("There is no user %(name)s. Add --create to make it.") % {"name": username}
            )
        account = model(username=username)
        account.set_unusable_password()
        save_checked(account)
        return account
