"""What the set-up commands share: by name, checked as the admin checks, one JSON object at the end."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import models
from django.utils.text import slugify
from django.utils.translation import gettext as _

from apps.sources.models import Project
from tasktracker.lib.progress import last_line

DEFAULT_PROJECT = "Default"

Row = TypeVar("Row", bound=models.Model)


class SetUpCommand(BaseCommand):
    """Makes or updates one thing and tells what it is."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="print one JSON object as the last line"
        )

    def tell(self, sentence: str, values: Mapping[str, Any], *, as_json: bool) -> None:
        self.stdout.write(last_line(values) if as_json else sentence)


def project_of(slug: str | None) -> Project:
    """The named project, or the only one; where there is none yet, a first one is made."""
    projects = list(Project.objects.order_by("slug"))
    if slug is not None:
        found = next((project for project in projects if project.slug == slug), None)
        if found is None:
            raise CommandError(
                _("There is no project %(slug)s. There are: %(slugs)s.")
                % {"slug": slug, "slugs": _list(projects)}
            )
        return found
    if len(projects) > 1:
        raise CommandError(
            _("Say which project with --project. There are: %(slugs)s.")
            % {"slugs": _list(projects)}
        )
    if projects:
        return projects[0]
    return Project.objects.create(name=DEFAULT_PROJECT, slug=slugify(DEFAULT_PROJECT))


def settings_of(words: Iterable[str]) -> dict[str, Any]:
    """`key=value` words as a dictionary; a value that begins with [ or { is JSON."""
    values: dict[str, Any] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not (key and equals):
            # The word may be a secret that lacks its name: never repeat it.
            raise CommandError(_("--set takes key=value."))
        values[key] = value
        if value[:1] in ("[", "{"):
            try:
                values[key] = json.loads(value)
            except ValueError:
                raise CommandError(_("%(key)s is not valid JSON.") % {"key": key}) from None
    return values


def save_checked(row: models.Model) -> None:
    """Save what the admin would accept; otherwise say what is wrong, field by field."""
    try:
        row.full_clean()
    except ValidationError as error:
        raise CommandError(_sentences(error)) from None
    row.save()


def plugged_in(
    model: type[Row], kind: str, *, kinds: Iterable[str], project: Project, name: str
) -> tuple[Row, bool]:
    """The source or tracker of this name, perhaps unsaved; and whether it is new."""
    known = sorted(kinds)
    if kind not in known:
        raise CommandError(
            _("There is no kind %(kind)s. There are: %(kinds)s.")
            % {"kind": kind, "kinds": ", ".join(known)}
        )
    row = model._default_manager.filter(project=project, name=name).first()
    if row is None:
        return model(project=project, name=name, kind=kind), True
    if row.kind != kind:  # type: ignore[attr-defined]
        raise CommandError(
            _("%(name)s exists and is of the kind %(kind)s.") % {"name": name, "kind": row.kind}  # type: ignore[attr-defined]
        )
    return row, False


def _list(projects: Iterable[Project]) -> str:
    return ", ".join(project.slug for project in projects) or "-"


def _sentences(error: ValidationError) -> str:
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    return " ".join(
        f"{field}: {message}" if field != "__all__" else message
        for field, messages in error.message_dict.items()
        for message in messages
    )
