"""Projects, their sources and chats, and what could not be read."""

import json
import logging
import re
import secrets
import zoneinfo
from collections.abc import Iterable
from typing import Any, Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now
from django.dispatch import Signal
from django.utils.translation import gettext_lazy as _

from apps.sources.adapters import ADAPTERS
from apps.sources.adapters.base import reason_of
from apps.sources.envelope import ChatReference, Envelope
from tasktracker.lib import plugins
from tasktracker.lib.secrets import EncryptedJSONField
from tasktracker.lib.text import clean

logger = logging.getLogger(__name__)

#: A project is about to be saved; who knows that its settings do not fit raises ValidationError.
project_checked = Signal()


def validate_timezone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(_("%(name)s is not a time zone."), params={"name": name})


GLOSSARY_LIMIT = 500  # terms of a project
_MIN_STARRED = 3  # letters before a star; fewer would find half of all words
_STARRED = re.compile(r"[^\s*]*\*+[^\s]*")


def validate_alias(alias: str) -> None:
    """A star ends a word of some letters; a phrase without a letter or digit is nothing."""
    if not re.search(r"\w", alias):
        raise ValidationError(_("“%(alias)s” has no letter."), params={"alias": alias})
    if len(alias) < 2:
        raise ValidationError(_("“%(alias)s” is one letter only."), params={"alias": alias})
    for word in _STARRED.findall(alias):
        letters = re.findall(r"\w", word)
        if word.count("*") > 1 or not word.endswith("*") or len(letters) < _MIN_STARRED:
            raise ValidationError(
                _("“%(alias)s”: a star stands at the end of a word, after three letters or more."),
                params={"alias": alias},
            )


def validate_aliases(aliases: str) -> None:
    """Each of them, and none empty; a comma at the very end is forgiven."""
    for alias in aliases.rstrip(", \n\r").split(",") if aliases.strip() else []:
        if not alias.strip():
            raise ValidationError(_("There is nothing between two commas."))
        validate_alias(alias.strip())


def spelling_key(spelling: str) -> str:
    """The same for what differs only in case, spaces or the star at its end."""
    return " ".join(clean(spelling).casefold().rstrip("*").split())


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


