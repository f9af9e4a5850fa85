"""The admin of a row whose settings belong to a plug-in: sources and trackers."""

from abc import abstractmethod
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.decorators import display

from apps.sources.adapters.base import Finding, reason_of
from apps.sources.admin.display import trouble_note
from apps.sources.admin.plugin_form import PlugInForm, form_for, setting_names, shown_config
from apps.sources.admin.scope import ProjectScopedAdmin, back_or_to, page_of
from tasktracker.lib.plugins import PlugIn, load
from tasktracker.lib.retell import retell
from tasktracker.lib.secrets import CannotDecrypt
from tasktracker.lib.text import shorten
from tasktracker.lib.workflow import GiveUp, NotNow, TryLater


class KindFilter(admin.AllValuesFieldListFilter):
    """The kinds by their labels."""

    def __init__(
        self,
        field: Any,
        request: HttpRequest,
        params: Any,
        model: Any,
        model_admin: "PlugInAdmin",
        field_path: str,
    ) -> None:
        super().__init__(field, request, params, model, model_admin, field_path)
        self.registry = model_admin.registry

    def choices(self, changelist: Any) -> Any:
        for choice in super().choices(changelist):
            kind = str(choice["display"])
            label = self.registry[kind].label if kind in self.registry else choice["display"]
            yield {**choice, "display": label}


class PlugInAdmin(ProjectScopedAdmin):
    """First the kind is chosen, then its settings appear; a saved secret is never shown again."""

    registry: ClassVar[dict[str, PlugIn]] = {}
    #: What the row tells about itself, below the settings.
    state_fields: ClassVar[list[str]] = []
    never_listed = ["config"]
    change_form_template = "admin/plugin_change_form.html"
    check_title: ClassVar[Any] = _("Check settings")

    @abstractmethod
    def check_row(self, row: Any) -> list[Finding]:
        """Ask the plug-in whether the row's settings work; for kinds that have a `check`."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.check_settings))
        return [
            path("<int:row_id>/check/", view, name=self._check_name),
            *super().get_urls(),
        ]

    def check_settings(self, request: HttpRequest, row_id: int) -> HttpResponse:
        """Say what the outside system itself says about the saved settings."""
        row = self.get_object(request, str(row_id))
        if row is None or not self.has_change_permission(request, row) or not self._can_check(row):
            return self.gone(request, row_id)
        try:
            findings = self.check_row(row)
        except NotNow as error:
            text = _("It cannot be checked now: %(reason)s")
            self.message_user(
                request, text % {"reason": retell(str(error))[:500]}, messages.WARNING
            )
        except TryLater as error:
            remedy = _(
                "Try again in a moment. If it stays so, see whether a firewall or a proxy keeps this server"
                " from it."
            )
            self._say_no(request, f"{retell(str(error))[:500]} {remedy}")
        except (GiveUp, LookupError) as error:
            self._say_no(request, retell(str(error))[:500])
        except ValueError as error:
            self._say_no(request, reason_of(error))
        else:
            self._say(request, findings)
        return back_or_to(request, page_of(row))

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        row = context.get("original")
        context["check_url"] = ""
        if row is not None and self._can_check(row):
            context["check_url"] = reverse(f"admin:{self._check_name}", args=[row.pk])
        context["check_title"] = self.check_title
        return super().render_change_form(request, context, *args, **kwargs)

    @property
    def _check_name(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_check"

    def _can_check(self, row: Any) -> bool:
        return row.kind in self.registry and hasattr(load(self.registry, row.kind), "check")

    def _say(self, request: HttpRequest, findings: list[Finding]) -> None:
        for finding in findings:
            text = f"{finding.sentence} {finding.remedy}".strip()
            self.message_user(request, text, messages.WARNING if finding.remedy else messages.INFO)
        if not any(finding.remedy for finding in findings):
            self.message_user(request, _("The settings work."), messages.SUCCESS)

    def _say_no(self, request: HttpRequest, reason: str) -> None:
        text = _("The settings do not work: %(reason)s")
        self.message_user(request, text % {"reason": reason}, messages.ERROR)

    @property
    def conditional_fields(self) -> dict[str, str]:
        """Unfold shows a new row's settings only for the kind that is chosen."""
        names = setting_names(self.registry, None)
        return {name: f"kind == '{name.partition('__')[0]}'" for name in names}

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except CannotDecrypt:
            return self._back_to_list(request)

    def _back_to_list(self, request: HttpRequest) -> HttpResponse:
        text = _("The saved settings cannot be opened: no key of FIELD_ENCRYPTION_KEYS fits.")
        self.message_user(request, text, messages.ERROR)
        options = self.opts
        return HttpResponseRedirect(
            reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
        )

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        self_form = self.settings_form(obj)
        return super().get_form(request, obj, change, **{**kwargs, "form": self_form})

    def settings_form(self, row: Any) -> type[PlugInForm]:
        """The form of a saved row, or the one that can make any kind."""
        return form_for(self.registry, row.kind if row else None)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if not self._may_edit(request, obj):
            settings = ["shown_settings"]
        else:
            settings = list(self.settings_form(obj).declared_fields)
        kind = "kind_label" if obj else "kind"
        fieldsets: list[Any] = [
            (None, {"fields": ["project", kind, "name", "is_active"]}),
            (
                _("Settings"),
                {
                    "fields": settings,
                    "description": "" if settings else _("This kind has nothing to set."),
                },
            ),
        ]
        if obj:
            fieldsets.append((_("State"), {"fields": self.state_fields}))
        return fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["kind_label", "shown_settings", *self.state_fields]

    def _may_edit(self, request: HttpRequest, obj: Any) -> bool:
        if obj is None:
            return bool(self.has_add_permission(request))
        return bool(self.has_change_permission(request, obj))

    @display(description=_("kind"), ordering="kind")
    def kind_label(self, row: Any) -> Any:
        return self.registry[row.kind].label if row.kind in self.registry else row.kind

    @display(description=_("settings"))
    def shown_settings(self, row: Any) -> str:
        return shown_config(self.registry, row)

    @display(description=_("last error"))
    def trouble(self, row: Any) -> Any:
        return trouble_note(shorten(retell(row.last_error), 80))

    @display(description=_("last error"))
    def told_error(self, row: Any) -> Any:
        return trouble_note(retell(row.last_error))
