"""Try a dead letter again: after a fix, a person sends it through the front door."""

import json
from collections.abc import Sequence

from django.utils import timezone
from django.utils.translation import gettext as _

from apps.sources.adapters.base import reason_of
from apps.sources.envelope import Envelope, Notice
from apps.sources.intake import accept
from apps.sources.models import DeadLetter, Source


class StillUnreadable(ValueError):
    """The dead letter cannot be read today either; the text says why."""


def replay(letter: DeadLetter) -> int:
    """Hand what it holds to JetStream and return how many messages that were.

    Raise StillUnreadable, or BusUnavailable when JetStream does not acknowledge.
    """
    envelopes = _read(letter)
    for envelope in envelopes:
        accept(envelope, again=True)
    letter.replayed_at = timezone.now()
    letter.save(update_fields=["replayed_at"])
    return len(envelopes)


def _read(letter: DeadLetter) -> Sequence[Envelope | Notice]:
    kind, _dot, _number = letter.subject.partition(".")
    try:
        if kind == "chat" or not letter.subject:
            envelopes = [letter.envelope()]
        elif letter.source is None:
            raise StillUnreadable(_("Its source does not exist any more."))
        else:
            envelopes = letter.source.adapter().envelopes(json.loads(bytes(letter.payload)))
    except StillUnreadable:
        raise
    except (ValueError, RecursionError) as error:
        raise StillUnreadable(_reason(error)) from error
    known = set(
        Source.objects.filter(pk__in={envelope.source_id for envelope in envelopes}).values_list(
            "pk", flat=True
        )
    )
    if any(envelope.source_id not in known for envelope in envelopes):
        raise StillUnreadable(_("Its source does not exist any more."))
    return envelopes


def _reason(error: Exception) -> str:
    if isinstance(error, ValueError):
        return reason_of(error)
    return _("It is nested too deeply.")
