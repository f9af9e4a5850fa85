"""An issue whose task is another tracker's, or was."""

from uuid import UUID

from django.utils.translation import gettext as _

from apps.exports.trackers.base import ExternalIssue
from apps.exports.trackers.linear.api import LinearApi
from apps.exports.trackers.markdown import is_web_address
from tasktracker.lib.workflow import GiveUp

#: Types of Linear's states that end an issue; the first that the team has is taken.
CLOSED = ("canceled", "completed")


class Moving:
    """Closing, and naming the same issue elsewhere; Linear keeps one attachment per address."""

    api: LinearApi

    def close(self, made: ExternalIssue, *, key: UUID) -> None:
        issue = self.api.ask("Closing", id=str(key))["issue"]
        if issue["state"]["type"] in CLOSED:
            return
        states = issue["team"]["states"]["nodes"]
        found = [one["id"] for kind in CLOSED for one in states if one["type"] == kind]
        if not found:
            raise GiveUp(_("The team has no status that closes an issue."))
        self.api.change("Replace", id=str(key), input={"stateId": found[0]})

    def link(self, made: ExternalIssue, other: ExternalIssue, words: str, *, key: UUID) -> None:
        if is_web_address(other.url):
            wanted = {"issueId": str(key), "url": other.url, "title": words}
            self.api.change("Attach", input=wanted)
