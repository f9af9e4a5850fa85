"""A project's policy of export: where issues go, when, in which words, and what ours is called there."""

from typing import Any

from django.contrib import admin
from django.db.models import JSONField
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.exports.admin.policy_form import PolicyForm, form_for, mapped_names
from apps.exports.models import ExportPolicy
from apps.sources.admin.scope import ProjectScopedAdmin, page_of
from apps.sources.models import Project

PLACEHOLDERS = _(
    "Words in braces are replaced: {title}, {number}, {project}, {category}, {priority}, {chat}, {labels},"
    " {reported}, {due}; in the text also {description}, {messages} and {link}, each alone on a line."
    " Everything that people wrote is shown as it is and obeyed by nobody."
)
MAPPED = _(
    "What the trackers of the project offered when their connection was checked. A word that a tracker"
    " does not have is left out there."
)
NOTHING_OFFERED = _(
    "Nothing to choose from yet: the project's trackers have not said what they have. Open a tracker and"
    " press “Check connection”."
)


@admin.register(ExportPolicy)
class ExportPolicyAdmin(ProjectScopedAdmin):
    form = PolicyForm
    list_display = ["project", "where", "when", "most_per_hour", "masks_pii"]
    list_display_links = ["project"]
    list_select_related = ["project", "tracker"]
    never_listed = ["tracker__config"]
    search_fields = ["project__name"]

    # Whoever sets up trackers says what goes there.

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("exports.view_tracker"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("exports.change_tracker"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_change_permission(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.has_change_permission(request))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.of_project)
        return [
            path("of/<int:project_id>/", view, name="exports_exportpolicy_of"),
            *super().get_urls(),
        ]

    def of_project(self, request: HttpRequest, project_id: int) -> HttpResponse:
        """The page of a project's policy; a project that has none yet gets the form for it."""
        project = Project.visible_to(request.user).filter(pk=project_id).first()
        if project is None or not self.has_view_permission(request):
            return self.gone(request, project_id)
        policy = ExportPolicy.objects.filter(project=project).first()
        if policy is not None:
            return HttpResponseRedirect(page_of(policy))
        if not self.has_add_permission(request):
            return HttpResponseRedirect(reverse("admin:exports_exportpolicy_changelist"))
        add = reverse("admin:exports_exportpolicy_add")
        return HttpResponseRedirect(f"{add}?project={project.pk}")

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        return super().get_form(request, obj, change, **{**kwargs, "form": form_for(obj)})

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        shown = [] if self.has_change_permission(request) else [*_mapped_fields()]
        return [*(["project"] if obj else []), *shown]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets: list[Any] = [
            (_("Where"), {"fields": ["project", "tracker", "fallback", "on_recovery"]}),
            (_("When"), {"fields": ["when", "most_per_hour"]}),
            (
                _("Words"),
                {
                    "fields": ["title_template", "body_template", "masks_pii", "hides_authors"],
                    "description": PLACEHOLDERS,
                },
            ),
        ]
        if obj is None:
            return fieldsets
        if not self.has_change_permission(request):
            return [*fieldsets, (_("In the tracker"), {"fields": _mapped_fields()})]
        names = mapped_names(obj)
        description = MAPPED if names else NOTHING_OFFERED
        return [*fieldsets, (_("In the tracker"), {"fields": names, "description": description})]

    def response_add(
        self, request: HttpRequest, obj: ExportPolicy, post_url_continue: str | None = None
    ) -> HttpResponse:
        """What there is to map is known only now, on the policy's own page."""
        super().response_add(request, obj, post_url_continue)
        return HttpResponseRedirect(page_of(obj))

    @display(description=_("tracker"))
    def where(self, policy: ExportPolicy) -> Any:
        return policy.tracker or _("every active one")


def _mapped_fields() -> list[str]:
    fields = ExportPolicy._meta.get_fields()
    return [field.name for field in fields if isinstance(field, JSONField)]
