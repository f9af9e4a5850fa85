"""Projects: who reads them, who classifies, when reports count as the same."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import ForeignKey, Q, QuerySet, TextField
from django.forms import ModelForm
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.forms import PaginationInlineFormSet
from unfold.widgets import UnfoldAdminTextareaWidget

from apps.sources.admin.parting import Parting
from apps.sources.admin.unhooking import UnhookingAdmin
from apps.sources.models import GLOSSARY_LIMIT, Chat, GlossaryTerm, Project
from apps.sources.post import senders, why_not


class GlossaryFormSet(PaginationInlineFormSet):  # type: ignore[misc]
    """Each row looks only at what is stored; here all that are added at once are counted."""

    def clean(self) -> None:
        super().clean()
        rows = [form for form in self.forms if form.has_changed()]
        gone = [form for form in rows if self._should_delete_form(form)]
        added = [form for form in rows if form.instance.pk is None and form not in gone]
        stored = GlossaryTerm.objects.filter(project=self.instance.pk).count()
        stored -= sum(form.instance.pk is not None for form in gone)
        if added and stored + len(added) > GLOSSARY_LIMIT:
            raise ValidationError(
                gettext("A project has at most %(limit)d terms."), params={"limit": GLOSSARY_LIMIT}
            )
        self._check_each_other([form for form in rows if form not in gone])

    def _check_each_other(self, forms: list[Any]) -> None:
        """Each row was compared with what is stored; not yet with the rows beside it."""
        earlier: list[GlossaryTerm] = []
        for form in forms:
            if form.is_valid():
                try:
                    form.instance.check_others(earlier)
                except ValidationError as error:
                    raise ValidationError(error.messages) from None
                earlier.append(form.instance)


class GlossaryInline(TabularInline):  # type: ignore[misc]
    """The project's words, some at a time: a form of hundreds would be too long to send."""

    model = GlossaryTerm
    formset = GlossaryFormSet
    fields = ["name", "kind", "aliases", "meaning"]
    formfield_overrides: dict[Any, Any] = {
        TextField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 1})}
    }
    extra = 0
    per_page = 20
    tab = True


class ProjectForm(ModelForm):  # type: ignore[type-arg]
    """A summary needs a chat, and the chat has to be the project's own."""

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("posts_summary"):
            reason = why_not(data.get("summary_chat"), self.instance)
            if reason:
                self.add_error("summary_chat", reason)
        return data


@admin.register(Project)
class ProjectAdmin(UnhookingAdmin):
    project_path = "pk"
    path_from_source = "project"
    #: What later apps take leave of, by the numbers of the projects.
    more_partings: ClassVar[list[Callable[[Iterable[int]], list[Parting]]]] = []
    form = ProjectForm
    change_form_before_template = "admin/sources/project/simulator.html"
    list_display = ["name", "slug", "language", "policy", "auto_approve_above", "is_active"]
    list_filter = ["is_active", "policy"]
    search_fields = ["name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    autocomplete_fields = ["members"]
    inlines = [GlossaryInline]
    fieldsets = [
        (None, {"fields": ["name", "slug", "language", "timezone", "is_active"]}),
        (_("People"), {"fields": ["members", "exported_quotes"]}),
        (_("Summary of the day"), {"fields": ["posts_summary", "summary_chat"]}),
        (_("Chats"), {"fields": ["keeps_waiting", "posts_replies"]}),
        (
            _("Classification"),
            {
                "fields": [
                    "policy",
                    "is_cloud_allowed",
                    "sure_threshold",
                    "auto_approve_above",
                    "approves_history",
                    "reads_alerts",
                ]
            },
        ),
        (
            _("Duplicates"),
            {
                "fields": [
                    "duplicate_window_hours",
                    "open_issue_days",
                    "closed_issue_days",
                    "run_minutes",
                    "raise_priority_from",
                    "merge_threshold",
                    "suggest_threshold",
                ]
            },
        ),
    ]

    def partings(self, numbers: Iterable[int]) -> list[Parting]:
        numbers = list(numbers)
        more = [one for partings in self.more_partings for one in partings(numbers)]
        return [*super().partings(numbers), *more]

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        """The summary goes to a chat whose messages are the project's, and that can be written to."""
        if db_field.name == "summary_chat":
            kwargs["queryset"] = _chats_to_write_to(request)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Project | None = None) -> list[str]:
        """Who sees whom is for administrators: a member cannot let others in."""
        return [] if request.user.is_superuser else ["members"]

    def save_related(self, request: HttpRequest, form: ModelForm[Any], *args: Any) -> None:
        super().save_related(request, form, *args)
        if not request.user.is_superuser:
            # Who makes a project would otherwise not see it.
            form.instance.members.add(request.user)


def _chats_to_write_to(request: HttpRequest) -> QuerySet[Chat]:
    """Of the project whose page this is; a project that is being made has none yet."""
    match = request.resolver_match
    project = (match.kwargs.get("object_id") if match else None) or ""
    if not project.isdecimal():
        return Chat.objects.none()
    own = Q(project=int(project)) | Q(project=None, source__project=int(project))
    chats = Chat.objects.filter(own, source__kind__in=senders())
    return chats.select_related("source").defer("source__config")
