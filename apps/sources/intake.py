"""Hand an envelope to JetStream. After this returns, the message is safe."""

import logging

from asgiref.sync import sync_to_async
from django.dispatch import Signal

from apps.sources.envelope import Envelope
from tasktracker.lib import bus

logger = logging.getLogger(__name__)

#: Sent with `envelope` as soon as JetStream has it; the row does not exist yet.
envelope_accepted = Signal()


def accept(envelope: Envelope) -> None:
    """Raise BusUnavailable when JetStream did not acknowledge: the sender must keep the message."""
    bus.publish(envelope.subject, envelope.to_bytes(), message_id=envelope.message_id)
    _tell(envelope)


async def accept_async(envelope: Envelope) -> None:
    """The same for a caller with an event loop."""
    await bus.publish_async(envelope.subject, envelope.to_bytes(), message_id=envelope.message_id)
    await sync_to_async(_tell)(envelope)


def _tell(envelope: Envelope) -> None:
    for receiver, outcome in envelope_accepted.send_robust(sender=Envelope, envelope=envelope):
        if isinstance(outcome, Exception):
            logger.warning("%s failed: %s", receiver, outcome)
