"""How a project wants its issues in trackers."""

from typing import Any, Self

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.exports.models.tracker import Tracker
from apps.exports.trackers.template import BODY, TITLE, wrong_in_body, wrong_in_title
from apps.sources.models import Project

#: In the place of a field: what is named like a label there becomes this label.
SAME_LABEL = "="
#: Or: who is called so there gets the task.
SAME_PERSON = "@"


class ExportPolicy(models.Model):
    """Where approved issues of a project go, when, and in which words.

    A project without a row has the defaults: every active tracker, at once, nothing mapped or masked.
    """

    class When(models.TextChoices):
        APPROVED = "approved", _("As soon as an issue is approved")
        BY_HAND = "by_hand", _("Only when a person sends it")

    class OnRecovery(models.TextChoices):
        LINK = "link", _("Leave the task where it is, and link the two")
        MOVE = "move", _("Move the task to the first tracker")

    project = models.OneToOneField(
        Project, models.CASCADE, verbose_name=_("project"), related_name="export_policy"
    )
    tracker = models.ForeignKey(
        Tracker,
        models.RESTRICT,  # without it issues would go to every tracker
        verbose_name=_("tracker"),
        related_name="+",
        null=True,
        blank=True,
        help_text=_("Empty: one task in every active tracker of the project."),
    )
    fallback = models.ForeignKey(
        Tracker,
        models.RESTRICT,
        verbose_name=_("takes over"),
        related_name="+",
        null=True,
        blank=True,
        help_text=_("Gets the issues while the tracker cannot be reached. Empty: they wait."),
    )
    on_recovery = models.CharField(
        _("when the tracker is back"),
        max_length=10,
        choices=OnRecovery,
        default=OnRecovery.LINK,
    )
    when = models.CharField(_("when"), max_length=10, choices=When, default=When.APPROVED)
    most_per_hour = models.PositiveIntegerField(
        _("most per hour and chat"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_(
            "Of issues that were approved without a person. More of them wait for the next hour or"
            " for somebody who sends them. Empty: as many as come."
        ),
    )
    title_template = models.CharField(
        _("title"),
        max_length=200,
        blank=True,
        default="",
        help_text=_("Empty: {title}."),
    )
    body_template = models.TextField(
        _("text"),
        blank=True,
        default="",
        help_text=_("Empty: the description, every message word for word, and a link back."),
    )
    priorities = models.JSONField(_("priorities"), default=dict, blank=True)
    category_labels = models.JSONField(_("labels by category"), default=dict, blank=True)
    extra_labels = models.JSONField(_("labels of every task"), default=list, blank=True)
    entity_fields = models.JSONField(_("fields by what messages name"), default=dict, blank=True)
    masks_pii = models.BooleanField(
        _("mask personal data and secrets"),
        default=False,
        help_text=_("Phones, addresses, cards, accounts, keys: [EMAIL_1] in their place."),
    )
    hides_authors = models.BooleanField(_("leave out the names of authors"), default=False)

    class Meta:
        verbose_name = _("export policy")
        verbose_name_plural = _("export policies")
        ordering = ["project"]

    def __str__(self) -> str:
        return str(self.project)

    def clean(self) -> None:
        wrong: dict[str, Any] = {
            "title_template": wrong_in_title(self.title_template),
            "body_template": wrong_in_body(self.body_template),
            "tracker": self._wrong_with(self.tracker),
            "fallback": self._wrong_with(self.fallback),
        }
        if self.fallback_id and not self.tracker_id:
            wrong["fallback"] = _("Choose the tracker first whose place it takes.")
        elif self.fallback_id and self.fallback_id == self.tracker_id:
            wrong["fallback"] = _("Choose another one than the tracker itself.")
        wrong = {name: sentence for name, sentence in wrong.items() if sentence}
        if wrong:
            raise ValidationError(wrong)

    def _wrong_with(self, tracker: Tracker | None) -> Any:
        if tracker is not None and tracker.project_id != self.project_id:
            return _("It belongs to another project.")
        return ""

    # Queries

    @classmethod
    def of(cls, project: Project) -> Self:
        """The project's policy, or the defaults."""
        return cls.objects.filter(project=project).select_related(
            "tracker", "fallback"
        ).first() or cls(project=project)

    # Properties

    @property
    def title(self) -> str:
        return self.title_template or TITLE

    @property
    def body(self) -> str:
        return self.body_template or BODY
