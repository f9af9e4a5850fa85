"""The last step of forgetting a person: the copies that are kept for a while."""

from apps.messages.erase import messages_of
from apps.sources.avatars import forget_picture
from apps.sources.erase import erase_dead_letters, erase_names
from apps.sources.models import Erasure
from tasktracker.realtime.broadcast import publish
from tasktracker.realtime.events import EventType, StatsData
from tasktracker.realtime.models import Event


def erase(erasure: Erasure) -> None:
    """Live events and dead letters; browsers are told to ask for the numbers again."""
    author = erasure.author
    if messages_of(author).exists():  # stored by who had looked before the door was closed
        erasure.move_to(Erasure.Status.ISSUES)
        return
    # An event knows its author by name only; those of a namesake are gone from the catch-up, no more.
    messages = Event.objects.filter(
        data__source_id=author.source_id, data__author__in=erasure.names
    )
    tasks = Event.objects.filter(
        type__in=[EventType.TASK_CREATED, EventType.TASK_UPDATED], data__id__in=erasure.issues
    )
    messages.delete()
    tasks.delete()
    erase_dead_letters(author)
    erase_names(author)
    forget_picture(author.source_id, author.external_id)
    project = author.source.project
    told = StatsData(project=project.slug, reason="forgotten", count=erasure.erased)
    publish(project.pk, EventType.STATS, told)
    erasure.move_to(Erasure.Status.DONE, names=[])
