"""The form of an upload: where to, and the file; a source for it can be made on the way."""

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.db.models import QuerySet
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from apps.sources.archives import NoArchive, check_archive, kinds_with_history
from apps.sources.models import HistoryImport, Project, Source
from tasktracker.lib.secrets import CannotDecrypt


class ImportForm(forms.ModelForm):  # type: ignore[type-arg]
    """Where to, and the file; a source for it can be made on the way."""

    projects: ClassVar[QuerySet[Project]] = Project.objects.none()
    may_add_source: ClassVar[bool] = True

    upload = forms.FileField(
        label=gettext_lazy("File"),
        error_messages={"empty": gettext_lazy("The file is empty.")},
        widget=UnfoldAdminFileFieldWidget,
        help_text=gettext_lazy(
            "Telegram Desktop: Export chat history, format JSON, gives result.json; no photos or videos"
            " are needed. Or JSON lines, one message a line. Or CSV with a row of names."
        ),
    )
    project = forms.ModelChoiceField(
        Project.objects.none(),
        label=gettext_lazy("Project of the new source"),
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    name = forms.CharField(
        label=gettext_lazy("Name of the new source"),
        required=False,
        max_length=100,
        widget=UnfoldAdminTextInputWidget,
    )

    class Meta:
        model = HistoryImport
        fields = ["source", "is_live"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        source: Any = self.fields["source"]
        source.queryset = source.queryset.filter(kind__in=kinds_with_history())
        if self.may_add_source:
            project: Any = self.fields["project"]
            project.queryset, project.initial = self.projects, self.projects.first()
            source.required = False
            source.empty_label = _("A new source, only for archives")
        else:
            del self.fields["project"], self.fields["name"]
        source.help_text = _(
            "A bot's source when the file is from a chat that the bot reads: messages that came in"
            " live are recognised."
        )

    def clean_upload(self) -> Any:
        upload = self.cleaned_data["upload"]
        if upload.size > settings.UPLOAD_MAX_BYTES:
            sentence = _(
                "The file is larger than %(limit)s. `manage.py import_messages` takes any."
            )
            limit = filesizeformat(settings.UPLOAD_MAX_BYTES)
            raise forms.ValidationError(sentence % {"limit": limit})
        return upload

    def clean(self) -> Any:
        values: Any = super().clean()
        if not values.get("source") and self.may_add_source:
            values["source"] = self._new_source(values)
        if values.get("source") is not None and values.get("upload"):
            try:
                check_archive(values["upload"].file, values["source"])
            except (NoArchive, CannotDecrypt) as error:
                self.add_error("upload", str(error))
            except ValueError:
                sentence = _("The settings do not fit; open the source and save it again.")
                self.add_error("source", sentence)
        return values

    def _new_source(self, values: Any) -> Source | None:
        """Not saved yet; or the one of this name, when there is one already."""
        project, name = values.get("project"), values.get("name", "").strip()
        for field, value in (("project", project), ("name", name)):
            if not value:
                self.add_error(field, _("Choose a source, or say what the new one shall be."))
        if not project or not name:
            return None
        found = Source.objects.filter(project=project, name=name).first()
        if found is not None and found.kind not in kinds_with_history():
            self.add_error(
                "name", _("There is another source of this name, which takes no history.")
            )
            return None
        return found or Source(project=project, name=name, kind="file_import")

    def _post_clean(self) -> None:
        """The source may be one that is saved together with the import."""
        self.instance.is_live = self.cleaned_data.get("is_live", False)
