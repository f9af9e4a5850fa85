"""Settings that are chosen from what the tracker has, instead of typed."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from django import forms
from django.forms.renderers import get_default_renderer
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from apps.exports.models import Tracker
from apps.sources.admin.plugin_form import SAVED, PlugInForm, config_model
from tasktracker.lib.plugins import PlugIn

Offer = Sequence[tuple[str, str]]


class Chosen(forms.MultipleChoiceField):
    """Several of them; what is saved comes as the text that the form makes of a list."""

    def prepare_value(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else value


class ByName(forms.MultiWidget):
    """A text under the name of each thing that may have a value."""

    def __init__(self, offer: Offer) -> None:
        self.offer = offer
        text = {"rows": 1, "cols": 40}
        super().__init__({id_: UnfoldAdminTextareaWidget(text) for id_, _label in offer})

    def decompress(self, value: Any) -> list[str]:
        saved = json.loads(value) if isinstance(value, str) else value or {}
        return [_as_lines(saved.get(id_, "")) for id_, _label in self.offer]

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        parts = self.get_context(name, value, attrs)["widget"]["subwidgets"]
        texts = (
            (part["attrs"]["id"], label, _html(part, renderer or get_default_renderer()))
            for (_id, label), part in zip(self.offer, parts, strict=True)
        )
        return format_html_join("\n", '<label for="{}">{}</label>{}', texts)

    def id_for_label(self, id_: str) -> str:
        return ""  # each text has a label of its own


class Named(forms.MultiValueField):
    """A value, or one in each line, for some of what the tracker has; a dict by its number there."""

    def __init__(self, offer: Offer, **options: Any) -> None:
        self.offer = offer
        texts = [forms.CharField(required=False) for _one in offer]
        super().__init__(texts, widget=ByName(offer), require_all_fields=False, **options)

    def compress(self, texts: list[str]) -> dict[str, str | list[str]]:
        typed = {
            id_: text.split("\n") for (id_, _label), text in zip(self.offer, texts, strict=False)
        }
        lines = {
            id_: [line.strip() for line in some if line.strip()] for id_, some in typed.items()
        }
        return {id_: some if len(some) > 1 else some[0] for id_, some in lines.items() if some}


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
            fields[name] = _named(field, known, tracker, key)
        if not extra.get("is_offered"):
            continue
        offer = [(str(id_), str(label)) for id_, label in _catalogue(tracker).get(key, [])]
        fields[name] = _field(field, offer, tracker, key) if offer else None
        hidden += [] if offer else [key]
    return type("TrackerForm", (ChoiceForm, form), {**fields, "hidden": hidden})


def _named(field: forms.Field, known: Offer, tracker: Tracker | None, key: str) -> forms.Field:
    saved = (tracker.config.get(key) if tracker else None) or {}
    offer = [(str(id_), str(label)) for id_, label in known]
    offer += [(id_, _no_longer_there(id_)) for id_ in saved if id_ not in dict(offer)]
    words = gettext_lazy("Empty: as the tracker sets it. Several values: one in each line.")
    return Named(offer, label=field.label, help_text=words, required=False)


def _field(field: forms.Field, offer: Offer, tracker: Tracker | None, key: str) -> forms.Field:
    saved = tracker.config.get(key) if tracker else None
    chosen = saved if isinstance(saved, list) else [saved] if saved else []
    known = {id_ for id_, label in offer}
    # What is gone stays to be seen, so that saving the page does not choose something else.
    gone = [(one, _no_longer_there(one)) for one in chosen if one not in known]
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


def _html(part: dict[str, Any], renderer: Any) -> SafeString:
    html: str = renderer.render(part["template_name"], {"widget": part})
    return mark_safe(html)  # noqa: S308 - a template of Django's, which escapes


def _no_longer_there(id_: str) -> str:
    return _("%(id)s (no longer there)") % {"id": id_}


def _as_lines(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "\n".join(value)


def _extra(registry: dict[str, PlugIn], kind: str, key: str) -> dict[str, Any]:
    if kind not in registry:
        return {}
    info = config_model(registry, kind).model_fields.get(key)
    extra = info.json_schema_extra if info else None
    return extra if isinstance(extra, dict) else {}


def _catalogue(tracker: Tracker | None) -> dict[str, Any]:
    return tracker.catalogue if tracker and isinstance(tracker.catalogue, dict) else {}
