"""Chats that wait for somebody's yes."""

from django.db.models import Exists, OuterRef, QuerySet

from apps.sources.models import Chat


def waiting_chats() -> QuerySet[Chat]:
    """Those in which somebody may be heard; what only archives name asks for no yes.

    Of a chat that waits nothing but archives is read, and where messages came in live the bot has a role.
    """
    # The next app, not imported here.
    messages = Chat._meta.get_field("messages").related_model._default_manager
    read = messages.filter(chat=OuterRef("pk")).exclude(status="held")
    waiting = Chat.objects.filter(state=Chat.State.WAITING)
    return waiting.exclude(Exists(read), bot_role="")
