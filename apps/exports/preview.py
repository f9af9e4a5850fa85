"""What would be sent, by the code that sends it."""

from uuid import UUID

from django.utils.translation import gettext as _

from apps.exports.models import Tracker
from apps.exports.payload import build_payload
from apps.exports.trackers.base import Preview
from apps.issues.models import Issue
from tasktracker.lib.workflow import GiveUp

NOT_CHOSEN_YET = UUID(int=0)  # an export gets its own id when it is opened


def preview_of(issue: Issue, tracker: Tracker) -> Preview:
    """The task as `create` would make it; raises GiveUp and ValueError when the settings do not suffice."""
    plugin = tracker.plugin()
    if not hasattr(plugin, "preview"):
        raise GiveUp(_("This kind of tracker shows nothing before it is sent."))
    key = issue.exports.filter(tracker=tracker).values_list("uuid", flat=True).first()
    shown: Preview = plugin.preview(build_payload(issue, tracker), key=key or NOT_CHOSEN_YET)
    return shown
