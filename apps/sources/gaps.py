"""Finds what a platform may have forgotten before we fetched it, and closes it when an import brings it.

A platform whose adapter has `forgets_after` keeps what we do not fetch for that long and no longer; the
others let themselves be asked for everything that came meanwhile.
"""

import logging
from collections.abc import Mapping
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from apps.sources.adapters import ADAPTERS
from apps.sources.envelope import ChatReference
from apps.sources.models import Chat, Gap, HistoryImport, Source
from tasktracker.lib.plugins import load

logger = logging.getLogger(__name__)

ACTIVE_WITHIN = timedelta(days=30)  # before the outage; a chat that was silent longer has no gap

Span = tuple[datetime, datetime]


def note_contact(source_id: int, *, now: datetime | None = None) -> None:
    """The platform could tell this source everything until now that it had not forgotten."""
    now = now or timezone.now()
    with transaction.atomic():
        rows = Source.objects.select_for_update(no_key=True).defer("config")
        source = rows.filter(pk=source_id).first()
        if source is None:
            return
        before, kept = source.reached_at, kept_for(source.kind)
        if before is not None and kept is not None and before < now - kept:
            _open(source, before, now - kept)
        Source.objects.filter(pk=source_id).update(reached_at=now)


def kept_for(kind: str) -> timedelta | None:
    """How long the platform keeps what we do not fetch; None when it can be asked for it at any time."""
    if kind not in ADAPTERS:
        return None
    kept: timedelta | None = getattr(load(ADAPTERS, kind), "forgets_after", None)
    return kept


def close_gaps(
    source: Source, spans: Mapping[str, Span], *, closed_by: HistoryImport | None = None
) -> None:
    """An import has brought what was said in these chats within these times."""
    if not Gap.objects.filter(source=source, closed_at=None).exists():
        return
    zone = ZoneInfo(source.project.timezone)
    for external_id, (first, last) in spans.items():
        chat = Chat.known(source, ChatReference(external_id=external_id))
        for gap in Gap.objects.filter(source=source, chat=chat, closed_at=None):
            gap.narrow(_midnight(first, zone), last, closed_by)


def _open(source: Source, since: datetime, until: datetime) -> None:
    """One gap for each chat that is read and was active before."""
    active = Chat.objects.filter(source=source, messages__sent_at__gt=since - ACTIVE_WITHIN)
    chats = [chat for chat in active.distinct() if chat.is_monitored]
    gaps = [Gap(source=source, chat=chat, since=since, until=until) for chat in chats]
    Gap.objects.bulk_create(gaps, ignore_conflicts=True)
    logger.warning("%s was out of reach too long: %d gaps", source.name, len(gaps))


def _midnight(moment: datetime, zone: ZoneInfo) -> datetime:
    """Exports begin with a whole day, and its first message may come late on it."""
    return datetime.combine(moment.astimezone(zone).date(), time.min, zone)
