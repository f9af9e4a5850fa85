"""Hand an envelope to JetStream. After this returns, the message is safe."""

import logging
from collections.abc import Iterable
from functools import partial
from uuid import uuid4

from asgiref.sync import sync_to_async
from django.dispatch import Signal

from apps.sources.adapters.base import Adapter, Payload, Unreadable
from apps.sources.envelope import Envelope, Notice
from apps.sources.models import DeadLetter
from tasktracker.lib import bus
from tasktracker.lib.afterwards import Afterwards
from tasktracker.lib.direct import with_database

logger = logging.getLogger(__name__)

ARCHIVE = "archive"  # ends the subject of what comes from an archive

#: Sent with `envelopes` as soon as JetStream has them; their rows do not exist yet.
envelopes_accepted = Signal()


def accept(envelope: Envelope | Notice, *, again: bool = False) -> None:
    """Raise BusUnavailable when JetStream did not acknowledge: the sender must keep the message.

    `again` says that JetStream may have had it before and shall not take it for a repeat.
    """
    bus.publish(envelope.subject, envelope.to_bytes(), message_id=_message_id(envelope, again))
    _tell([envelope])


async def accept_async(envelope: Envelope | Notice, *, again: bool = False) -> None:
    """The same for a caller with an event loop."""
    await _publish(envelope, again=again)
    await sync_to_async(_tell)([envelope])


async def accept_archived(envelope: Envelope) -> None:
    """One of an archive, which JetStream takes each time and keeps no longer than until it is stored.

    Nobody tells an archive's messages one by one; those that shall count as live ones are told.
    """
    await bus.publish_async(f"{envelope.subject}.{ARCHIVE}", envelope.to_bytes(), message_id="")
    if not envelope.is_history:
        telling.do(envelope)


def forget_stored_archives() -> None:
    """The stream keeps seven days of messages; archives would fill it, and their files are there."""
    bus.forget_acknowledged(f"chat.*.{ARCHIVE}")


async def take(payloads: Iterable[Payload], *, kind: str, adapter: Adapter) -> None:
    """Accept the messages of what a platform said, in its order; bury what cannot be read.

    The platform's answer waits for JetStream only, and not for those who are told.
    """
    for payload in payloads:
        try:
            envelopes = adapter.envelopes(payload.data)
        except Unreadable as error:
            # To refuse it would bring it again and again, and hold back what comes after it.
            bury = partial(
                DeadLetter.bury_update,
                number=payload.number,
                payload=payload.data,
                reason=str(error),
            )
            await with_database(bury, (kind, adapter.source_id))
            continue
        for envelope in envelopes:
            await _publish(envelope, again=False)
            telling.do(envelope)


async def _publish(envelope: Envelope | Notice, *, again: bool) -> None:
    message_id = _message_id(envelope, again)
    await bus.publish_async(envelope.subject, envelope.to_bytes(), message_id=message_id)


def _message_id(envelope: Envelope | Notice, again: bool) -> str:
    # JetStream drops a known id for a day; what PostgreSQL has not stored must get through.
    return f"{envelope.message_id}/{uuid4()}" if again else envelope.message_id


def _tell(accepted: Iterable[Envelope | Notice]) -> None:
    envelopes = [item for item in accepted if isinstance(item, Envelope)]
    if not envelopes:
        return
    for receiver, outcome in envelopes_accepted.send_robust(sender=Envelope, envelopes=envelopes):
        if isinstance(outcome, Exception):
            logger.warning("%s failed: %s", receiver, outcome)


#: Browsers hear of what is left out when its row is there.
telling: Afterwards[Envelope | Notice] = Afterwards("telling of new messages", _tell, limit=1000)
