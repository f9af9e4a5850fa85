"""Projects: who reads them, who classifies, when reports count as the same."""

from typing import Any

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from apps.sources.admin.scope import ProjectScopedAdmin
from apps.sources.models import Project


@admin.register(Project)
class ProjectAdmin(ProjectScopedAdmin):
    project_path = "pk"
    list_display = ["name", "slug", "language", "policy", "auto_approve_above", "is_active"]
    list_filter = ["is_active", "policy"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    autocomplete_fields = ["members"]
    fieldsets = [
        (None, {"fields": ["name", "slug", "language", "timezone", "is_active"]}),
        (_("People"), {"fields": ["members"]}),
        (_("Classification"), {"fields": ["policy", "is_cloud_allowed", "auto_approve_above"]}),
        (
            _("Duplicates"),
            {
                "fields": [
                    "duplicate_window_hours",
                    "open_issue_days",
                    "merge_threshold",
                    "suggest_threshold",
                ]
            },
        ),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Project | None = None) -> list[str]:
        """Who sees whom is for administrators: a member cannot let others in."""
        return [] if request.user.is_superuser else ["members"]

    def save_related(self, request: HttpRequest, form: ModelForm[Any], *args: Any) -> None:
        super().save_related(request, form, *args)
        if not request.user.is_superuser:
            # Who makes a project would otherwise not see it.
            form.instance.members.add(request.user)
