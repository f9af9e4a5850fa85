"""The form of an issue: what people may set right, what was found in its texts included."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextInputWidget

from apps.issues.models import Issue
from apps.messages.entities.base import KINDS

EDITABLE = ("title", "description", "category", "priority")
PREFIX = "named_"
NAMED = tuple(f"{PREFIX}{kind}" for kind in KINDS)
LABELS = {
    "projects": gettext_lazy("Projects"),
    "technologies": gettext_lazy("Technologies"),
    "versions": gettext_lazy("Versions"),
    "people": gettext_lazy("People"),
    "deadlines": gettext_lazy("Deadlines"),
}
MOST_NAMES, LONGEST_NAME = 30, 100


def _names_of(kind: str) -> forms.CharField:
    return forms.CharField(
        label=LABELS[kind],
        required=False,
        max_length=2000,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Several: with a semicolon between them."),
    )


class IssueForm(forms.ModelForm):  # type: ignore[type-arg]
    reason = forms.CharField(
        label=gettext_lazy("Why this edit"),
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Goes into the history."),
    )
    named_projects = _names_of("projects")
    named_technologies = _names_of("technologies")
    named_versions = _names_of("versions")
    named_people = _names_of("people")
    named_deadlines = _names_of("deadlines")

    class Meta:
        model = Issue
        fields = ["project", *EDITABLE]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in KINDS:
            found = self.instance.entities.get(kind)
            self.initial[f"{PREFIX}{kind}"] = "; ".join(_surface(item) for item in found or ())

    def changes(self) -> dict[str, Any]:
        """What the person set to something else."""
        changed = {name: self.cleaned_data[name] for name in EDITABLE if name in self.changed_data}
        if set(NAMED) & set(self.changed_data):
            changed["entities"] = self._entities()
        return changed

    def _entities(self) -> dict[str, Any]:
        """Names that stay keep their normal form; a new one is its own."""
        entities = dict(self.instance.entities)
        for kind in KINDS:
            known = {_surface(item): item for item in entities.get(kind) or ()}
            said = self.cleaned_data.get(f"{PREFIX}{kind}") or ""
            names = dict.fromkeys(filter(None, map(str.strip, re.split(r"[;\n]", said))))
            entities[kind] = [
                known.get(name, {"surface": name[:LONGEST_NAME], "normal": name[:LONGEST_NAME]})
                for name in list(names)[:MOST_NAMES]
            ]
        return entities


def _surface(item: Any) -> str:
    return str(item.get("surface", "")) if isinstance(item, Mapping) else str(item)
