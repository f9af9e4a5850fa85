"""What a text names, in words for people: the same on the page of a message and of an issue."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy

from apps.messages.models import Priority
from apps.sources.admin.display import in_words

#: Said by somebody, set by nobody: who decides may follow it.
SUGGESTED = {
    "assignees": gettext_lazy("suggested assignee"),
    "urgency": gettext_lazy("suggested priority"),
}

_PRIORITIES: Mapping[Any, Any] = dict(Priority.choices)


def line_by_line(entities: Mapping[str, Any]) -> str:
    """A line per kind that has any."""
    found = []
    for kind, items in entities.items():
        if isinstance(items, list) and items:
            label = SUGGESTED.get(kind) or in_words(kind)
            found.append(f"{label}: {', '.join(_as_named(item, kind) for item in items)}")
    return "\n".join(found)


def _as_named(item: Any, kind: str) -> str:
    """As written, and what it stands for where that is more than the same word in small letters."""
    if not isinstance(item, dict):
        return str(item)
    surface, normal = str(item.get("surface", "")), str(item.get("normal", ""))
    is_telling = normal and normal.casefold() != surface.casefold()
    if kind == "urgency":
        normal = str(_PRIORITIES.get(normal, normal))
    return f"{surface} → {normal}" if is_telling else surface
