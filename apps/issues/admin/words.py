"""Changes and explanations, told in words."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.issues.corrections import COUNTS_AGAIN
from apps.issues.models import Change, Evidence, Issue
from apps.issues.urgency import MANY
from apps.messages.models import Category, Priority
from tasktracker.lib.text import shorten

#: Kinds of facts that two reports share or that set them apart (apps.issues.dedup.conflicts).
KINDS = {
    "versions": gettext_lazy("versions"),
    "numbers": gettext_lazy("numbers"),
    "endpoints": gettext_lazy("addresses or codes"),
    "platform": gettext_lazy("platform"),
    "browser": gettext_lazy("browser"),
    "environment": gettext_lazy("environment"),
    "transfer": gettext_lazy("direction of transfer"),
    "session": gettext_lazy("login or logout"),
    "frequency": gettext_lazy("how often"),
    "change": gettext_lazy("what is done"),
    "wallet": gettext_lazy("wallet"),
    "channel": gettext_lazy("channel"),
    "symptom": gettext_lazy("symptom"),
    "size": gettext_lazy("too much or too little"),
}
_CHOICES: dict[str, Mapping[Any, Any]] = {
    "category": dict(Category.choices),
    "priority": dict(Priority.choices),
    "status": dict(Issue.Status.choices),
}


#: Reasons of the system, stored in English.
_REASONS = {
    "a more urgent report": gettext_lazy("a more urgent report"),
    COUNTS_AGAIN: gettext_lazy("its report counts again"),
}
_SURE = re.compile(r"confidence (\d\.\d\d) is at least (\d\.\d\d)")
_MANY = re.compile(rf"(\d+) {MANY}")


def in_words(change: Change) -> str:
    """What happened, for the history."""
    return _TELL.get(change.kind, _other)(change, change.details)


def reason_in_words(change: Change) -> str:
    """What a person wrote as it is; what the system says of itself in the reader's language."""
    sure = _SURE.fullmatch(change.reason)
    if sure is not None:
        told = _("confidence %(confidence)s is at least %(limit)s")
        return told % {
            name: number_format(value, 2)
            for name, value in zip(("confidence", "limit"), map(float, sure.groups()), strict=True)
        }
    many = _MANY.fullmatch(change.reason)
    if many is not None:
        people = int(many.group(1))
        told = ngettext("%(people)d person reports it", "%(people)d people report it", people)
        return told % {"people": people}
    return str(_REASONS.get(change.reason, change.reason))


def explained(explanation: Mapping[str, Any]) -> list[str]:
    """Why two reports look the same, one reason a line."""
    lines = []
    words = explanation.get("words")
    if isinstance(words, list) and words:
        lines.append(_("Words in both: %(words)s") % {"words": ", ".join(map(str, words))})
    for kind, values in _mapping(explanation.get("shared")).items():
        lines.append(
            _("Same %(kind)s: %(values)s") % {"kind": _kind(kind), "values": _join(values)}
        )
    for kind, sides in _mapping(explanation.get("conflicts")).items():
        if isinstance(sides, list) and len(sides) == 2:
            details = {"kind": _kind(kind), "one": _join(sides[0]), "other": _join(sides[1])}
            lines.append(_("Different %(kind)s: %(one)s and %(other)s") % details)
    if isinstance(explanation.get("cosine"), int | float):
        details = {"value": number_format(explanation["cosine"], 2)}
        lines.append(_("Nearness of meaning: %(value)s") % details)
    if isinstance(explanation.get("fuzzy"), int | float):
        details = {"value": f"{explanation['fuzzy']:.0%}"}
        lines.append(_("Alike by words: %(value)s") % details)
    if "alert" in explanation:
        lines.append(_("The same alert."))
    if "fingerprint" in explanation:
        lines.append(_("The texts are the same, apart from case and punctuation."))
    return lines


def _opened(change: Change, details: Mapping[str, Any]) -> str:
    if details.get("message"):
        return _("Opened from message %(id)s") % {"id": details["message"]}
    return _("Opened without a message")


def _status(change: Change, details: Mapping[str, Any]) -> str:
    # Each a whole sentence: gettext finds no words inside an f-string.
    told = _("Status: %(before)s → %(after)s")
    if details.get("not_an_issue"):
        told = _("Status: %(before)s → %(after)s (not an issue)")
    return told % {
        "before": _shown("status", details.get("before")),
        "after": _shown("status", details.get("after")),
    }


def _edit(change: Change, details: Mapping[str, Any]) -> str:
    name = str(details.get("field", ""))
    if details.get("unlocked"):
        return _("%(field)s: left to the system again") % {"field": field_name(name)}
    return _("%(field)s: %(before)s → %(after)s") % {
        "field": field_name(name),
        "before": _shown(name, details.get("before")),
        "after": _shown(name, details.get("after")),
    }


def _evidence(change: Change, details: Mapping[str, Any]) -> str:
    levels: Mapping[Any, Any] = dict(Evidence.Level.choices)
    return _("One more report: message %(id)s (%(level)s)") % {
        "id": details.get("message"),
        "level": levels.get(details.get("level"), details.get("level")),
    }


def _merged(change: Change, details: Mapping[str, Any]) -> str:
    if "into" in details:
        return _("Merged into issue %(id)s") % {"id": details["into"]}
    return _("Took over the reports of issue %(id)s") % {"id": details.get("taken")}


def _split(change: Change, details: Mapping[str, Any]) -> str:
    if "taken_from" in details:
        return _("Split out of issue %(id)s") % {"id": details["taken_from"]}
    if details.get("not_an_issue"):
        return _("Message %(id)s reports nothing, it was taken out") % {
            "id": details.get("message")
        }
    return _("Reports went to issue %(id)s") % {"id": details.get("given")}


def _export(change: Change, details: Mapping[str, Any]) -> str:
    return _("Exported to %(tracker)s as %(id)s") % {
        "tracker": details.get("tracker"),
        "id": details.get("id"),
    }


def _other(change: Change, details: Mapping[str, Any]) -> str:
    return str(change.get_kind_display())


_TELL: dict[str, Callable[[Change, Mapping[str, Any]], str]] = {
    Change.Kind.OPENED: _opened,
    Change.Kind.STATUS: _status,
    Change.Kind.EDIT: _edit,
    Change.Kind.EVIDENCE: _evidence,
    Change.Kind.MERGED: _merged,
    Change.Kind.SPLIT: _split,
    Change.Kind.EXPORT: _export,
}


def field_name(name: str) -> str:
    try:
        label = str(Issue._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
    except LookupError:
        return name
    return label[:1].upper() + label[1:]


def _shown(field: str, value: Any) -> str:
    if value in (None, ""):
        return "–"
    if field == "entities" and isinstance(value, Mapping):
        value = "; ".join(_surface(item) for items in value.values() for item in items) or "–"
    known = _CHOICES.get(field, {}).get(value) if isinstance(value, str) else None
    return str(known) if known else _("“%(text)s”") % {"text": shorten(str(value), 120)}


def _surface(item: Any) -> str:
    return str(item.get("surface", "")) if isinstance(item, Mapping) else str(item)


def _kind(kind: str) -> str:
    return str(KINDS.get(kind, kind))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _join(values: Any) -> str:
    return ", ".join(map(str, values)) if isinstance(values, list | tuple) else str(values)
