"""The form of a rule, which can try the rule instead of saving it, and the form that tries all of them."""

from typing import Any

from django import forms
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from apps.messages.classifiers.rules import LONGEST
from apps.messages.models import Rule
from apps.sources.models import Chat, Project

TEXT, WEEK = "text", "week"
TRY_FIELDS = ("try_text", "try_author", "try_chat")


class TryFields(forms.Form):
    """A text as somebody would send it."""

    try_text = forms.CharField(
        label=gettext_lazy("Text"),
        required=False,
        max_length=LONGEST,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "dir": "auto"}),
    )
    try_author = forms.CharField(
        label=gettext_lazy("Author"),
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
    )
    try_chat = forms.ModelChoiceField(
        label=gettext_lazy("Chat"),
        queryset=Chat.objects.none(),
        required=False,
        widget=UnfoldAdminSelectWidget,
    )

    def check_text(self, data: dict[str, Any]) -> None:
        if "try_text" not in self.errors and not data.get("try_text", "").strip():
            self.add_error("try_text", _("Paste a text to try."))


class RuleForm(TryFields, forms.ModelForm):  # type: ignore[type-arg]
    #: Chats that the user may see; the admin sets them.
    chats: Any = Chat.objects.none()

    class Meta:
        model = Rule
        fields = ["project", "name"]  # the admin names the others, section by section

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.trying: str = self.data.get("_try", "")
        self.is_tried = False
        if "try_chat" in self.fields:
            self.fields["try_chat"].queryset = self.chats  # type: ignore[attr-defined]

    def is_valid(self) -> bool:
        """What is only tried is never valid enough to be saved: its page comes back with the trial."""
        is_valid: bool = super().is_valid()
        self.is_tried = is_valid and self.trying in (TEXT, WEEK)
        return is_valid and not self.trying

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        project, chat = data.get("project"), data.get("chat")
        if chat is not None and project is not None and chat.project_id_of_messages != project.pk:
            self.add_error("chat", _("The messages of this chat belong to another project."))
        if self.trying == TEXT:
            self.check_text(data)
        self.instance.unread = frozenset(self.errors)
        return data

    @cached_property
    def changed_data(self) -> list[str]:
        """For the history: what was only tried is no change."""
        return [name for name in super().changed_data if name not in TRY_FIELDS]


class TryForm(TryFields):
    project = forms.ModelChoiceField(
        label=gettext_lazy("Project"),
        queryset=Project.objects.none(),
        widget=UnfoldAdminSelectWidget,
    )
    run = forms.ChoiceField(choices=[(TEXT, TEXT), (WEEK, WEEK)], widget=forms.HiddenInput)
    field_order = ("project", *TRY_FIELDS)

    def __init__(self, data: Any, *, projects: Any, chats: Any) -> None:
        first = projects.first()
        super().__init__(data, initial={"project": first and first.pk})
        self.fields["project"].queryset = projects  # type: ignore[attr-defined]
        self.fields["try_chat"].queryset = chats  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("run") == TEXT:
            self.check_text(data)
        return data
