"""What a pasted sample would become with the settings as they are typed, before anything is saved."""

from datetime import datetime
from typing import Any

from django.forms import ModelForm, PasswordInput
from django.utils import formats, timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from unfold.widgets import UnfoldAdminTextareaWidget

from apps.sources.adapters import able_to
from apps.sources.adapters.base import Refused, Unreadable, reason_of
from apps.sources.admin.display import badge, short_text
from apps.sources.admin.plugin_form import SAVED
from apps.sources.models import Source

LONGEST_SAMPLE = 300_000  # characters
SHOWN = 5  # messages of a sample


class PreviewedForm(ModelForm):  # type: ignore[type-arg]
    """Put before the form of a source: what is only previewed is never saved."""

    @property
    def is_previewed(self) -> bool:
        return "_preview" in self.data

    def is_valid(self) -> bool:
        return super().is_valid() and not self.is_previewed


def sample_field(form: Any) -> SafeString:
    """Where a sample is pasted; it is no field of the form, whose fields are what is saved."""
    # No `maxlength`: a browser would cut what is pasted without a word, and half a body is no JSON.
    widget = UnfoldAdminTextareaWidget(
        {
            "id": "sample",
            "rows": 8,
            "data-longest": LONGEST_SAMPLE,
            "data-too-long": too_long(),
            "spellcheck": "false",
        }
    )
    pasted: SafeString = widget.render(
        "sample", form.data.get("sample", "") if form.is_bound else ""
    )
    return pasted


def too_long() -> str:
    text = _(
        "The sample is longer than %(n)s characters: one message or a few lines of the file are enough."
    )
    return text % {"n": formats.number_format(LONGEST_SAMPLE, force_grouping=True)}


def can_preview(source: Source | None) -> bool:
    return source is not None and source.kind in able_to("preview")


def preview_of(form: Any) -> dict[str, Any]:
    """For the template: the messages of the form's sample, or what is wrong."""
    # A browser without scripts gets the page anew, and no page holds a secret.
    is_secret_lost = any(
        isinstance(field.widget, PasswordInput) and form.data.get(name)
        for name, field in form.fields.items()
    )
    told = {"problems": [], "messages": None, "count": 0, "hidden": 0, **_messages_of(form)}
    return {**told, "is_secret_lost": is_secret_lost}


def _messages_of(form: Any) -> dict[str, Any]:
    problems = [
        f"{form.fields[name].label}: {' '.join(errors)}"
        for name, errors in form.errors.items()
        if name.startswith(f"{SAVED}__")
    ]
    sample = form.data.get("sample", "").replace("\r\n", "\n")
    if problems:
        return {"problems": problems}
    if not sample.strip():
        return {"problems": [_("Paste a sample to preview.")]}
    if len(sample) > LONGEST_SAMPLE:
        return {"problems": [too_long()]}
    try:
        adapter = form.instance.adapter()
        readings = adapter.preview(sample)
    except (Refused, Unreadable) as error:
        return {"problems": [str(error)]}
    except ValueError as error:
        return {"problems": [reason_of(error)]}
    fields = adapter.Config.model_fields
    return {
        "count": len(readings),
        "hidden": max(0, len(readings) - SHOWN),
        "messages": [_told(reading, fields) for reading in readings[:SHOWN]],
    }


def _told(reading: Any, fields: Any) -> dict[str, Any]:
    rows = [
        {
            "label": _(fields[name].title or name),
            "path": value.path,
            "state": _state(value),
            "value": "" if value.state == "wrong" else _shown(value.value),
            "reason": value.reason,
        }
        for name, value in reading.values.items()
    ]
    return {"rows": rows, "reason": "" if reading.envelope else reading.reason}


def _state(value: Any) -> SafeString | str:
    if value.state == "wrong":
        return badge(_("Cannot be read"), "danger")
    if value.state == "found":
        return badge(pgettext("state of a field", "Found"), "success")
    if value.path:
        return badge(_("Not found"), "warning")
    return badge(_("No path"))


def _shown(value: Any) -> SafeString | str:
    if isinstance(value, datetime):
        return str(formats.date_format(timezone.localtime(value), "SHORT_DATETIME_FORMAT"))
    return short_text(value, 300)
