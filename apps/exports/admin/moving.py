"""An action that moves the tasks of many exports to another tracker, after it was chosen."""

from collections import defaultdict
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.exports.admin.sending import noting, some_of
from apps.exports.models import TaskExport, Tracker
from apps.exports.moving import move

MOST = 500  # at once
TEMPLATE = "admin/exports/taskexport/move.html"


class MovingMany:
    """For the list of exports: "Export to…"."""

    @admin.action(description=gettext_lazy("Export to…"), permissions=["retry"])
    def move_selected(
        self: Any, request: HttpRequest, queryset: QuerySet[TaskExport]
    ) -> HttpResponse | None:
        exports = list(queryset.select_related("issue", "tracker").order_by("pk")[: MOST + 1])
        if len(exports) > MOST:
            text = _("At most %(most)d exports can be moved at once.") % {"most": MOST}
            self.message_user(request, text, messages.ERROR)
            return None
        projects = {export.tracker.project_id for export in exports}
        trackers = Tracker.objects.filter(project__in=projects, is_active=True)
        number = request.POST.get("tracker", "")
        if not number:
            return self._ask_where(request, exports, trackers)  # type: ignore[no-any-return]
        target = trackers.filter(pk=int(number)).first() if number.isdecimal() else None
        if target is None:
            text = _("The project has no such active tracker.")
            self.message_user(request, text, messages.ERROR)
            return None
        self._move(request, exports, target)
        return None

    def _ask_where(
        self: Any,
        request: HttpRequest,
        exports: list[TaskExport],
        trackers: QuerySet[Tracker],
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Export to another tracker"),
            "opts": self.opts,
            "exports": exports,
            "trackers": trackers.select_related("project").defer("config", "credentials"),
            "checkbox": ACTION_CHECKBOX_NAME,
            "media": self.media,
        }
        return TemplateResponse(request, TEMPLATE, context)

    def _move(self: Any, request: HttpRequest, exports: list[TaskExport], target: Tracker) -> None:
        """Each by itself; what cannot be moved is told, by reason."""
        moved = 0
        refused: dict[str, list[str]] = defaultdict(list)
        for export in exports:
            with noting(refused, export):
                move(export.issue, target, leaving=export)
                self.log_change(
                    request, export, _("Moved to %(tracker)s.") % {"tracker": target.name}
                )
                moved += 1
        for words, issues in refused.items():
            self.message_user(request, f"{words} ({some_of(issues)})", messages.WARNING)
        if moved:
            text = ngettext(
                "%(n)d task goes to %(tracker)s; the one it had is closed first.",
                "%(n)d tasks go to %(tracker)s; those they had are closed first.",
                moved,
            )
            told = {"n": moved, "tracker": target.name}
            self.message_user(request, text % told, messages.SUCCESS)
