"""The messages of a person who is forgotten go, and with them whatever hangs on their rows."""

from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q, QuerySet

from apps.messages.models import ChatCommand, Message
from apps.sources.models import Author, Erasure, Source
from tasktracker.lib import embeddings, vector_cache

AT_ONCE = 200
GONE = {"left_out": "it quoted a message that was erased"}


def messages_of(author: Author) -> QuerySet[Message]:
    """What this person wrote, in every wording, and what others forwarded of it."""
    said = Q(author_id=author.external_id)
    said |= Q(raw__attachments__contains=[{"is_share": True, "author_id": author.external_id}])
    if author.external_id.isdecimal():
        number = int(author.external_id)
        said |= Q(raw__forward_origin__sender_user__id=number)
        said |= Q(raw__forward_from__id=number)  # before Bot API 7.0
        said |= Q(raw__forwarded_from_id=f"user{number}")  # in an export
    return Message.objects.filter(said, source=author.source_id)


def erase(erasure: Erasure) -> None:
    """Batch by batch; whoever goes on after a crash finds fewer. Issues come first, again if need be."""
    theirs = messages_of(erasure.author)
    while _erase_some(theirs, erasure):
        pass
    if erasure.status != Erasure.Status.MESSAGES:
        return
    commands = ChatCommand.objects.filter(
        source=erasure.author.source_id, author_id=erasure.author.external_id
    )
    commands.update(author="", argument="")
    # One that waits has still to be obeyed: `/optin` by somebody who was just forgotten.
    commands.exclude(status=ChatCommand.Status.WAITING).update(author_id="")
    erasure.move_to(Erasure.Status.COPIES)


@transaction.atomic
def erase_since(author: Author, moment: datetime) -> None:
    """What came in live between a person's wish and its fulfilment; what an issue holds by now stays.

    Batches of the source wait meanwhile, so that whatever comes in next meets the closed door.
    """
    list(Source.objects.filter(pk=author.source_id).select_for_update(no_key=True).values("pk"))
    theirs = Message.objects.filter(
        source=author.source_id, author_id=author.external_id, sent_at__gt=moment
    )
    unfiled = theirs.filter(evidence=None, filings=None).select_for_update(of=("self",))
    rows = list(unfiled.order_by("pk"))
    vector_cache.forget(embeddings.model_name(), {row.text for row in rows})
    Message.objects.filter(pk__in=[row.pk for row in rows]).delete()


@transaction.atomic
def _erase_some(theirs: QuerySet[Message], erasure: Erasure) -> bool:
    """Whether to go on. Whoever files one of the locked rows waits, and then finds it gone."""
    rows = list(theirs.order_by("pk").select_for_update()[:AT_ONCE])
    if not rows:
        return False
    if _is_filed(rows, erasure):
        erasure.move_to(Erasure.Status.ISSUES)
        return False
    _erase(rows, erasure)
    return True


def _is_filed(rows: list[Message], erasure: Erasure) -> bool:
    """Whether an issue holds their words. By the names of the relations: issues belong to the next app."""
    locked = Message.objects.filter(pk__in=[row.pk for row in rows])
    filed = locked.exclude(filings=None).values_list("filings__issue", flat=True)
    return locked.exclude(evidence=None).exists() or not {*filed} <= {*erasure.issues}


def _erase(rows: list[Message], erasure: Erasure) -> None:
    ids = [row.pk for row in rows]
    Message.objects.filter(
        source=erasure.author.source_id,
        reply_to_external_id__in={row.external_id for row in rows},
    ).exclude(pk__in=ids).update(quote="", raw=GONE)
    kind = ContentType.objects.get_for_model(Message)
    LogEntry.objects.filter(content_type=kind, object_id__in=map(str, ids)).update(
        object_repr="", change_message=""
    )
    vector_cache.forget(embeddings.model_name(), {row.text for row in rows})
    Message.objects.filter(pk__in=ids).delete()
    erasure.note(names={row.author for row in rows}, erased=len(ids))
