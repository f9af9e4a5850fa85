"""Settings that are chosen from what the tracker has, instead of typed."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelectWidget

from apps.exports.models import Tracker
from apps.sources.admin.plugin_form import SAVED, PlugInForm, config_model
from tasktracker.lib.plugins import PlugIn

Offer = Sequence[tuple[str, str]]


class Chosen(forms.MultipleChoiceField):
    """Several of them; what is saved comes as the text that the form makes of a list."""

    def prepare_value(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value


class ChoiceForm(PlugInForm):
    """Keeps the settings for which it has no field, because nobody could choose them yet."""

    hidden: ClassVar[Sequence[str]] = ()

    def _config(self, model: Any, prefix: str, cleaned: dict[str, Any]) -> dict[str, Any]:
        config = super()._config(model, prefix, cleaned)
        saved = self.instance.config if self.instance.pk else {}
        return config | {key: saved[key] for key in self.hidden if key in saved}


def with_choices(
    form: type[PlugInForm], registry: dict[str, PlugIn], tracker: Tracker | None
) -> type[PlugInForm]:
    """The form with a list for each setting that the tracker offers, and without those not offered yet."""
    fields: dict[str, Any] = {}
    hidden = []
    for name, field in form.declared_fields.items():
        prefix, _separator, key = name.partition("__")
        kind = tracker.kind if tracker and prefix == SAVED else prefix
        extra = _extra(registry, kind, key)
        if known := _catalogue(tracker).get(str(extra.get("keys_from"))):
            numbers = ", ".join(f"{id_}: {label}" for id_, label in known)
            field.help_text = format_lazy("{} {}", field.help_text, numbers)
        if not extra.get("is_offered"):
            continue
        offer = [(str(id_), str(label)) for id_, label in _catalogue(tracker).get(key, [])]
        fields[name] = _field(field, offer, tracker, key) if offer else None
        hidden += [] if offer else [key]
    return type("TrackerForm", (ChoiceForm, form), {**fields, "hidden": hidden})


def _field(field: forms.Field, offer: Offer, tracker: Tracker | None, key: str) -> forms.Field:
    saved = tracker.config.get(key) if tracker else None
    chosen = saved if isinstance(saved, list) else [saved] if saved else []
    known = {id_ for id_, label in offer}
    # What is gone stays to be seen, so that saving the page does not choose something else.
    gone = [
        (one, _("%(id)s (no longer there)") % {"id": one}) for one in chosen if one not in known
    ]
    options: dict[str, Any] = {
        "label": field.label,
        "help_text": field.help_text,
        "required": field.required,
    }
    if isinstance(field, forms.JSONField):
        widget = UnfoldAdminCheckboxSelectMultipleWidget
        return Chosen(choices=[*offer, *gone], widget=widget, **{**options, "required": False})
    empty = ("", "–")
    return forms.ChoiceField(
        choices=[empty, *offer, *gone], widget=UnfoldAdminSelectWidget, **options
    )


def _extra(registry: dict[str, PlugIn], kind: str, key: str) -> dict[str, Any]:
    if kind not in registry:
        return {}
    info = config_model(registry, kind).model_fields.get(key)
    extra = info.json_schema_extra if info else None
    return extra if isinstance(extra, dict) else {}


def _catalogue(tracker: Tracker | None) -> dict[str, Any]:
    return tracker.catalogue if tracker and isinstance(tracker.catalogue, dict) else {}
