"""What is kept of a chat that nobody has said yes to: read after the yes, deleted after a no."""

from apps.messages.models import Message
from apps.messages.models.command import KIND
from apps.sources.envelope import Envelope
from apps.sources.models import Chat


def status_at_the_door(envelope: Envelope, chat: Chat, *, from_archive: bool = False) -> str | None:
    """The status to store it with; None for what is not stored.

    An archive that somebody imports is read unless the chat is to be left alone, also when its messages
    shall count as live ones.
    """
    state = chat.state_of(envelope.topic)
    is_imported = envelope.is_history or from_archive
    if state == Chat.State.WAITING and not is_imported:
        return Message.Status.HELD if chat.project_of(envelope.topic).keeps_waiting else None
    if state == Chat.State.OFF:
        return None
    # A command that is not ours is for another program, and reports nothing.
    return Message.Status.NOISE if envelope.kind == KIND else Message.Status.RECEIVED


def settle(chat: Chat) -> None:
    """Read what was decided to be read, delete what is to be left alone; the rest goes on waiting."""
    chat = Chat.objects.select_related("project", "source__project").get(pk=chat.pk)
    held = Message.objects.filter(chat=chat, status=Message.Status.HELD)
    for topic in set(held.order_by().values_list("topic", flat=True).distinct()):
        rows = held.filter(topic=topic)
        state = chat.state_of(topic)
        if state == Chat.State.OFF:
            rows.delete()
        elif state == Chat.State.ON:
            Message.move_many(
                rows.values_list("pk", flat=True),
                Message.Status.HELD,
                Message.Status.RECEIVED,
                project=chat.project_of(topic),
            )
