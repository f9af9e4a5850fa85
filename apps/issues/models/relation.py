"""What people said about two issues: that they are related, or that they are not the same problem."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.issues.models.issue import Issue
from apps.sources.models import Project


class Relation(models.Model):
    """Two sides that a person told apart, or that belong together without being the same.

    Apart are the messages that each issue had at that moment, not the issues: wherever a message goes
    by a merge or a split, it never comes together with one of the other side.
    """

    class Kind(models.TextChoices):
        RELATED = "related", _("Related")
        APART = "apart", _("Not a duplicate")

    project = models.ForeignKey(
        Project, models.CASCADE, verbose_name=_("project"), related_name="relations"
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    issue = models.ForeignKey(
        Issue, models.SET_NULL, verbose_name=_("issue"), related_name="relations", null=True
    )
    other = models.ForeignKey(
        Issue, models.SET_NULL, verbose_name=_("the other issue"), related_name="+", null=True
    )
    messages = ArrayField(models.BigIntegerField(), verbose_name=_("messages"), default=list)
    other_messages = ArrayField(
        models.BigIntegerField(), verbose_name=_("the other's messages"), default=list
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("who"),
        null=True,
        related_name="+",
    )
    reason = models.TextField(_("why"), blank=True, default="")
    created_at = models.DateTimeField(_("when"), db_default=Now())

    class Meta:
        verbose_name = _("relation")
        verbose_name_plural = _("relations")
        ordering = ["created_at", "id"]
        indexes = [
            GinIndex(fields=["messages"], name="relation_messages"),
            GinIndex(fields=["other_messages"], name="relation_other_messages"),
        ]

    def __str__(self) -> str:
        return f"{self.issue_id} {self.kind} {self.other_id}"
