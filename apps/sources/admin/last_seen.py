"""When something came in last, for those who check a connection."""

from django.utils import formats, timezone
from django.utils.translation import gettext as _

from apps.sources.adapters.base import Finding
from apps.sources.models import Source


def last_seen(source: Source) -> Finding:
    """What is set up rightly and brings nothing is shown by this alone."""
    if source.last_seen_at is None:
        return Finding(_("No message has come yet."))
    moment = formats.date_format(timezone.localtime(source.last_seen_at), "SHORT_DATETIME_FORMAT")
    return Finding(_("The last message came at %(moment)s.") % {"moment": moment})
