"""Projects: who reads them, who classifies, when reports count as the same."""

from typing import Any

from django.contrib import admin
from django.db.models import TextField
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminTextareaWidget

from apps.sources.admin.scope import ProjectScopedAdmin
from apps.sources.models import GlossaryTerm, Project


class GlossaryInline(TabularInline):  # type: ignore[misc]
    """The project's words, some at a time: a form of hundreds would be too long to send."""

    model = GlossaryTerm
    fields = ["name", "kind", "aliases", "meaning"]
    formfield_overrides: dict[Any, Any] = {
        TextField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 1})}
    }
    extra = 0
    per_page = 20
    tab = True


@admin.register(Project)
class ProjectAdmin(ProjectScopedAdmin):
    project_path = "pk"
    list_display = ["name", "slug", "language", "policy", "auto_approve_above", "is_active"]
    list_filter = ["is_active", "policy"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    autocomplete_fields = ["members"]
    inlines = [GlossaryInline]
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
