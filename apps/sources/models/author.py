"""People who asked not to be read, and what has to be erased of them.

Of everybody else nothing is kept here: a message brings its author along.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.sources.envelope import Envelope
from apps.sources.models.source import Source
from tasktracker.lib.workflow import WorkItem


class Author(models.Model):
    """Somebody of whom no messages are stored, or none from before a moment."""

    source = models.ForeignKey(
        Source, models.CASCADE, verbose_name=_("source"), related_name="authors"
    )
    external_id = models.CharField(_("id at the platform"), max_length=200)
    #: Emptied when the person is forgotten; the number stays, or the door could not know whom to keep out.
    name = models.CharField(
        pgettext_lazy("of a person", "name"), max_length=200, blank=True, default=""
    )
    opted_out_at = models.DateTimeField(_("not stored since"), null=True, editable=False)
    forgotten_at = models.DateTimeField(_("nothing stored from before"), null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("person who is not read")
        verbose_name_plural = _("people who are not read")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="one_author_per_source")
        ]

    def __str__(self) -> str:
        return self.name or self.external_id

    # Factories

    @classmethod
    def known(cls, source_id: int, external_id: str, name: str = "") -> Self:
        author, _is_new = cls.objects.get_or_create(
            source_id=source_id, external_id=external_id, defaults={"name": name}
        )
        return author

    # Mutators

    def opt_out(self) -> None:
        """From now on nothing that this person writes is stored."""
        if self.opted_out_at is None:
            self.opted_out_at = timezone.now()
            self.save(update_fields=["opted_out_at"])

    def opt_in(self) -> None:
        """Store again what this person writes; what was forgotten stays so."""
        self.opted_out_at = None
        self.save(update_fields=["opted_out_at"])

    # Queries

    @classmethod
    def admitted(cls, envelopes: Iterable[Envelope]) -> list[Envelope]:
        """Those that may be stored and shown: the door of everything that comes in."""
        asked = list(envelopes)
        known = cls.among(
            (envelope.source_id, author_id)
            for envelope in asked
            for author_id in (envelope.author_id, envelope.forwarded_author_id)
        )
        return [
            envelope
            for envelope in asked
            if (row := known.get((envelope.source_id, envelope.author_id))) is None
            or row.admits(envelope.sent_at)
            # What is forwarded may be older than its forward, and so be what was forgotten.
            if (row := known.get((envelope.source_id, envelope.forwarded_author_id))) is None
            or not row.is_kept_out
        ]

    @classmethod
    def among(cls, people: Iterable[tuple[int, str]]) -> dict[tuple[int, str], Self]:
        """Those of these people, by source and id, who ever asked for something."""
        asked = {(source_id, author_id) for source_id, author_id in people if author_id}
        rows = cls.objects.filter(
            source__in={source_id for source_id, _ in asked},
            external_id__in={author_id for _, author_id in asked},
        )
        return {(row.source_id, row.external_id): row for row in rows}

    @property
    def is_kept_out(self) -> bool:
        """Whether nothing of theirs may come in by others, who quote and forward."""
        return self.opted_out_at is not None or self.forgotten_at is not None

    def admits(self, sent_at: datetime) -> bool:
        """An edit is as old as its original, so that it cannot bring back what was forgotten."""
        is_forgotten = self.forgotten_at is not None and sent_at <= self.forgotten_at
        return self.opted_out_at is None and not is_forgotten


class Erasure(WorkItem):
    """A person is being forgotten, step by step, each of which can be done again.

    docs/decisions/0016-what-forgetting-erases.md
    """

    class Status(models.TextChoices):
        ISSUES = "issues", _("Leaves the issues")
        EXPORTS = "exports", _("Leaves the exports")
        MESSAGES = "messages", _("Leaves the messages")
        COPIES = "copies", _("Leaves the copies")
        DONE = "done", _("Forgotten")

    TRANSITIONS = {
        Status.ISSUES: {Status.EXPORTS},
        Status.EXPORTS: {Status.MESSAGES},
        # A message that was filed in the meantime has to leave its issue first.
        Status.MESSAGES: {Status.ISSUES, Status.COPIES},
        Status.COPIES: {Status.ISSUES, Status.DONE},
    }
    WAITING = frozenset({Status.ISSUES, Status.EXPORTS, Status.MESSAGES, Status.COPIES})

    author = models.ForeignKey(
        Author, models.CASCADE, verbose_name=_("person"), related_name="erasures"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        verbose_name=_("who asked"),
        null=True,
        related_name="+",
        help_text=_("Empty: the person."),
    )
    status = models.CharField(_("status"), max_length=12, choices=Status, default=Status.ISSUES)
    issues = models.JSONField(_("issues"), default=list)  # numbers of those that were changed
    names = models.JSONField(_("names"), default=list)  # until the copies are gone
    erased = models.PositiveIntegerField(_("messages erased"), default=0)
    left = models.PositiveIntegerField(_("exports that nobody can change"), default=0)
    created_at = models.DateTimeField(_("asked at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("forgetting of a person")
        verbose_name_plural = _("forgetting of people")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["status", "due_at"],
                name="erasure_due",
                condition=models.Q(due_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.author_id} {self.status}"

    # Factories

    @classmethod
    def ask_for(cls, author: Author, *, user_id: int | None = None) -> Self:
        """Close the door to this person, and erase what is behind it; asked twice, it is done once."""
        with transaction.atomic():
            locked = Author.objects.select_for_update().get(pk=author.pk)
            under_way = cls.objects.filter(author=locked).exclude(status=cls.Status.DONE).first()
            moment = timezone.now()
            locked.opted_out_at = locked.opted_out_at or moment
            locked.forgotten_at = moment
            locked.name = ""
            locked.save(update_fields=["opted_out_at", "forgotten_at", "name"])
            if under_way is not None:
                return under_way
            erasure = cls.objects.create(
                author=locked, user_id=user_id, due_at=cls.due_now(cls.Status.ISSUES)
            )
            cls.announce([erasure.pk], erasure.status, is_new=True)
        return erasure

    # Mutators

    def note(
        self, *, issues: Sequence[int] = (), names: Iterable[str] = (), erased: int = 0
    ) -> None:
        """Remember what was done; in the transaction that does it."""
        self.issues = sorted({*self.issues, *issues})
        self.names = sorted({*self.names, *names})
        self.erased += erased
        self.save(update_fields=["issues", "names", "erased"])
