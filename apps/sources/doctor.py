"""Examines a source: everything that can be wrong between its platform and us, each with its remedy."""

from apps.sources.adapters import able_to
from apps.sources.adapters.base import Finding, Surroundings, reason_of
from apps.sources.collect import is_listened_to
from apps.sources.models import Source, Webhook
from apps.sources.monitored_groups import groups
from tasktracker.lib import loop
from tasktracker.lib.workflow import GiveUp

LOOK = 10.0  # seconds for a question to our own database


def kinds() -> list[str]:
    """Kinds of sources that can be examined."""
    return able_to("examine")


def examine(source: Source) -> list[Finding]:
    """What is so, and what is wrong; raises GiveUp when the settings of the source do not fit."""
    try:
        adapter = source.adapter()
    except ValueError as error:
        raise GiveUp(reason_of(error)) from error
    around = Surroundings(
        wanted_url=Webhook.of(source).wanted_url,
        chats=[(chat.external_id, str(chat)) for chat in groups(source)],
        is_listened_to=loop.run(is_listened_to(source.kind, adapter), timeout=LOOK),
        last_error=source.last_error,
    )
    found: list[Finding] = adapter.examine(around, api_url=source.api_url)
    return found
