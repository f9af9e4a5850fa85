"""What a status in Redmine means here: one list for what we ask and for calls, which tell but one of it."""

from collections.abc import Mapping
from typing import Any

from apps.exports.trackers.base import Pairs
from apps.exports.trackers.redmine.api import Missing, NotAllowed, RedmineApi
from apps.exports.trackers.redmine.config import RedmineConfig

#: Names of what is learned: the open statuses, and by tracker the one in which its issues begin.
OPEN, BEGINS = "open_statuses", "begins"

#: How closed statuses are called that mean "no": beginnings of words.
_REJECTED = (
    "reject",
    "cancel",
    "won't",
    "wont",
    "invalid",
    "duplicate",
    "відхил",
    "скасов",
    "дублік",
)


class Statuses:
    """By what is known of Redmine; as long as that is nothing, open ones mean nothing."""

    def __init__(self, config: RedmineConfig, known: Pairs) -> None:
        self._chosen = config.status
        self._rejected = set(config.rejected_statuses)
        self._open = [str(number) for number, _name in known.get(OPEN, ())]
        self._begins = {str(tracker): str(status) for tracker, status in known.get(BEGINS, ())}

    def meaning_in(self, issue: Mapping[str, Any]) -> str:
        """Of the status that the issue has."""
        status = issue["status"]
        number, name = str(status.get("id", "")), str(status.get("name", "")).casefold()
        if number in self._rejected:
            return "rejected"
        if status.get("is_closed", bool(self._open) and number not in self._open):
            is_no = not self._rejected and name.startswith(_REJECTED)
            return "rejected" if is_no else "done"
        if number == self._chosen:
            return "approved"
        if not self._open:
            return ""
        tracker = str((issue.get("tracker") or {}).get("id", ""))
        begins = self._begins.get(tracker, self._open[0])
        return "approved" if number == begins else "in_progress"


def learned(api: RedmineApi) -> Pairs:
    """What `Statuses` must know."""
    statuses = api.get("/issue_statuses.json").get("issue_statuses") or ()
    try:
        trackers = api.get("/trackers.json").get("trackers") or ()
    except (Missing, NotAllowed):
        trackers = ()
    first = [(one["id"], one.get("default_status") or {}) for one in trackers]
    return {
        OPEN: [[str(one["id"]), str(one["name"])] for one in statuses if not one.get("is_closed")],
        BEGINS: [[str(number), str(status["id"])] for number, status in first if status],
    }
