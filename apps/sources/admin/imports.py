"""Archives that people upload: the form, how far each is, cancel and resume."""

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.decorators import display
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from apps.sources.admin.display import badge
from apps.sources.admin.scope import (
    CappedPaginator,
    ProjectScopedAdmin,
    VisibleRelatedFilter,
    page_of,
)
from apps.sources.archives import NoArchive, check_archive, kinds_with_history, problem_in_words
from apps.sources.models import HistoryImport, Project, Source
from apps.sources.uploads import store_upload
from tasktracker.lib.retell import retell
from tasktracker.lib.secrets import CannotDecrypt
from tasktracker.lib.workflow import LostRace, WrongTransition

COLOURS = {"waiting": "info", "done": "success", "failed": "danger", "cancelled": "warning"}
COUNT_LABELS = {
    "read": gettext_lazy("Messages in the file"),
    "published": gettext_lazy("New"),
    "already_stored": gettext_lazy("Already there"),
    "not_stored": gettext_lazy("Not kept: their chats are not monitored"),
    "service": gettext_lazy("Service entries"),
    "invalid": gettext_lazy("Unreadable"),
}


class ImportForm(forms.ModelForm):  # type: ignore[type-arg]
    """Where to, and the file; a source for it can be made on the way."""

    projects: ClassVar[QuerySet[Project]] = Project.objects.none()
    may_add_source: ClassVar[bool] = True

    upload = forms.FileField(
        label=gettext_lazy("File"),
        error_messages={"empty": gettext_lazy("The file is empty.")},
        widget=UnfoldAdminFileFieldWidget,
        help_text=gettext_lazy(
            "Telegram Desktop: Export chat history, format JSON, gives result.json; no photos or videos"
            " are needed. Or JSON lines, one message a line. Or CSV with a row of names."
        ),
    )
    project = forms.ModelChoiceField(
        Project.objects.none(),
        label=gettext_lazy("Project of the new source"),
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    name = forms.CharField(
        label=gettext_lazy("Name of the new source"),
        required=False,
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
    )

    class Meta:
        model = HistoryImport
        fields = ["source", "is_live"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        source: Any = self.fields["source"]
        source.queryset = source.queryset.filter(kind__in=kinds_with_history())
        if self.may_add_source:
            project: Any = self.fields["project"]
            project.queryset, project.initial = self.projects, self.projects.first()
            source.required = False
            source.empty_label = _("A new source, only for archives")
        else:
            del self.fields["project"], self.fields["name"]
        source.help_text = _(
            "A bot's source when the file is from a chat that the bot reads: messages that came in"
            " live are recognised."
        )

    def clean_upload(self) -> Any:
        upload = self.cleaned_data["upload"]
        if upload.size > settings.UPLOAD_MAX_BYTES:
            sentence = _(
                "The file is larger than %(limit)s. `manage.py import_messages` takes any."
            )
            limit = filesizeformat(settings.UPLOAD_MAX_BYTES)
            raise forms.ValidationError(sentence % {"limit": limit})
        return upload

    def clean(self) -> Any:
        values: Any = super().clean()
        if not values.get("source") and self.may_add_source:
            values["source"] = self._new_source(values)
        if values.get("source") is not None and values.get("upload"):
            try:
                check_archive(values["upload"].file, values["source"])
            except (NoArchive, CannotDecrypt) as error:
                self.add_error("upload", str(error))
            except ValueError:
                sentence = _("The settings do not fit; open the source and save it again.")
                self.add_error("source", sentence)
        return values

    def _new_source(self, values: Any) -> Source | None:
        """Not saved yet; or the one of this name, when there is one already."""
        project, name = values.get("project"), values.get("name", "").strip()
        for field, value in (("project", project), ("name", name)):
            if not value:
                self.add_error(field, _("Choose a source, or say what the new one shall be."))
        if not project or not name:
            return None
        found = Source.objects.filter(project=project, name=name).first()
        if found is not None and found.kind not in kinds_with_history():
            self.add_error(
                "name", _("There is another source of this name, which takes no history.")
            )
            return None
        return found or Source(project=project, name=name, kind="file_import")

    def _post_clean(self) -> None:
        """The source may be one that is saved together with the import."""
        self.instance.is_live = self.cleaned_data.get("is_live", False)


@admin.register(HistoryImport)
class HistoryImportAdmin(ProjectScopedAdmin):
    """Whoever may change sources imports into them."""

    project_path = "source__project"
    form = ImportForm
    empty_text = gettext_lazy("What a team wrote before: press Import history among the sources.")
    list_display = ["original_name", "source", "state", "told", "created_by", "created_at"]
    list_select_related = ["source", "created_by"]
    never_listed = ["source__config"]
    list_filter = [("source", VisibleRelatedFilter), "status"]
    search_fields = ["original_name"]
    date_hierarchy = "created_at"
    paginator = CappedPaginator
    change_form_template = "admin/sources/historyimport/change_form.html"
    add_fieldsets = [
        (None, {"fields": ["upload", "source", "project", "name"]}),
        (gettext_lazy("What happens with it"), {"fields": ["is_live"]}),
    ]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "original_name",
                    "source",
                    "file_size",
                    "is_live",
                    "created_by",
                    "created_at",
                    "ended_at",
                ]
            },
        )
    ]
    readonly_fields = ["original_name", "file_size", "created_by", "created_at", "ended_at"]

    # Permissions

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("sources.view_source"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("sources.change_source"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("sources.delete_source"))  # they go with their source

    # Columns

    @display(description=gettext_lazy("status"), ordering="status")
    def state(self, row: HistoryImport) -> str:
        return badge(row.get_status_display(), COLOURS.get(row.status, ""))

    @display(description=gettext_lazy("new messages"))
    def told(self, row: HistoryImport) -> str:
        return str(row.counts.get("published", ""))

    @display(description=gettext_lazy("size"))
    def file_size(self, row: HistoryImport) -> str:
        return filesizeformat(row.size)

    # Pages

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj:
            return self.fieldsets
        if request.user.has_perm("sources.add_source"):
            return self.add_fieldsets
        return [(None, {"fields": ["upload", "source"]}), *self.add_fieldsets[1:]]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.readonly_fields if obj else []

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kw: Any
    ) -> Any:
        if obj is not None:
            return super().get_form(request, obj, change, **{**kw, "form": forms.ModelForm})
        form = super().get_form(request, obj, change, **kw)
        own = Project.visible_to(request.user)
        may_add = request.user.has_perm("sources.add_source")
        return type("OwnImportForm", (form,), {"projects": own, "may_add_source": may_add})

    def get_urls(self) -> list[URLPattern]:
        def decision(verb: str, move: Callable[[HistoryImport], None]) -> URLPattern:
            def view(request: HttpRequest, row_id: int) -> HttpResponse:
                return self._decide(request, row_id, move)

            wrapped = self.admin_site.admin_view(require_POST(view))
            name = f"sources_historyimport_{verb}"
            pattern: URLPattern = path(f"<int:row_id>/{verb}/", wrapped, name=name)
            return pattern

        return [
            decision("cancel", HistoryImport.cancel),
            decision("resume", HistoryImport.resume),
            *super().get_urls(),
        ]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        source, upload = form.cleaned_data["source"], form.cleaned_data["upload"]
        if source.pk is None:
            source.save()
        obj.source, obj.created_by = source, request.user
        obj.original_name = (upload.name or "")[-200:]
        store_upload(upload, obj)

    def response_add(
        self, request: HttpRequest, obj: Any, post_url_continue: str | None = None
    ) -> HttpResponse:
        text = _("The file is here; its messages come in now. You may leave this page.")
        self.message_user(request, text, messages.SUCCESS)
        return HttpResponseRedirect(page_of(obj))

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kw: Any) -> Any:
        row = context.get("original")
        context |= {"upload_limit": settings.UPLOAD_MAX_BYTES}
        if row is not None:
            context |= {"progress": _progress(row), "may_import": self.has_add_permission(request)}
        return super().render_change_form(request, context, *args, **kw)

    def _decide(
        self, request: HttpRequest, row_id: int, move: Callable[[HistoryImport], None]
    ) -> HttpResponse:
        row = self.get_queryset(request).filter(pk=row_id).first()
        if row is None or not self.has_add_permission(request):
            return self.gone(request, row_id)
        try:
            move(row)
        except (LostRace, WrongTransition):
            text = _("It was not possible any more: the import has moved on.")
            self.message_user(request, text, messages.WARNING)
        return HttpResponseRedirect(page_of(row))


def _progress(row: HistoryImport) -> dict[str, Any]:
    """What the page tells of a running or ended import."""
    return {
        "badge": badge(row.get_status_display(), COLOURS.get(row.status, "")),
        "is_running": row.status == HistoryImport.Status.WAITING,
        "is_read": row.size > 0 and row.done >= row.size,
        "done": row.done,
        "size": row.size,
        "percent": f"{row.done / row.size:.0%}" if row.size else "",
        "counts": [
            (label, row.counts[name]) for name, label in COUNT_LABELS.items() if name in row.counts
        ],
        "problems": [problem_in_words(problem) for problem in row.problems],
        "error": retell(row.last_error),
        "can_resume": row.can_resume,
    }


def import_address(source: Source | None = None) -> str:
    """Where a file is uploaded for this source."""
    address = reverse("admin:sources_historyimport_add")
    return f"{address}?source={source.pk}" if source else address


def may_import_into(request: HttpRequest, source: Source) -> bool:
    may = request.user.has_perm("sources.change_source")
    return bool(may) and source.kind in kinds_with_history()
