"""Chats of a source and their topics: which are read, and into which project."""

from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.dispatch import Signal
from django.utils.translation import gettext_lazy as _

from apps.sources.envelope import ChatReference
from apps.sources.models.author import Author
from apps.sources.models.project import Project
from apps.sources.models.source import Source

#: What is read of a chat, or into which project, was decided; sent with `chat`, in the same transaction.
chat_settled = Signal()


class Chat(models.Model):
    """One group or channel inside a source; read, left alone, or waiting for somebody to say which."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waits for your yes")
        ON = "on", _("Read")
        OFF = "off", _("Left alone")

    source = models.ForeignKey(
        Source, models.CASCADE, verbose_name=_("source"), related_name="chats"
    )
    external_id = models.CharField(_("id at the platform"), max_length=200)
    title = models.CharField(_("title"), max_length=200, blank=True, default="")
    kind = models.CharField(_("kind"), max_length=20, blank=True, default="")
    state = models.CharField(_("reading"), max_length=10, choices=State, default=State.ON)
    project = models.ForeignKey(
        Project,
        models.SET_NULL,
        verbose_name=_("routed to"),
        related_name="routed_chats",
        null=True,
        blank=True,
        help_text=_("Empty: the project of the source."),
    )
    language = models.CharField(
        _("language of the bot's answers"),
        max_length=2,
        choices=settings.LANGUAGES,
        blank=True,
        default="",
        help_text=_("Empty: the project's."),
    )
    is_muted = models.BooleanField(
        _("the bot is quiet here"), default=False, help_text=_("Its people said so by /mute.")
    )
    bot_role = models.CharField(
        _("the bot there"), max_length=20, blank=True, default="", editable=False
    )
    bot_role_at = models.DateTimeField(_("since"), null=True, editable=False)
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
        told = "" if _is_of_somebody_kept_out(source, reference) else reference.title
        chat = cls.find(source.pk, reference.external_id)
        if chat is None:
            chat, _is_new = cls.objects.get_or_create(
                source=source,
                external_id=reference.external_id,
                defaults={
                    "title": told,
                    "kind": reference.kind,
                    "state": cls.first_state(source),
                },
            )
        chat.source = source
        title = told or chat.title
        kind = chat.kind if reference.kind == "other" else reference.kind
        if (title, kind) != (chat.title, chat.kind):
            chat.title, chat.kind = title, kind
            chat.save(update_fields=["title", "kind"])
        return chat

    # Mutators

    @classmethod
    def settle(cls, chats: "models.QuerySet[Chat]", state: str) -> int:
        """A person says yes or no to these chats; how many that changes."""
        with transaction.atomic():
            rows = cls.objects.filter(pk__in=chats.values("pk")).exclude(state=state)
            found = list(rows.order_by("pk").select_for_update(no_key=True))
            for chat in found:
                chat.state = state
                chat.save(update_fields=["state"])
                chat_settled.send(cls, chat=chat)
        return len(found)

    @classmethod
    def route(cls, chats: "models.QuerySet[Chat]", project: Project | None) -> int:
        """From now on, what comes in from these chats belongs to the project."""
        with transaction.atomic():
            found = list(cls.objects.filter(pk__in=chats.values("pk")).order_by("pk"))
            for chat in found:
                is_own = project is not None and chat.source.project_id == project.pk
                chat.project = None if is_own else project
                chat.save(update_fields=["project"])
                chat_settled.send(cls, chat=chat)
        return len(found)

    def learn_topic(self, external_id: str, title: str) -> None:
        """What a message says of its topic is how it was called at first."""
        own = self._topic(external_id)
        if own is None or not own.title:
            Topic.known(self, external_id, title)

    def note_role(self, role: str, at: datetime) -> None:
        """What the bot is in this chat; what is told late does not undo what is newer."""
        rows = type(self).objects.filter(Q(bot_role_at=None) | Q(bot_role_at__lte=at), pk=self.pk)
        rows.update(bot_role=role, bot_role_at=at)

    @classmethod
    def move(cls, source: Source, old: ChatReference, new_id: str) -> Self:
        """The platform has given the chat another id: one row, known by both.

        Messages keep the ids that they came with. Telling it again changes nothing.
        """
        with transaction.atomic():
            Source.objects.select_for_update(no_key=True).get(pk=source.pk)
            ids = (old.external_id, new_id)
            rows = {row.pk: row for name in ids if (row := cls.find(source.pk, name))}
            kept = rows.pop(min(rows)) if rows else cls.known(source, old)
            for other in rows.values():
                kept.absorb(other)
            kept.be_called(old.external_id, new_id)
        return kept

    def absorb(self, other: "Chat") -> None:
        """Everything of the other row is of this one; what a person has decided stands."""
        if self.state == self.State.WAITING:
            self.state = other.state
        self.project_id = self.project_id or other.project_id
        self.language = self.language or other.language
        self.is_muted = self.is_muted or other.is_muted
        self.save(update_fields=["state", "project", "language", "is_muted"])
        ours = {topic.external_id: topic for topic in self.topics.all()}
        for topic in other.topics.filter(external_id__in=ours):
            ours[topic.external_id].take_from(topic)
        # Later apps have rows of a chat too, and are not imported here.
        for field in self._meta.get_fields(include_hidden=True):
            if isinstance(field, models.ManyToOneRel):
                _hand_over(field, other, self)
        other.delete()
        chat_settled.send(type(self), chat=self)

    def be_called(self, old_id: str, new_id: str) -> None:
        """A platform gives no id twice: one that the chat has had is no news."""
        if not self.aliases.filter(external_id=new_id).exists():
            self.external_id = new_id
            self.save(update_fields=["external_id"])
        ChatAlias.objects.get_or_create(
            source_id=self.source_id, external_id=old_id, defaults={"chat": self}
        )

    # Queries

    @classmethod
    def find(cls, source_id: int, external_id: str) -> Self | None:
        """The row that has this id, or has had it."""
        rows = cls.objects.filter(source=source_id)
        found = rows.filter(external_id=external_id).order_by("pk").first()
        return found or rows.filter(aliases__external_id=external_id).order_by("pk").first()

    @classmethod
    def first_state(cls, source: Source) -> str:
        return cls.State.WAITING if source.asks_first else cls.State.ON

    def state_of(self, topic: str) -> str:
        """Whether the topic is read: by what was decided about it, or like its chat."""
        own = self._topic(topic)
        return self.state if own is None or own.state == Topic.State.INHERIT else own.state

    def project_of(self, topic: str) -> Project:
        """Where messages of the topic go."""
        own = self._topic(topic)
        return (own and own.project) or self.project or self.source.project

    def _topic(self, external_id: str) -> "Topic | None":
        topics = (topic for topic in self.topics.all() if topic.external_id == external_id)
        return next(topics, None)

    # Properties

    @property
    def language_of_answers(self) -> str:
        return self.language or (self.project or self.source.project).language

    @property
    def reference(self) -> ChatReference:
        """As its platform names it."""
        return ChatReference(external_id=self.external_id, title=self.title)

    @property
    def is_monitored(self) -> bool:
        return self.state == self.State.ON

    @property
    def project_id_of_messages(self) -> int:
        return self.project_id or self.source.project_id


class Topic(models.Model):
    """A part of a forum; what is not decided about it goes as its chat goes."""

    class State(models.TextChoices):
        INHERIT = "inherit", _("Like the chat")
        ON = "on", _("Read")
        OFF = "off", _("Left alone")

    chat = models.ForeignKey(Chat, models.CASCADE, verbose_name=_("chat"), related_name="topics")
    external_id = models.CharField(
        _("id at the platform"),
        max_length=200,
        blank=True,
        default="",
        help_text=_("Empty: what is in no topic, “General” in Telegram."),
    )
    title = models.CharField(_("title"), max_length=200, blank=True, default="")
    state = models.CharField(_("reading"), max_length=10, choices=State, default=State.INHERIT)
    project = models.ForeignKey(
        Project,
        models.SET_NULL,
        verbose_name=_("routed to"),
        related_name="routed_topics",
        null=True,
        blank=True,
        help_text=_("Empty: like the chat."),
    )

    class Meta:
        verbose_name = _("topic")
        verbose_name_plural = _("topics")
        ordering = ["title", "external_id"]
        constraints = [
            models.UniqueConstraint(fields=["chat", "external_id"], name="one_topic_per_chat")
        ]

    def __str__(self) -> str:
        return self.title or self.external_id or str(_("General"))

    # Factories

    @classmethod
    def known(cls, chat: Chat, external_id: str, title: str) -> Self:
        """The topic's row; a chat that has one also has the part that is in none."""
        if external_id:
            cls.objects.get_or_create(chat=chat, external_id="")
        topic, is_new = cls.objects.get_or_create(
            chat=chat, external_id=external_id, defaults={"title": title}
        )
        if not is_new and title and title != topic.title:
            topic.title = title
            topic.save(update_fields=["title"])
        return topic

    # Mutators

    def take_from(self, other: "Topic") -> None:
        """What is decided about the other one, which goes, and not about this one."""
        if self.state == self.State.INHERIT:
            self.state = other.state
        self.project_id = self.project_id or other.project_id
        self.save(update_fields=["state", "project"])
        other.delete()


class ChatAlias(models.Model):
    """An id that a chat had before: its older messages and some of the platform's answers have it."""

    source = models.ForeignKey(Source, models.CASCADE, related_name="+")
    chat = models.ForeignKey(Chat, models.CASCADE, related_name="aliases")
    external_id = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="one_chat_per_alias")
        ]

    def __str__(self) -> str:
        return self.external_id


def _is_of_somebody_kept_out(source: Source, reference: ChatReference) -> bool:
    """A private chat has the number and the name of its person."""
    person = (source.pk, reference.external_id)
    author = Author.among([person]).get(person) if reference.kind == "private" else None
    return author is not None and author.opted_out_at is not None


def _hand_over(relation: models.ManyToOneRel, gone: Chat, kept: Chat) -> None:
    """Rows of the chat that goes; what the other one has too goes with it."""
    name = relation.field.name
    rows = relation.related_model._default_manager.filter(**{name: gone})
    try:
        with transaction.atomic():
            rows.update(**{name: kept})
    except IntegrityError:
        for row in rows:
            try:
                with transaction.atomic():
                    rows.filter(pk=row.pk).update(**{name: kept})
            except IntegrityError:
                continue
