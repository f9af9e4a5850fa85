"""`manage.py add_project NAME`: make a project or change what is given."""

from argparse import ArgumentTypeError, BooleanOptionalAction
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError, CommandParser
from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.sources.models import Project
from tasktracker.management.setting_up import SetUpCommand, save_checked

#: Option -> the project's field; None means that the option was not given.
FIELDS = (
    "slug",
    "language",
    "timezone",
    "policy",
    "is_cloud_allowed",
    "auto_approve_above",
    "approves_history",
    "duplicate_window_hours",
    "open_issue_days",
    "closed_issue_days",
    "run_minutes",
    "raise_priority_from",
    "merge_threshold",
    "suggest_threshold",
    "is_active",
)
OFF = "off"


class Command(SetUpCommand):
    help = "Make a project, or change the one of this name."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name")
        parser.add_argument("--slug", help="made from the name when not given")
        parser.add_argument("--language", help="of issues: uk or en")
        parser.add_argument("--timezone", help="for example Europe/Kyiv")
        parser.add_argument("--policy", help="who classifies: cascade, always or local")
        parser.add_argument(
            "--cloud-allowed",
            dest="is_cloud_allowed",
            action=BooleanOptionalAction,
            help="cloud models may read messages",
        )
        parser.add_argument(
            "--approves-history",
            action=BooleanOptionalAction,
            help="also issues that only an archive reports approve themselves",
        )
        for option, text in (
            ("--auto-approve-above", "confidence from which issues approve themselves"),
            ("--merge-threshold", "as calibrated when off"),
            ("--suggest-threshold", "as calibrated when off"),
        ):
            parser.add_argument(option, type=_ratio, metavar="0..1|off", help=text)
        for option, text in (
            ("--duplicate-window-hours", "window for similar words"),
            ("--open-issue-days", "window for similar meaning"),
            ("--closed-issue-days", "how long a closed issue is suggested as back; 0: never"),
            ("--run-minutes", "how long one author's run of messages lasts; 0: never"),
            ("--raise-priority-from", "people from whom the priority rises; 0: never"),
        ):
            parser.add_argument(option, type=int, metavar="NUMBER", help=text)
        parser.add_argument("--active", dest="is_active", action=BooleanOptionalAction)
        parser.add_argument(
            "--member", action="append", default=[], metavar="USER", help="may be repeated"
        )

    def handle(self, *args: Any, name: str, json: bool, **options: Any) -> None:
        users = [_user(username) for username in options["member"]]
        project = Project.objects.filter(name=name).first() or Project(name=name)
        is_new = project.pk is None
        if is_new and not options["slug"]:
            project.slug = _free_slug(name)
        for field in FIELDS:
            value = options[field]
            if value is not None:
                setattr(project, field, None if value == OFF else value)
        save_checked(project)
        project.members.add(*users)
        sentence = _("Project %(name)s made.") if is_new else _("Project %(name)s is up to date.")
        self.tell(
            sentence % {"name": project.name},
            {"id": project.pk, "name": project.name, "slug": project.slug, "created": is_new},
            as_json=json,
        )


def _ratio(word: str) -> float | str:
    if word == OFF:
        return OFF
    try:
        return float(word)
    except ValueError:
        raise ArgumentTypeError(_("neither a number nor off")) from None


def _user(username: str) -> Any:
    user = get_user_model()._default_manager.filter(username=username).first()
    if user is None:
        raise CommandError(_("There is no user %(name)s.") % {"name": username})
    return user


def _free_slug(name: str) -> str:
    """From the name's Latin letters; a name without any gets a number."""
    slug = slugify(name)[:90]
    if slug and not Project.objects.filter(slug=slug).exists():
        return slug
    taken = set(Project.objects.values_list("slug", flat=True))
    stem = slug or "project"
    return next(
        f"{stem}-{number}" for number in range(1, len(taken) + 2) if f"{stem}-{number}" not in taken
    )
