"""Words of an answered message come in with the answer, past the door that keeps their author out."""

from collections.abc import Sequence

from apps.messages.models import Message
from apps.sources.envelope import Envelope
from apps.sources.models import Author


def without_quotes_of_absent(envelopes: Sequence[Envelope]) -> list[Envelope]:
    """A quote stays beside a message that is stored here, of somebody who wants that.

    So whoever is forgotten later is found by their messages, and what quotes them by its answer to these.
    """
    quoting = [envelope for envelope in envelopes if envelope.quote]
    if not quoting:
        return list(envelopes)
    authors = {
        (source_id, external_id): (source_id, author_id)
        for source_id, external_id, author_id in Message.objects.filter(
            source__in={envelope.source_id for envelope in quoting},
            external_id__in={envelope.reply_to for envelope in quoting},
        ).values_list("source", "external_id", "author_id")
    }
    authors |= {
        (envelope.source_id, envelope.external_id): (envelope.source_id, envelope.author_id)
        for envelope in envelopes
    }
    asked = Author.among(authors.values())
    out = {person for person, author in asked.items() if author.is_kept_out}

    def may_stay(envelope: Envelope) -> bool:
        author = authors.get((envelope.source_id, envelope.reply_to))
        return author is not None and author not in out

    return [
        envelope
        if not envelope.quote or may_stay(envelope)
        else envelope.model_copy(update={"quote": ""})
        for envelope in envelopes
    ]
