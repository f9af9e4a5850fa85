"""Chats: which are read, and into which project they go."""

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.sources.admin.display import in_words
from apps.sources.admin.scope import ProjectScopedAdmin, VisibleRelatedFilter
from apps.sources.models import Chat


@admin.register(Chat)
class ChatAdmin(ProjectScopedAdmin):
    project_path = "source__project"
    list_display = ["__str__", "source", "kind_label", "is_monitored", "project", "external_id"]
    list_editable = ["is_monitored"]
    list_select_related = ["source", "project"]
    never_listed = ["source__config"]
    list_filter = [("source", VisibleRelatedFilter), "is_monitored"]
    search_fields = ["title", "external_id"]
    fieldsets = [
        (None, {"fields": ["source", "external_id", "title", "kind_label"]}),
        (_("Reading"), {"fields": ["is_monitored", "project"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Chat | None = None) -> list[str]:
        """What the platform says stays as it said it."""
        return ["source", "external_id", "kind_label"] if obj else ["kind_label"]

    @display(description=_("kind"), ordering="kind")
    def kind_label(self, chat: Chat) -> str:
        return in_words(chat.kind)
