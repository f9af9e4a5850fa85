"""The form of a policy: words of a tracker are chosen from what the project's trackers have."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminSelect2MultipleWidget, UnfoldAdminSelectWidget

from apps.exports.models import SAME_LABEL, SAME_PERSON, ExportPolicy, Tracker
from apps.exports.trackers.base import ASSIGNEE, FIELDS, LABELS, PRIORITIES
from apps.messages.models import Category, Priority

#: What a text names, by the kinds that can fill a field.
KINDS = {
    "projects": gettext_lazy("Projects that messages name"),
    "technologies": gettext_lazy("Technologies that messages name"),
    "versions": gettext_lazy("Versions that messages name"),
    "people": gettext_lazy("People that messages name"),
    "assignees": gettext_lazy("Who shall do it, as messages say"),
}
Words = list[str]
Offer = dict[str, Words]


class PolicyForm(forms.ModelForm):  # type: ignore[type-arg]
    offer: ClassVar[Offer] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("tracker", "fallback"):
            field: Any = self.fields.get(name)
            if field is not None and self.instance.project_id:
                field.queryset = field.queryset.filter(project=self.instance.project_id)
        for name in self.fields:
            mapped, _separator, key = name.partition("__")
            if key:
                self.initial[name] = _saved(self.instance, mapped, key)

    def clean(self) -> dict[str, Any]:
        """What is chosen goes into the policy; what nothing was offered for stays as it is."""
        cleaned = super().clean() or self.cleaned_data
        policy = self.instance
        for name, value in cleaned.items():
            mapped, _separator, key = name.partition("__")
            if mapped == "extra_labels" and key:
                policy.extra_labels = value
            elif key:
                kept = {**getattr(policy, mapped), key: value}
                setattr(policy, mapped, {one: word for one, word in kept.items() if word})
        return cleaned


def form_for(policy: ExportPolicy | None) -> type[PolicyForm]:
    """With a field for each of our words that can be mapped to one of theirs."""
    return type("PolicyForm", (PolicyForm,), _fields(policy) if policy else {})


def mapped_names(policy: ExportPolicy) -> list[str]:
    return list(_fields(policy))


def _fields(policy: ExportPolicy) -> dict[str, forms.Field]:
    offer = _offered(policy)
    fields: dict[str, forms.Field] = {}
    if offer[PRIORITIES]:
        for priority in reversed(Priority.choices):
            label = _("Priority “%(name)s”") % {"name": priority[1]}
            fields[f"priorities__{priority[0]}"] = _one(
                label, policy, "priorities", priority[0], offer[PRIORITIES]
            )
    if offer[LABELS]:
        for category in Category.choices:
            label = _("Labels of “%(name)s”") % {"name": category[1]}
            fields[f"category_labels__{category[0]}"] = _some(
                label, policy, "category_labels", category[0], offer[LABELS]
            )
        label = _("Labels of every task")
        fields["extra_labels__all"] = _some(label, policy, "extra_labels", "all", offer[LABELS])
    for kind, named in KINDS.items():
        same = [(SAME_LABEL, _("label of the same name"))] if offer[LABELS] else []
        if offer[ASSIGNEE] and kind == "assignees":
            same += [(SAME_PERSON, _("assignee of the same name"))]
        if same or offer[FIELDS]:
            fields[f"entity_fields__{kind}"] = _one(
                named, policy, "entity_fields", kind, offer[FIELDS], same
            )
    return fields


def _offered(policy: ExportPolicy) -> Offer:
    """Their words, over all trackers of the project."""
    found: dict[str, dict[str, str]] = {name: {} for name in (PRIORITIES, LABELS, FIELDS, ASSIGNEE)}
    trackers = Tracker.objects.filter(project=policy.project_id)
    for catalogue in trackers.values_list("catalogue", flat=True):
        for name, words in found.items():
            offered = catalogue.get(name) if isinstance(catalogue, dict) else None
            words.update({str(label).casefold(): str(label) for _id, label in offered or ()})
    return {name: list(words.values()) for name, words in found.items()}


def _saved(policy: ExportPolicy, mapped: str, key: str) -> Any:
    value = getattr(policy, mapped)
    return value if mapped == "extra_labels" else value.get(key)


def _one(
    label: Any,
    policy: ExportPolicy,
    mapped: str,
    key: str,
    words: Words,
    more: Iterable[tuple[str, str]] = (),
) -> forms.Field:
    saved = _saved(policy, mapped, key)
    more = list(more)
    gone = _gone([saved] if saved and saved not in dict(more) else [], words)
    choices = [("", "–"), *more, *((word, word) for word in words), *gone]
    return forms.ChoiceField(
        label=label, choices=choices, required=False, widget=UnfoldAdminSelectWidget
    )


def _some(label: Any, policy: ExportPolicy, mapped: str, key: str, words: Words) -> forms.Field:
    gone = _gone(_saved(policy, mapped, key) or [], words)
    choices = [*((word, word) for word in sorted(words, key=str.casefold)), *gone]
    return forms.MultipleChoiceField(
        label=label, choices=choices, required=False, widget=UnfoldAdminSelect2MultipleWidget
    )


def _gone(saved: Iterable[str], words: Words) -> list[tuple[str, str]]:
    """What is gone stays to be seen, so that saving the page does not choose something else."""
    known = set(words)
    return [
        (word, _("%(id)s (no longer there)") % {"id": word}) for word in saved if word not in known
    ]
