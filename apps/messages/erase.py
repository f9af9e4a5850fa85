"""The messages of a person who is forgotten go, and with them whatever hangs on their rows."""

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.db.models import Q, QuerySet

from apps.messages.models import ChatCommand, Message
from apps.sources.models import Author, Erasure
from tasktracker.lib import embeddings, vector_cache

AT_ONCE = 200
GONE = {"left_out": "it quoted a message that was erased"}


def messages_of(author: Author) -> QuerySet[Message]:
    """What this person wrote, in every wording, and what others forwarded of it."""
    said = Q(author_id=author.external_id)
    if author.external_id.isdecimal():
        said |= Q(raw__forward_origin__sender_user__id=int(author.external_id))
    return Message.objects.filter(said, source=author.source_id)


def erase(erasure: Erasure) -> None:
    """Batch by batch; whoever goes on after a crash finds fewer. Issues come first, again if need be."""
    theirs = messages_of(erasure.author)
    # By the name of the relation: issues belong to the next app.
    if theirs.filter(evidence__isnull=False).exists():
        erasure.move_to(Erasure.Status.ISSUES)
        return
    while rows := list(theirs.order_by("pk")[:AT_ONCE]):
        with transaction.atomic():
            _erase(rows, erasure)
    commands = ChatCommand.objects.filter(
        source=erasure.author.source_id, author_id=erasure.author.external_id
    )
    commands.update(author="", argument="")
    # One that waits has still to be obeyed: `/optin` by somebody who was just forgotten.
    commands.exclude(status=ChatCommand.Status.WAITING).update(author_id="")
    erasure.move_to(Erasure.Status.COPIES)


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
