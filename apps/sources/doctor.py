"""Examines a source: everything that can be wrong between its platform and us, each with its remedy."""

import logging
from typing import Any

import psycopg

from apps.sources.adapters import able_to
from apps.sources.adapters.base import Finding, Surroundings, reason_of
from apps.sources.collect import is_listened_to
from apps.sources.models import Source, Webhook
from apps.sources.monitored_groups import groups
from tasktracker.lib import loop
from tasktracker.lib.workflow import GiveUp

logger = logging.getLogger(__name__)

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
        is_listened_to=_is_listened_to(source.kind, adapter),
        last_error=source.last_error,
    )
    found: list[Finding] = adapter.examine(around, api_url=source.api_url)
    return found


def _is_listened_to(kind: str, adapter: Any) -> bool:
    """Who cannot tell takes it for so: a question of ours beside a collector's would end that one's."""
    try:
        return loop.run(is_listened_to(kind, adapter), timeout=LOOK)
    except (psycopg.Error, TimeoutError) as error:
        logger.warning("who listens to %s is not known: %s", kind, type(error).__name__)
        return True
