"""Chats: which are read, and into which project they go."""

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.sources.admin.display import in_words
from apps.sources.admin.scope import ProjectScopedAdmin, VisibleRelatedFilter
from apps.sources.models import Chat, Project


@admin.register(Chat)
class ChatAdmin(ProjectScopedAdmin):
    project_path = "source__project"
    list_display = ["__str__", "source", "kind_label", "is_monitored", "routed_to", "external_id"]
    list_editable = ["is_monitored"]
    list_select_related = ["source", "project"]
    never_listed = ["source__config"]
    list_filter = [("source", VisibleRelatedFilter), "is_monitored"]
    search_fields = ["title", "external_id"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Chat]:
        """Also whether the person may know the project that the chat is routed to."""
        rows: QuerySet[Chat] = super().get_queryset(request)
        known = Project.visible_to(request.user).filter(pk=OuterRef("project"))
        return rows.annotate(is_project_known=Exists(known))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        # A choice without the foreign project would take the chat away from it.
        project = "routed_to" if obj and _is_foreign(obj) else "project"
        return [
            (None, {"fields": ["source", "external_id", "title", "kind_label"]}),
            (_("Reading"), {"fields": ["is_monitored", project]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Chat | None = None) -> list[str]:
        """What the platform says stays as it said it."""
        own = ["kind_label", "routed_to"]
        return ["source", "external_id", *own] if obj else own

    @display(description=_("kind"), ordering="kind")
    def kind_label(self, chat: Chat) -> str:
        return in_words(chat.kind)

    @display(description=_("routed to"), ordering="project")
    def routed_to(self, chat: Chat) -> str:
        """The project's name, or only its id for who does not see that project."""
        if _is_foreign(chat):
            return f"#{chat.project_id}"
        return str(chat.project or "")


def _is_foreign(chat: Any) -> bool:
    return chat.project_id is not None and not chat.is_project_known
