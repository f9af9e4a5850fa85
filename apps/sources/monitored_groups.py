"""The groups of a source that are monitored: listed, added, taken off, named as the platform names them."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from apps.sources.adapters import ADAPTERS
from apps.sources.models import Chat, Source
from tasktracker.lib.plugins import load
from tasktracker.lib.workflow import GiveUp, TryLater


def groups(source: Source) -> list[Chat]:
    """Monitored groups and channels by their number; private talks are none."""
    chats = Chat.objects.filter(source=source, state=Chat.State.ON, external_id__startswith="-")
    return sorted(
        (chat for chat in chats if chat.external_id[1:].isdigit()),
        key=lambda chat: int(chat.external_id),
        reverse=True,
    )


def add(source: Source, number: int) -> Chat:
    """Monitor the group; one that is there already stays as it is."""
    external_id, title = _known_as(source, number)
    chat, is_new = Chat.find(source.pk, external_id), False
    if chat is None:
        chat, is_new = Chat.objects.get_or_create(
            source=source,
            external_id=external_id,
            defaults={"title": title, "state": Chat.State.ON},
        )
    if not is_new:
        _keep(chat, title=chat.title or title)
        Chat.settle(Chat.objects.filter(pk=chat.pk), Chat.State.ON)
    return chat


def take_off(source: Source, number: int) -> None:
    """Monitor it no longer, by any of its numbers; one that nobody knows is no error."""
    numbers = {str(number), _in_full(source, number)}
    called = Q(external_id__in=numbers) | Q(aliases__external_id__in=numbers)
    chats = Chat.objects.filter(called, source=source, state=Chat.State.ON)
    Chat.settle(chats, Chat.State.OFF)


def replace(source: Source, numbers: Iterable[int]) -> None:
    """Monitor these groups and no others."""
    wanted = {add(source, number).pk for number in numbers}
    others = [chat.pk for chat in groups(source) if chat.pk not in wanted]
    Chat.settle(Chat.objects.filter(pk__in=others), Chat.State.OFF)


def refresh_names(source: Source) -> None:
    """Take over the platform's names; where it does not tell, the old one stays."""
    adapter = _adapter(source)
    for chat in groups(source):
        if title := _title(adapter, source, chat.external_id):
            _keep(chat, title=title)


def _known_as(source: Source, number: int) -> tuple[str, str]:
    """The number that the platform knows the group by, and its name; as typed where nobody can tell."""
    typed, full = str(number), _in_full(source, number)
    known = Chat.find(source.pk, typed) or Chat.find(source.pk, full)
    if known is not None and known.title:
        return known.external_id, known.title
    adapter = _adapter(source)
    for candidate in (typed, full):
        title = _title(adapter, source, candidate)
        if title is not None:
            return candidate, title
    return known.external_id if known is not None else full, ""


def _in_full(source: Source, number: int) -> str:
    """The number as the platform's interface has it, whichever of its programs it was copied from."""
    plugin = load(ADAPTERS, source.kind)
    typed = str(number)
    return str(plugin.chat_id_in_full(typed)) if hasattr(plugin, "chat_id_in_full") else typed


def _title(adapter: Any, source: Source, external_id: str) -> str | None:
    if adapter is None:
        return None
    try:
        title: str | None = adapter.chat_title(external_id, api_url=source.api_url)
    except (GiveUp, TryLater):
        return None
    return title[:200] if title else title


def _keep(chat: Chat, **values: Any) -> None:
    for name, value in values.items():
        setattr(chat, name, value)
    chat.save(update_fields=list(values))


def _adapter(source: Source) -> Any:
    """The plug-in that knows names; None when the settings of the source do not fit."""
    try:
        adapter = source.adapter()
    except ValueError:
        return None
    return adapter if hasattr(adapter, "chat_title") else None
