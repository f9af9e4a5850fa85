"""Store arriving envelopes: one transaction per batch, poison to the dead letters, each once."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import DatabaseError, OperationalError, transaction
from django.db.models import Exists, Max, OuterRef, Q, Subquery, prefetch_related_objects
from django.db.models.functions import Coalesce, Now

from apps.messages.held import status_at_the_door
from apps.messages.models import WORDING, ChatCommand, EarlyDeletion, Message
from apps.messages.notices import heed
from apps.messages.quotes import without_quotes_of_absent
from apps.sources.adapters.base import reason_of
from apps.sources.envelope import Envelope, Notice, read, wording_of
from apps.sources.intake import ARCHIVE
from apps.sources.models import Author, Chat, ChatAlias, DeadLetter, Source

logger = logging.getLogger(__name__)

#: SQLSTATE classes of troubles that no envelope causes: lost connections, rollbacks and deadlocks,
#: no room, locks, an operator who ends sessions, the system around PostgreSQL.
PASSING = frozenset({"08", "40", "53", "55", "57", "58"})


@dataclass(frozen=True)
class Arrival:
    """One delivery as bytes; `sequence` is its number in the stream."""

    data: bytes
    subject: str = ""
    sequence: int | None = None

    @property
    def is_from_archive(self) -> bool:
        return self.subject.endswith(f".{ARCHIVE}")


@dataclass(frozen=True)
class IngestResult:
    stored: int = 0
    duplicates: int = 0
    dead: int = 0
    ignored: int = 0  # from chats that nobody wants to be read, and of people who opted out
    noticed: int = 0  # no messages, but what happened to them and to chats, and commands


def ingest(arrivals: Sequence[Arrival]) -> IngestResult:
    """Store a batch and return after its commit; raises DatabaseError when PostgreSQL is in trouble.

    A batch that PostgreSQL refuses is tried again one by one, so that poison goes alone.
    """
    try:
        return _ingest(arrivals)
    except DatabaseError as error:
        if _will_pass(error):
            raise
        if len(arrivals) == 1:
            _bury(arrivals[0], "PostgreSQL refused the envelope")
            return IngestResult(dead=1)
    results = [ingest([arrival]) for arrival in arrivals]
    return IngestResult(
        *(sum(getattr(result, name) for result in results) for name in IngestResult.__annotations__)
    )


def store(envelope: Envelope) -> tuple[Message, bool]:
    """Store one envelope directly; the message and whether it is new."""
    result = _ingest([Arrival(envelope.to_bytes(), envelope.subject)])
    revisions = Message.objects.annotate(wording=WORDING).filter(
        source_id=envelope.source_id, external_id=envelope.external_id, edit=envelope.edit
    )
    return revisions.get(wording=envelope.wording), result.stored == 1


@transaction.atomic
def _ingest(arrivals: Sequence[Arrival]) -> IngestResult:
    delivered, dead = _read(arrivals)
    readable = [item for _arrival, item in delivered]
    _hold_until_commit(readable)
    arrived = [item for item in readable if isinstance(item, Envelope)]
    notices = [item for item in readable if isinstance(item, Notice)]
    # Else what is said in a supergroup at once would be of a chat that nobody has said yes to.
    for notice in notices:
        if notice.notice == "moved":
            heed(notice)
    chats = _chats(arrived)
    archived = {item.message_id for arrival, item in delivered if arrival.is_from_archive}
    for envelope in arrived:
        if not (envelope.is_history or envelope.message_id in archived):
            _note_presence(chats[_chat_key(envelope)])
    commands = [envelope for envelope in arrived if ChatCommand.is_one(envelope)]
    for envelope in commands:
        ChatCommand.take(envelope, chats[_chat_key(envelope)])
    envelopes = [envelope for envelope in arrived if not ChatCommand.is_one(envelope)]
    rows = []
    admitted = without_quotes_of_absent(Author.admitted(envelopes))
    for envelope in sorted(admitted, key=lambda item: (item.sent_at, item.edit)):
        chat = chats[_chat_key(envelope)]
        from_archive = envelope.message_id in archived
        status = status_at_the_door(envelope, chat, from_archive=from_archive)
        if status is not None:
            rows.append(Message.from_envelope(envelope, chat, status))
    stored = _insert(rows)
    _supersede(stored)
    _mark_deleted(stored)
    _connect_replies(stored)
    Source.objects.filter(pk__in={row.source_id for row in stored}).update(last_seen_at=Now())
    received = [row.pk for row in stored if row.status == Message.Status.RECEIVED]
    Message.announce(received, Message.Status.RECEIVED, is_new=True)
    for notice in notices:
        if notice.notice != "moved":
            heed(notice)
    return IngestResult(
        stored=len(stored),
        duplicates=len(rows) - len(stored),
        dead=dead,
        ignored=len(envelopes) - len(rows),
        noticed=len(notices) + len(commands),
    )


def _read(arrivals: Iterable[Arrival]) -> tuple[list[tuple[Arrival, Envelope | Notice]], int]:
    """What is readable and of a known source; the rest is buried."""
    readable: list[tuple[Arrival, Envelope | Notice]] = []
    dead = 0
    for arrival in arrivals:
        try:
            readable.append((arrival, read(arrival.data)))
        except ValueError as error:
            _bury(arrival, reason_of(error))
            dead += 1
    known = set(
        Source.objects.filter(pk__in={envelope.source_id for _, envelope in readable}).values_list(
            "pk", flat=True
        )
    )
    delivered = []
    for arrival, envelope in readable:
        if envelope.source_id in known:
            delivered.append((arrival, envelope))
        else:
            _bury(arrival, f"no source with id {envelope.source_id}")
            dead += 1
    return delivered, dead


def _hold_until_commit(readable: Iterable[Envelope | Notice]) -> None:
    """One batch of a source at a time, and nobody says yes or no to its chats meanwhile.

    Else neither of two ingesters would see what the other stores, and so an original could stand beside
    its edit. Sources before chats, each by number: whoever moves or settles chats keeps this order, too.
    """
    sources = {item.source_id for item in readable}
    names = {item.chat.external_id for item in readable}
    held = Source.objects.filter(pk__in=sources).order_by("pk").select_for_update(no_key=True)
    list(held.values_list("pk", flat=True))
    aliases = ChatAlias.objects.filter(source__in=sources, external_id__in=names)
    known = Q(external_id__in=names) | Q(pk__in=aliases.values("chat"))
    chats = Chat.objects.filter(known, source__in=sources)
    list(chats.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))


def _bury(arrival: Arrival, reason: str) -> None:
    logger.warning("dead letter %s #%s: %s", arrival.subject, arrival.sequence, reason)
    source_id = arrival.subject.removeprefix("chat.").partition(".")[0]  # "chat.7.archive"
    source = (
        Source.objects.filter(pk=int(source_id)).first()
        if source_id.isdecimal() and len(source_id) < 18
        else None
    )
    letter = {"source": source, "payload": arrival.data, "reason": reason}
    if arrival.sequence is None:
        DeadLetter.objects.create(subject=arrival.subject, **letter)
    else:
        DeadLetter.objects.get_or_create(
            subject=arrival.subject, sequence=arrival.sequence, defaults=letter
        )


def _note_presence(chat: Chat) -> None:
    """A bot that hears a group is there, also when nobody has told us since when."""
    if chat.source.asks_first and not chat.bot_role and chat.kind != "private":
        chat.bot_role = "member"  # without a moment: whatever is told of it counts more
        chat.save(update_fields=["bot_role"])


def _chat_key(envelope: Envelope) -> tuple[int, str]:
    return envelope.source_id, envelope.chat.external_id


def _chats(envelopes: Iterable[Envelope]) -> dict[tuple[int, str], Chat]:
    latest = {_chat_key(envelope): envelope for envelope in envelopes}
    sources = Source.objects.select_related("project").defer("config")
    by_id = sources.in_bulk({source_id for source_id, _ in latest})
    known = {key: Chat.known(by_id[key[0]], latest[key].chat) for key in sorted(latest)}
    prefetch_related_objects(list(known.values()), "project", "topics__project")
    for envelope in envelopes:
        if envelope.topic_title:
            known[_chat_key(envelope)].learn_topic(envelope.topic, envelope.topic_title)
    return known


def _insert(rows: list[Message]) -> list[Message]:
    """Insert what is new with one statement; rows that came back with an id that is theirs."""
    keys = {_key(row): row for row in rows}
    if not keys:
        return []
    before = Message.objects.aggregate(last=Max("pk"))["last"] or 0
    Message.objects.bulk_create(keys.values(), ignore_conflicts=True)
    # ON CONFLICT DO NOTHING gives no ids back: look the fresh ones up by their keys.
    by_source: dict[int, list[str]] = {}
    for source_id, external_id, *_ in keys:
        by_source.setdefault(source_id, []).append(external_id)
    condition = Q()
    for source_id, external_ids in by_source.items():
        condition |= Q(source_id=source_id, external_id__in=external_ids)
    fresh = Message.objects.filter(condition, pk__gt=before).order_by("pk")
    return [row for row in fresh if _key(row) in keys]


def _key(row: Message) -> tuple[int, str, int, str]:
    return row.source_id, row.external_id, row.edit, wording_of(row.edit, row.text)


def _supersede(stored: Sequence[Message]) -> None:
    """Of several revisions of a message only the latest stands."""
    newer = Message.objects.filter(
        source_id=OuterRef("source_id"),
        external_id=OuterRef("external_id"),
    ).filter(Q(edit__gt=OuterRef("edit")) | Q(edit=OuterRef("edit"), pk__gt=OuterRef("pk")))
    Message.objects.filter(
        Exists(newer),
        source_id__in={row.source_id for row in stored},
        external_id__in={row.external_id for row in stored},
        is_superseded=False,
    ).update(is_superseded=True)


def _mark_deleted(stored: Sequence[Message]) -> None:
    """What was deleted before it came, and a late edit of what is deleted."""
    early = EarlyDeletion.objects.filter(
        source_id=OuterRef("source_id"), external_id=OuterRef("external_id")
    )
    other = Message.objects.filter(
        source_id=OuterRef("source_id"), external_id=OuterRef("external_id")
    ).exclude(deleted_at=None)
    Message.objects.filter(
        Exists(early) | Exists(other), pk__in=[row.pk for row in stored], deleted_at=None
    ).update(
        deleted_at=Coalesce(
            Subquery(other.values("deleted_at")[:1]), Subquery(early.values("happened_at")[:1])
        )
    )


def _connect_replies(stored: Sequence[Message]) -> None:
    """Point replies at the rows that they answer, also when the answer was stored first."""
    target = Message.objects.filter(
        source_id=OuterRef("source_id"), external_id=OuterRef("reply_to_external_id")
    ).order_by("-edit", "-pk")
    waiting = Message.objects.filter(
        Q(pk__in=[row.pk for row in stored])
        | Q(
            source_id__in={row.source_id for row in stored},
            reply_to_external_id__in={row.external_id for row in stored},
        ),
        reply_to=None,
    ).exclude(reply_to_external_id="")
    waiting.update(reply_to=Subquery(target.values("pk")[:1]))


def _will_pass(error: DatabaseError) -> bool:
    """Whether the same batch may be stored later: the database is in trouble, not the envelope."""
    state = getattr(error.__cause__, "sqlstate", None)
    if state is None:  # the connection is gone, or the value never got so far
        return isinstance(error, OperationalError)
    return state[:2] in PASSING