class GlossaryTerm(models.Model):
    """A word of the project's own: how it is called, and the other ways in which people write it."""

    class Kind(models.TextChoices):
        PROJECTS = "projects", _("Project or component")
        TECHNOLOGIES = "technologies", _("Technology")
        PEOPLE = "people", _("Person")

    project = models.ForeignKey(
        Project, models.CASCADE, verbose_name=_("project"), related_name="glossary"
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.PROJECTS)
    name = models.CharField(_("name"), max_length=100)
    aliases = models.TextField(
        _("also written as"),
        blank=True,
        default="",
        max_length=2000,
        help_text=_("Separated by commas. A star stands for any ending: білінг*"),
    )
    meaning = models.CharField(
        _("meaning"), max_length=200, blank=True, default="", help_text=_("For the language model.")
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("glossary term")
        verbose_name_plural = _("glossary")
        ordering = ["project", "kind", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "kind", "name"], name="one_term_per_project_and_kind"
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        # Somebody pastes them: what nobody sees would make another word of the same letters.
        self.name = " ".join(clean(self.name).split())
        self.aliases, self.meaning = clean(self.aliases), clean(self.meaning)
        try:
            validate_aliases(self.aliases)
        except ValidationError as error:
            raise ValidationError({"aliases": error.messages}) from None
        if len(self.name) < 2 or not any(map(str.isalpha, self.name)):
            raise ValidationError({"name": _("A name has a letter and at least two characters.")})
        if "*" in self.name:
            raise ValidationError({"name": _("A star belongs into the other ways to write it.")})
        others = GlossaryTerm.objects.filter(project=self.project_id).exclude(pk=self.pk)
        if self.project_id and others.count() >= GLOSSARY_LIMIT:
            raise ValidationError(
                _("A project has at most %(limit)d terms."), params={"limit": GLOSSARY_LIMIT}
            )
        self.check_others(others)

    def check_others(self, others: Iterable["GlossaryTerm"]) -> None:
        """Raise ValidationError when another term is written like this one: which would be meant?"""
        taken = {key: term for term in others for key in term.keys}
        for spelling in (self.name, *self.spellings):
            other = taken.get(spelling_key(spelling))
            if other is not None:
                text = _("“%(spelling)s” belongs to the term “%(term)s” already.")
                details = {"spelling": spelling, "term": other.name}
                field = "name" if spelling == self.name else "aliases"
                raise ValidationError({field: ValidationError(text, params=details)})

    # Properties

    @property
    def keys(self) -> set[str]:
        return {spelling_key(spelling) for spelling in (self.name, *self.spellings)}

    @property
    def spellings(self) -> tuple[str, ...]:
        return tuple(alias.strip() for alias in self.aliases.split(",") if alias.strip())


def new_webhook_secret() -> str:
    return secrets.token_urlsafe(32)


class Source(models.Model):
    """One configured inlet of a project, and how far it was read."""

    project = models.ForeignKey(
        Project, models.CASCADE, verbose_name=_("project"), related_name="sources"
    )
    kind = models.CharField(_("kind"), max_length=30)
    name = models.CharField(_("name"), max_length=100)
    config = EncryptedJSONField(_("settings"), default=dict, blank=True)
    webhook_secret = models.CharField(
        _("webhook secret"), max_length=100, unique=True, default=new_webhook_secret, editable=False
    )
    cursor = models.BigIntegerField(_("read up to"), default=0, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    last_error = models.TextField(_("last error"), blank=True, default="", editable=False)
    last_seen_at = models.DateTimeField(_("last message at"), null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")
        ordering = ["project", "name"]
        constraints = [
            models.UniqueConstraint(fields=["project", "name"], name="one_source_per_name")
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Check the settings with the adapter's own model."""
        try:
            self.adapter()
        except plugins.UnknownPlugIn:
            raise ValidationError({"kind": _("Unknown kind of source.")}) from None
        except ValueError as error:
            raise ValidationError({"config": reason_of(error)}) from None

    # Queries

    def adapter(self) -> Any:
        """The plug-in with this source's settings; raises ValueError when they do not fit."""
        made = plugins.load(ADAPTERS, self.kind)
        return made(made.Config.model_validate(self.config), source_id=self.pk or 0)

    @classmethod
    def kinds(cls) -> list[tuple[str, Any]]:
        return plugins.choices(ADAPTERS)


class Chat(models.Model):
    """One group or channel inside a source; monitored or not, perhaps routed to another project."""

    source = models.ForeignKey(
        Source, models.CASCADE, verbose_name=_("source"), related_name="chats"
    )
    external_id = models.CharField(_("id at the platform"), max_length=200)
    title = models.CharField(_("title"), max_length=200, blank=True, default="")
    kind = models.CharField(_("kind"), max_length=20, blank=True, default="")
    is_monitored = models.BooleanField(_("monitored"), default=True)
    project = models.ForeignKey(
        Project,
        models.SET_NULL,
        verbose_name=_("routed to"),
        related_name="routed_chats",
        null=True,
        blank=True,
        help_text=_("Empty: the project of the source."),
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("chat")
        verbose_name_plural = _("chats")
        ordering = ["source", "title"]
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="one_chat_per_source")
        ]

    def __str__(self) -> str:
        return self.title or self.external_id

    # Factories

    @classmethod
    def known(cls, source: Source, reference: ChatReference) -> Self:
        """The chat's row, made on first sight; a newer title replaces the older one."""
        chat, is_new = cls.objects.get_or_create(
            source=source,
            external_id=reference.external_id,
            defaults={"title": reference.title, "kind": reference.kind},
        )
        if not is_new and reference.title and reference.title != chat.title:
            chat.title = reference.title
            chat.save(update_fields=["title"])
        return chat

    # Properties

    @property
    def project_id_of_messages(self) -> int:
        return self.project_id or self.source.project_id


class DeadLetter(models.Model):
    """Something that came in and could not be read: kept with its reason, and replayed by a person."""

    source = models.ForeignKey(
        Source, models.SET_NULL, verbose_name=_("source"), null=True, related_name="dead_letters"
    )
    subject = models.CharField(_("subject"), max_length=200, blank=True, default="")
    sequence = models.BigIntegerField(_("number in the stream"), null=True)
    payload = models.BinaryField(_("payload"))
    reason = models.TextField(_("reason"))
    created_at = models.DateTimeField(_("created at"), db_default=Now())
    replayed_at = models.DateTimeField(_("replayed at"), null=True, editable=False)

    class Meta:
        verbose_name = _("dead letter")
        verbose_name_plural = _("dead letters")
        ordering = ["-created_at"]
        constraints = [
            # A redelivered poison envelope is one dead letter.
            models.UniqueConstraint(
                fields=["subject", "sequence"],
                name="one_dead_letter_per_delivery",
                condition=models.Q(sequence__isnull=False),
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject or '-'} {self.reason[:60]}"

    # Factories

    @classmethod
    def bury_update(
        cls, source: tuple[str, int], *, number: int, payload: Any, reason: str
    ) -> None:
        """Keep a platform's own payload; the same one again is the same dead letter."""
        kind, source_id = source
        logger.warning("dead letter %s.%d #%d: %s", kind, source_id, number, reason)
        cls.objects.get_or_create(
            subject=f"{kind}.{source_id}",
            sequence=number,
            defaults={
                "source_id": source_id,
                "payload": json.dumps(payload).encode(),
                "reason": reason.replace("\0", ""),
            },
        )

    # Properties

    @property
    def text(self) -> str:
        """The payload as people can read it."""
        return bytes(self.payload).decode("utf-8", "replace").replace("\0", "\ufffd")

    def envelope(self) -> Envelope:
        """Raise ValueError when it still cannot be read."""
        return Envelope.from_bytes(bytes(self.payload))
