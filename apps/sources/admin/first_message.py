"""A source that has not brought a message yet: what to do next, and a word as soon as the first one comes."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from apps.sources.adapters import able_to
from apps.sources.admin.scope import ProjectScopedAdmin
from apps.sources.models import Source
from apps.sources.waiting import waiting_chats


class FirstMessage(ProjectScopedAdmin):
    """Put before the admin of sources."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(never_cache(require_GET(self.first_message)))
        name = "sources_source_first_message"
        return [path("<int:row_id>/first-message/", view, name=name), *super().get_urls()]

    def first_message(self, request: HttpRequest, row_id: int) -> HttpResponse:
        """Whether it has come; asked again and again by the page that waits for it."""
        source = self.get_object(request, str(row_id))
        if source is None or not self.has_view_permission(request, source):
            return JsonResponse({"is_seen": False}, status=404)
        return JsonResponse({"is_seen": source.last_seen_at is not None, "waits": _waits(source)})


def waiting_for(source: Source | None) -> dict[str, Any] | None:
    """For the template of a source's page; None when there is nothing to wait for."""
    live = {*able_to("listen"), *able_to("receive")}
    if source is None or source.last_seen_at is not None or source.kind not in live:
        return None
    return {
        "address": reverse("admin:sources_source_first_message", args=[source.pk]),
        "is_active": source.is_active and source.project.is_active,
        "waits": _waits(source),
        "steps": next_steps(source),
    }


def next_steps(source: Source) -> list[str]:
    """What a person does until the first message is there."""
    try:
        adapter: Any = source.adapter()
    except ValueError:
        return [_("Correct the settings and save them.")]
    if hasattr(adapter, "next_steps"):
        steps: list[str] = adapter.next_steps()
    elif source.webhook_path:
        told = _("Give the platform this address, after the name of this installation: %(path)s")
        steps = [told % {"path": source.webhook_path}]
    else:
        steps = []
    if hasattr(adapter, "check"):
        steps.insert(0, _("Press Check connection above: it says what is missing."))
    if source.asks_first:
        steps.append(_("Write a message there, and say yes to the chat on the page of chats."))
        return [*steps, _("Write another one. It appears here within seconds.")]
    return [*steps, _("Write a message there. It appears here within seconds.")]


def _waits(source: Source) -> bool:
    """Whether somebody has written in a chat that nobody has said yes to."""
    return waiting_chats().filter(source=source).exists()
