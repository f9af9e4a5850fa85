"""Writes plain text into a chat, through the adapter of the chat's source."""

from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from apps.sources.adapters import able_to
from apps.sources.adapters.base import Button, Moved, reason_of
from apps.sources.models import Chat, Project
from tasktracker.lib.workflow import GiveUp

MORE = "…"


def senders() -> list[str]:
    """Kinds of sources whose chats can be written to."""
    return able_to("send")


def why_not(chat: Chat | None, project: Project) -> str:
    """What keeps the project from writing into the chat, in a sentence; empty when nothing does."""
    if chat is None:
        return _("No chat is chosen.")
    if chat.project_id_of_messages != project.pk:
        return _("The chat belongs to another project.")
    if chat.source.kind not in senders():
        return _("Nothing can be posted to chats of this source.")
    if not chat.source.is_active:
        return _("The source of the chat is switched off.")
    if chat.is_muted:
        return _("The people of the chat want the bot to be quiet there.")
    return ""


def post(
    chat: Chat, text: str, *, topic: str = "", reply_to: str = "", button: Button | None = None
) -> str:
    """Post the text, cut to what the platform takes; the message's id. Raises TryLater and GiveUp.

    When the platform says that the chat has another id, the chat has that one afterwards.
    """
    adapter = adapter_of(chat)
    wanted = fitting(text, adapter.longest_text)
    given: dict[str, Any] = {"topic": topic, "reply_to": reply_to, "button": button}
    how = {name: value for name, value in given.items() if value}
    try:
        message_id: str = adapter.send(chat.external_id, wanted, api_url=chat.source.api_url, **how)
    except Moved as moved:
        Chat.move(chat.source, chat.reference, moved.to)
        chat.external_id = moved.to
        message_id = adapter.send(moved.to, wanted, api_url=chat.source.api_url, **how)
    return message_id


def adapter_of(chat: Chat) -> Any:
    """Raises GiveUp when the settings of the source do not fit."""
    try:
        return chat.source.adapter()
    except ValueError as error:
        raise GiveUp(
            _("The settings of the source do not fit: %(reason)s") % {"reason": reason_of(error)}
        ) from error


def button_to(chat: Chat, label: str, path: str) -> Button | None:
    """A link to a page of ours, where ours can be reached from outside."""
    base = str(getattr(settings, "WEBHOOK_BASE_URL", "")).rstrip("/")
    if not base.startswith("https://"):
        return None
    # Telegram takes buttons that open inside of it in private chats only.
    return Button(label, f"{base}{path}", is_app=chat.kind == "private")


def fitting(text: str, limit: int) -> str:
    """Whole lines, at most `limit` UTF-16 units of them; the first line is cut when it must be."""
    if _units(text) <= limit:
        return text
    kept, left = [], limit - 2
    for line in text.split("\n"):
        left -= _units(line) + 1
        if left < 0:
            break
        kept.append(line)
    if kept:
        return "\n".join([*kept, MORE])
    return text.encode("utf-16-le")[: (limit - 1) * 2].decode("utf-16-le", "ignore") + MORE


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
