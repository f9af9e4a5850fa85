"""Which projects a request may see, and which one it means."""

import zoneinfo
from datetime import tzinfo
from functools import cached_property
from typing import TYPE_CHECKING

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.request import Request

from apps.sources.models import Project

if TYPE_CHECKING:
    from rest_framework.views import APIView as _View
else:
    _View = object

PROJECT = "project"  # the query parameter and the field


class ProjectScope(_View):
    """Mix-in for views: everything goes through the projects of the user, `?project=slug` narrows."""

    request: Request

    @cached_property
    def projects(self) -> QuerySet[Project]:
        """The projects in question; raises NotFound when the named one is not the user's."""
        visible = Project.visible_to(self.request.user)
        slug = self.request.query_params.get(PROJECT)
        if not slug:
            return visible
        named = visible.filter(slug=_slug(slug))
        if not named.exists():
            raise NotFound(_("There is no such project."))
        return named

    @property
    def person(self) -> AbstractBaseUser:
        """Who does it; the permissions let nobody else this far."""
        assert isinstance(self.request.user, AbstractBaseUser)
        return self.request.user

    def project_for_new(self, slug: str = "") -> Project:
        """The project that something new goes to: the named one, else the only one."""
        candidates = self.projects
        if slug:
            candidates = candidates.filter(slug=_slug(slug))
        found = list(candidates[:50])
        if len(found) == 1:
            return found[0]
        if not found and slug:
            raise NotFound(_("There is no such project."))
        if not found:
            raise PermissionDenied(_("You are not a member of any project."))
        slugs = ", ".join(project.slug for project in found)
        raise ValidationError(
            {PROJECT: [_("Say which project it is for: %(slugs)s.") % {"slugs": slugs}]}
        )

    @cached_property
    def zone(self) -> tzinfo:
        """Days begin and end in the zone of the project, or in the team's when there are several."""
        zones = set(self.projects.order_by().values_list("timezone", flat=True)[:50])
        if len(zones) == 1:
            return zoneinfo.ZoneInfo(zones.pop())
        return timezone.get_current_timezone()


def _slug(text: str) -> str:
    """A slug that PostgreSQL can be asked about; no slug has a NUL."""
    return "" if "\0" in text else text
