"""Trainings of the local classifier: what each is worth, which one answers, and the way back."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST
from unfold.admin import ModelAdmin
from unfold.decorators import display

from apps.messages import learn, versions
from apps.messages.admin.version_report import report_of
from apps.messages.models import ModelVersion
from apps.sources.admin.display import badge
from apps.sources.admin.scope import page_of
from tasktracker.lib.workflow import LostRace, WrongTransition

STATUS_COLOURS = {"active": "success", "candidate": "warning", "wanted": "info", "failed": "danger"}
REFRESH = "5"  # seconds, while a training runs


@admin.register(ModelVersion)
class ModelVersionAdmin(ModelAdmin):  # type: ignore[misc]
    """They answer for every project, so only administrators train and activate."""

    list_display = [
        "name",
        "state",
        "corrections",
        "macro_f1",
        "issue_recall",
        "corrected",
        "asked_by",
        "trained_at",
    ]
    list_select_related = ["requested_by"]
    list_before_template = "admin/chat_messages/modelversion/training.html"
    empty_text = gettext_lazy(
        "No version yet: a training makes one, at night or when an administrator presses Train now."
    )
    change_form_template = "admin/chat_messages/modelversion/change_form.html"
    list_per_page = 50
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "name",
                    "state",
                    "corrections",
                    "asked_by",
                    "created_at",
                    "trained_at",
                    "embedding_model",
                    "last_error",
                ]
            },
        )
    ]

    # Permissions: a version is a fact. Who sees messages sees what reads them.

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("chat_messages.view_message"))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_train_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("chat_messages.change_modelversion"))

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).defer("weights")

    # Columns

    @display(description=gettext_lazy("version"), ordering="pk")
    def name(self, version: ModelVersion) -> str:
        return f"#{version.pk} {version.version}".strip()

    @display(description=gettext_lazy("status"), ordering="status")
    def state(self, version: ModelVersion) -> str:
        if _is_training(version):
            return badge(_("In training"), STATUS_COLOURS["wanted"])
        return badge(version.get_status_display(), STATUS_COLOURS.get(version.status, ""))

    @display(description=gettext_lazy("who asked"))
    def asked_by(self, version: ModelVersion) -> str:
        return str(version.requested_by or _("the system"))

    @display(description=gettext_lazy("categories, macro-F1"))
    def macro_f1(self, version: ModelVersion) -> str:
        return _before_and_after(version, "macro_f1")

    @display(description=gettext_lazy("issues found"))
    def issue_recall(self, version: ModelVersion) -> str:
        return _before_and_after(version, "issue_recall")

    @display(description=gettext_lazy("corrections answered right"))
    def corrected(self, version: ModelVersion) -> str:
        return _before_and_after(version, "corrected")

    # Pages

    def get_urls(self) -> list[URLPattern]:
        def decision(view: Any) -> Any:
            return self.admin_site.admin_view(require_POST(view))

        return [
            path("train/", decision(self.train_view), name="chat_messages_modelversion_train"),
            path(
                "shipped/", decision(self.shipped_view), name="chat_messages_modelversion_shipped"
            ),
            path(
                "<int:version_id>/activate/",
                decision(self.activate_view),
                name="chat_messages_modelversion_activate",
            ),
            *super().get_urls(),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        rows = ModelVersion.objects.defer("weights")
        waiting = rows.filter(status=ModelVersion.Status.WANTED).first()
        context = {
            "active_version": rows.filter(status=ModelVersion.Status.ACTIVE).first(),
            "waiting_version": waiting,
            "progress": _progress(waiting),
            "new_corrections": learn.new_corrections().values("message").distinct().count(),
            "learn_from": settings.LEARN_FROM,
            "may_train": self.has_train_permission(request),
        }
        response: HttpResponse = super().changelist_view(request, context | (extra_context or {}))
        _refresh(response, is_training=waiting is not None)
        return response

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kw: Any) -> Any:
        version = context.get("original")
        if version is not None:
            can_answer = ModelVersion.Status.ACTIVE in ModelVersion.TRANSITIONS[version.status]
            has_weights = ModelVersion.objects.filter(pk=version.pk, weights__isnull=False).exists()
            context |= {
                "report": report_of(version, request.user),
                "progress": _progress(version),
                "may_activate": self.has_train_permission(request) and can_answer and has_weights,
                "is_active_version": version.status == ModelVersion.Status.ACTIVE,
                "may_train": self.has_train_permission(request),
            }
        response = super().render_change_form(request, context, *args, **kw)
        is_training = version is not None and version.status == ModelVersion.Status.WANTED
        _refresh(response, is_training=is_training)
        return response

    def train_view(self, request: HttpRequest) -> HttpResponse:
        return self._decide(request, lambda: self._train(request), None)

    def shipped_view(self, request: HttpRequest) -> HttpResponse:
        return self._decide(
            request, versions.retire_active, _("The shipped weights answer from now on.")
        )

    def activate_view(self, request: HttpRequest, version_id: int) -> HttpResponse:
        version = ModelVersion.objects.filter(pk=version_id).first()
        if version is None:
            answer: HttpResponse = self._get_obj_does_not_exist_redirect(
                request, self.opts, str(version_id)
            )
            return answer
        text = _("Version %(name)s answers from now on.") % {"name": self.name(version)}
        self._decide(request, lambda: versions.activate(version), text)
        return HttpResponseRedirect(page_of(version))

    def _train(self, request: HttpRequest) -> None:
        version = learn.want(by=request.user)
        text = _("Version %(id)s waits for its training.") % {"id": f"#{version.pk}"}
        self.message_user(request, text, messages.SUCCESS)

    def _decide(
        self, request: HttpRequest, decide: Callable[[], None], done: str | None
    ) -> HttpResponse:
        if not self.has_train_permission(request):
            text = _(
                "Only administrators train and choose versions: they answer for every project."
            )
            self.message_user(request, text, messages.ERROR)
            return HttpResponseRedirect(self._list())
        try:
            decide()
        except ValueError as refusal:  # NothingToLearn, CannotActivate: a sentence for people
            self.message_user(request, str(refusal), messages.WARNING)
        except (LostRace, WrongTransition):
            text = _("This version was changed by somebody else in the meantime.")
            self.message_user(request, text, messages.WARNING)
        else:
            if done:
                self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(self._list())

    def _list(self) -> str:
        return reverse("admin:chat_messages_modelversion_changelist")


def _is_training(version: ModelVersion) -> bool:
    """A worker has begun; until then the version only waits."""
    return version.status == ModelVersion.Status.WANTED and "stage" in version.report


def _before_and_after(version: ModelVersion, name: str) -> str:
    before = version.figures.get("before", {}).get(name)
    after = version.figures.get("after", {}).get(name)
    if after is None:
        return ""
    told = number_format(round(after, 3), 3)
    return told if before is None else f"{number_format(round(before, 3), 3)} → {told}"


def _progress(version: ModelVersion | None) -> dict[str, Any] | None:
    """How far the training is; the process writes it into the row."""
    if version is None or version.status != ModelVersion.Status.WANTED:
        return None
    stages = {
        "embedding": _("Reading the corpus"),
        "fitting": _("Training"),
        "comparing": _("Comparing"),
    }
    stage = str(version.report.get("stage", ""))
    return {
        "stage": stages.get(stage, _("Waits for a worker")),
        "is_running": _is_training(version),
        "done": version.report.get("done", 0),
        "total": version.report.get("total", 0),
        "last_error": version.last_error,
    }


def _refresh(response: HttpResponse, *, is_training: bool) -> None:
    """The page comes again by itself while something is happening."""
    if is_training:
        response["Refresh"] = REFRESH
