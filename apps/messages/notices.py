"""Act on what a platform tells besides messages. Said twice or too early, it does no harm."""

from django.db.models import QuerySet

from apps.messages.models import Message
from apps.sources.envelope import Notice


def heed(notice: Notice) -> None:
    """Do what the notice asks for; what nobody here needs is left alone."""
    if notice.notice == "deleted":
        _mark_deleted(notice)


def _mark_deleted(notice: Notice) -> None:
    """The words stay, because an issue may stand on them, and people see that they are gone there."""
    _revisions(notice).filter(deleted_at=None).update(deleted_at=notice.happened_at)


def _revisions(notice: Notice) -> QuerySet[Message]:
    return Message.objects.filter(source_id=notice.source_id, external_id=notice.message)
