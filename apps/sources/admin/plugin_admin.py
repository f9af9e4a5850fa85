"""The admin of a row whose settings belong to a plug-in: sources and trackers."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from apps.sources.admin.display import badge
from apps.sources.admin.plugin_form import form_for, setting_names, shown_config
from apps.sources.admin.scope import ProjectScopedAdmin
from tasktracker.lib.plugins import PlugIn
from tasktracker.lib.secrets import CannotDecrypt
from tasktracker.lib.text import shorten


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

    @property
    def conditional_fields(self) -> dict[str, str]:
        """Unfold shows a new row's settings only for the kind that is chosen."""
        return {
            name: f"kind == '{kind}'"
            for kind in self.registry
            for name in setting_names(self.registry, None)
            if name.startswith(f"{kind}__")
        }

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
        self_form = form_for(self.registry, obj.kind if obj else None)
        return super().get_form(request, obj, change, **{**kwargs, "form": self_form})

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if not self._may_edit(request, obj):
            settings = ["shown_settings"]
        else:
            settings = setting_names(self.registry, obj.kind if obj else None)
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
        return badge(shorten(row.last_error, 60), "danger") if row.last_error else ""
