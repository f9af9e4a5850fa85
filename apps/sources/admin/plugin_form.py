"""A form for a row whose settings belong to a plug-in: one field per setting, secrets write-only."""

import json
import types
from collections.abc import Iterator
from enum import Enum
from typing import Any, ClassVar, Literal, Union, get_args, get_origin

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import BaseModel, SecretStr
from pydantic import ValidationError as ConfigError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from unfold.widgets import (
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from apps.sources.adapters.base import without_label
from tasktracker.lib.plugins import PlugIn, load

#: Prefix of the settings of a saved row; a new one has the fields of every kind, by its name.
SAVED = "saved"
#: What pydantic says in English only, by the name of its error.
SENTENCES = {
    "missing": gettext_lazy("This field is required."),
    "string_pattern_mismatch": gettext_lazy("There is a character in it that cannot be there."),
    "string_too_short": gettext_lazy("At least %(min_length)s characters."),
    "string_too_long": gettext_lazy("At most %(max_length)s characters."),
    "int_parsing": gettext_lazy("This is no whole number."),
    "greater_than_equal": gettext_lazy("The smallest number is %(ge)s."),
    "less_than_equal": gettext_lazy("The largest number is %(le)s."),
}
KEEP_SECRET = gettext_lazy("Saved. Leave it empty to keep it.")
#: Else whoever may change the address, and was never told the secret, would have it sent there.
TYPE_AGAIN = gettext_lazy("Type it again: it would be sent to another address than before.")


class PlugInForm(forms.ModelForm):  # type: ignore[type-arg]
    """Reads `config` out of the fields that the chosen plug-in's Config names."""

    registry: ClassVar[dict[str, PlugIn]] = {}

    class Meta:
        error_messages: ClassVar[dict[str, Any]] = {
            NON_FIELD_ERRORS: {
                "unique_together": gettext_lazy("The project has one of this name already.")
            }
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._bind_choices()
        saved = self.instance.config if self.instance.pk else {}
        for name, field in self.fields.items():
            prefix, _separator, key = name.partition("__")
            if prefix != SAVED or key not in saved:
                continue
            if isinstance(field.widget, UnfoldAdminPasswordWidget):
                field.required = False
                field.help_text = KEEP_SECRET
            else:
                is_json = isinstance(field, forms.JSONField)
                self.initial[name] = saved[key] if is_json else _as_text(saved[key])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        kind = self.instance.kind if self.instance.pk else cleaned.get("kind")
        if not kind or kind not in self.registry:
            return cleaned
        prefix = SAVED if self.instance.pk else kind
        if any(name.startswith(f"{prefix}__") for name in self.errors):
            return cleaned
        model = config_model(self.registry, kind)
        config = self._config(model, prefix, cleaned)
        try:
            settings = model.model_validate(config)
        except ConfigError as error:
            self._show(error, prefix)
        else:
            self._ask_again(settings, prefix, cleaned)
            if not self.errors:
                self.instance.config = config
        return cleaned

    def _config(
        self, model: type[BaseModel], prefix: str, cleaned: dict[str, Any]
    ) -> dict[str, Any]:
        """What was typed, over the secrets that are kept; what is empty takes the plug-in's default."""
        saved = dict(self.instance.config or {}) if self.instance.pk else {}
        config = {key: value for key, value in saved.items() if key not in model.model_fields}
        for key, info in model.model_fields.items():
            value = cleaned.get(f"{prefix}__{key}")
            if is_secret(info) and not value:
                value = saved.get(key)
            if value not in (None, ""):
                config[key] = value
        return config

    def _ask_again(self, settings: BaseModel, prefix: str, cleaned: dict[str, Any]) -> None:
        """For the secrets that are kept and would be told to somebody else now."""
        saved = dict(self.instance.config or {}) if self.instance.pk else {}
        fields = type(settings).model_fields
        told = {key for key, info in fields.items() if is_told_secrets(info)}
        try:
            before = type(settings).model_validate(saved).model_dump(include=told)
        except ConfigError:
            before = {}  # a new row, or settings that never fitted
        if settings.model_dump(include=told) == before:
            return
        for key, info in fields.items():
            if is_secret(info) and saved.get(key) and not cleaned.get(f"{prefix}__{key}"):
                self.add_error(f"{prefix}__{key}", TYPE_AGAIN)

    def _show(self, error: ConfigError, prefix: str) -> None:
        for item in error.errors(include_input=False, include_url=False):
            name = f"{prefix}__{item['loc'][0]}" if item["loc"] else ""
            self.add_error(name if name in self.fields else None, _sentence(item))

    def _update_errors(self, errors: ValidationError) -> None:
        """The model's own check speaks of `config`, which is no field here: shown above the form."""
        by_field = getattr(errors, "error_dict", {})
        if "config" in by_field:
            about_config = by_field.pop("config")
            if not self.errors:
                by_field.setdefault(NON_FIELD_ERRORS, []).extend(about_config)
        super()._update_errors(errors)  # type: ignore[misc]

    def _bind_choices(self) -> None:
        if "kind" in self.fields:
            kinds = [(kind, plug_in.label) for kind, plug_in in self.registry.items()]
            self.fields["kind"] = forms.ChoiceField(
                label=self.fields["kind"].label,
                choices=[("", _("Select value")), *kinds],
                widget=UnfoldAdminSelectWidget,
            )


def _sentence(item: Any) -> str:
    """What pydantic found wrong, in the language of the page where we have it."""
    if item["type"] in SENTENCES:
        sentence: str = SENTENCES[item["type"]] % item.get("ctx", {})
        return sentence
    return without_label(item["msg"])


def config_model(registry: dict[str, PlugIn], kind: str) -> type[BaseModel]:
    model: type[BaseModel] = load(registry, kind).Config
    return model


def form_for(registry: dict[str, PlugIn], kind: str | None) -> type[PlugInForm]:
    """The form of a saved row of this kind; without one, the form that can make any kind."""
    fields: dict[str, Any] = {"registry": registry}
    for prefix, model in _models(registry, kind):
        fields |= _fields(model, prefix, is_new=kind is None)
    return type("PlugInForm", (PlugInForm,), fields)


def setting_names(registry: dict[str, PlugIn], kind: str | None) -> list[str]:
    """Names of the form's fields, in the plug-in's order."""
    return [
        f"{prefix}__{key}"
        for prefix, model in _models(registry, kind)
        for key in model.model_fields
    ]


def _models(registry: dict[str, PlugIn], kind: str | None) -> Iterator[tuple[str, type[BaseModel]]]:
    """The settings that a form asks for, with what the names of their fields begin with."""
    for prefix, name in [(SAVED, kind)] if kind else [(name, name) for name in registry]:
        if name in registry:
            yield prefix, config_model(registry, name)


def shown_config(registry: dict[str, PlugIn], row: Any) -> str:
    """The settings for those who may only look: secrets stay hidden."""
    if row.kind not in registry:
        return ""
    fields = config_model(registry, row.kind).model_fields
    return "\n".join(
        f"{key}: {'••••••••' if key not in fields or is_secret(fields[key]) else _as_text(value)}"
        for key, value in row.config.items()
    )


def is_secret(info: FieldInfo) -> bool:
    return SecretStr in _alternatives(info.annotation)


def is_told_secrets(info: FieldInfo) -> bool:
    extra = info.json_schema_extra
    return isinstance(extra, dict) and bool(extra.get("is_told_secrets"))


def _fields(model: type[BaseModel], prefix: str, *, is_new: bool) -> dict[str, forms.Field]:
    return {
        f"{prefix}__{key}": _field(key, info, is_new=is_new)
        for key, info in model.model_fields.items()
    }


def _field(key: str, info: FieldInfo, *, is_new: bool) -> forms.Field:
    """A form's field for a plug-in's setting; pydantic has the last word on its value."""
    kinds = _alternatives(info.annotation)
    options: dict[str, Any] = {
        "label": gettext_lazy(info.title or key.replace("_", " ").capitalize()),
        "help_text": gettext_lazy(info.description) if info.description else "",
        # The fields of other kinds are on the page too, so only pydantic can ask for one.
        "required": info.is_required() and not is_new,
    }
    default = info.get_default(call_default_factory=True)
    if default is not PydanticUndefined and default is not None and not is_secret(info):
        options["initial"] = default
    if is_secret(info):
        widget = UnfoldAdminPasswordWidget({"autocomplete": "new-password"})
        return forms.CharField(widget=widget, **options)
    if kinds == {bool}:
        return forms.BooleanField(
            widget=UnfoldBooleanSwitchWidget, **{**options, "required": False}
        )
    if choices := _choices(info.annotation):
        return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget, **options)
    if any(get_origin(kind) in (list, tuple, dict, set) or kind in (list, dict) for kind in kinds):
        return forms.JSONField(widget=UnfoldAdminTextareaWidget, **options)
    return forms.CharField(widget=UnfoldAdminTextInputWidget, **options)


def _alternatives(annotation: Any) -> set[Any]:
    """The types of `A | B | None`, without None."""
    if get_origin(annotation) in (Union, types.UnionType):
        return {kind for kind in get_args(annotation) if kind is not type(None)}
    return {annotation}


def _choices(annotation: Any) -> list[tuple[str, Any]]:
    if get_origin(annotation) is Literal:
        return [(str(value), gettext_lazy(str(value))) for value in get_args(annotation)]
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [(str(item.value), gettext_lazy(str(item.value))) for item in annotation]
    return []


def _as_text(value: Any) -> Any:
    if isinstance(value, list | dict | tuple):
        return json.dumps(value, ensure_ascii=False)
    return value if isinstance(value, bool) else str(value)
