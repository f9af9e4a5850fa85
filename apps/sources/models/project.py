"""A team's project and how its messages are handled."""

import zoneinfo

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now
from django.dispatch import Signal
from django.utils.translation import gettext_lazy as _

#: A project is about to be saved; who knows that its settings do not fit raises ValidationError.
project_checked = Signal()


def validate_timezone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(_("%(name)s is not a time zone."), params={"name": name})


_RATIO = [MinValueValidator(0.0), MaxValueValidator(1.0)]
# Beyond these a date cannot be reckoned with any more, and nobody means them.
_HOURS, _DAYS, _MINUTES = (MaxValueValidator(most) for most in (8_760, 3_650, 1_440))
_PEOPLE = MaxValueValidator(1_000)


class Project(models.Model):
    """A team's unit. Everything belongs to one, and nobody sees another's."""

    class Policy(models.TextChoices):
        CASCADE = "cascade", _("The local model first, an LLM when it is unsure")
        ALWAYS = "always", _("Always ask the LLM")
        LOCAL = "local", _("The local model only")

    class ExportedQuotes(models.TextChoices):
        REPLACE = "replace", _("Replace them where the tracker can")
        KEEP = "keep", _("Leave them as they are")

    name = models.CharField(_("name"), max_length=100, unique=True)
    slug = models.SlugField(_("slug"), max_length=100, unique=True)
    language = models.CharField(
        _("language of issues"), max_length=2, choices=settings.LANGUAGES, default="uk"
    )
    timezone = models.CharField(
        _("time zone"), max_length=50, default="Europe/Kyiv", validators=[validate_timezone]
    )
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, verbose_name=_("members"), related_name="projects", blank=True
    )
    policy = models.CharField(
        _("who classifies"), max_length=10, choices=Policy, default=Policy.CASCADE
    )
    is_cloud_allowed = models.BooleanField(_("cloud models may read messages"), default=False)
    sure_threshold = models.FloatField(
        _("sure from"),
        null=True,
        blank=True,
        validators=_RATIO,
        help_text=_("Below this confidence the LLM or a person looks. Empty: as calibrated."),
    )
    reads_alerts = models.BooleanField(
        _("read lines of monitoring bots by their format"),
        default=True,
        help_text=_("Firing in production is a bug, resolved is information."),
    )
    posts_summary = models.BooleanField(_("post the day's summary to the chat"), default=False)
    summary_chat = models.ForeignKey(
        "Chat",
        models.SET_NULL,
        verbose_name=_("chat for the summary"),
        related_name="+",
        null=True,
        blank=True,
    )
    auto_approve_above = models.FloatField(
        _("approve by itself above this confidence"),
        null=True,
        blank=True,
        validators=_RATIO,
        help_text=_("Empty: a person approves every issue."),
    )
    approves_history = models.BooleanField(
        _("approve what an archive reports by itself, too"),
        default=False,
        help_text=_("Else issues of an imported history wait for a person or for a live report."),
    )
    duplicate_window_hours = models.PositiveIntegerField(
        _("window for similar words, hours"),
        default=24,
        validators=[_HOURS],
        help_text=_("How old a report may be for a match by similar words."),
    )
    open_issue_days = models.PositiveIntegerField(
        _("window for similar meaning, days"),
        default=30,
        validators=[_DAYS],
        help_text=_("How old an open issue may be for a match by meaning."),
    )
    closed_issue_days = models.PositiveIntegerField(
        _("window for closed issues, days"),
        default=14,
        validators=[_DAYS],
        help_text=_("So long after its end an issue is suggested as “is it back?”. 0: never."),
    )
    run_minutes = models.PositiveIntegerField(
        _("one author's run, minutes"),
        default=5,
        validators=[_MINUTES],
        help_text=_("Messages of one author in so short a time can be one report. 0: never."),
    )
    raise_priority_from = models.PositiveIntegerField(
        _("raise the priority when so many people report"),
        default=3,
        validators=[_PEOPLE],
        help_text=_("One step at this many, one more at twice as many, up to high. 0: never."),
    )
    merge_threshold = models.FloatField(
        _("merge at"),
        null=True,
        blank=True,
        validators=_RATIO,
        help_text=_("Empty: as calibrated for the embedding model."),
    )
    suggest_threshold = models.FloatField(_("suggest at"), null=True, blank=True, validators=_RATIO)
    keeps_waiting = models.BooleanField(
        _("keep messages of chats that wait for a yes"),
        default=False,
        help_text=_(
            "They are read once you say yes to the chat, and deleted when you say no."
            " Otherwise reading begins with your yes."
        ),
    )
    exported_quotes = models.CharField(
        _("exported words of a person who is forgotten"),
        max_length=10,
        choices=ExportedQuotes,
        default=ExportedQuotes.REPLACE,
    )
    posts_replies = models.BooleanField(
        _("tell in the chat what becomes of a report"),
        default=False,
        help_text=_("One quiet reply per issue and chat, edited as the issue goes on."),
    )
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        project_checked.send(Project, project=self)

    # Queries

    @classmethod
    def visible_to(cls, user: AbstractBaseUser | AnonymousUser) -> "models.QuerySet[Project]":
        """Superusers see every project, everybody else the ones that they are a member of."""
        if not user.is_authenticated or not user.is_active:
            return cls.objects.none()
        if getattr(user, "is_superuser", False):
            return cls.objects.all()
        return cls.objects.filter(members=user.pk)
