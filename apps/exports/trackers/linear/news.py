"""What came after an issue was made: our one comment on it, and how it belongs to others."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from apps.exports.trackers.base import Doubtful, ExternalIssue, Gone
from apps.exports.trackers.linear.api import LinearApi
from tasktracker.lib.workflow import GiveUp


class Telling:
    """Comments and relations have our ids there, so that a repeat finds what it made."""

    api: LinearApi

    def note(self, made: ExternalIssue, text: str, *, key: UUID, note_id: str = "") -> str:
        if note_id:
            return self._changed_note(note_id, text)
        try:
            wanted = {"id": str(key), "issueId": _id_of(made), "body": text}
            written = self.api.change("Note", input=wanted)
        except (Doubtful, GiveUp) as error:
            # It may be there already, from this call or an earlier one.
            try:
                return self._edited(str(key), text)
            except GiveUp:
                raise error from None
        return str(written["comment"]["id"])

    def relate(self, made: ExternalIssue, other: ExternalIssue, kind: str, *, key: UUID) -> None:
        wanted = {
            "id": str(key),
            "issueId": _id_of(made),
            "relatedIssueId": _id_of(other),
            "type": kind,
        }
        try:
            self.api.change("Relate", input=wanted)
        except (Doubtful, GiveUp) as error:
            if not self._is_related(made, other, kind):
                raise error from None

    def unrelate(self, made: ExternalIssue, other: ExternalIssue, *, key: UUID) -> None:
        """What people related there stays: only our own id is deleted."""
        try:
            self.api.change("Unrelate", id=str(key))
        except (Doubtful, GiveUp) as error:
            if str(key) in {one["id"] for one in self._relations_of(made)}:
                raise error from None

    def _changed_note(self, note_id: str, text: str) -> str:
        try:
            return self._edited(note_id, text)
        except GiveUp as error:
            # Whoever may not edit it must not write one more each time.
            if not self.api.ask("Noted", id=note_id)["comments"]["nodes"]:
                raise Gone(str(error)) from error
            raise

    def _edited(self, note_id: str, text: str) -> str:
        written = self.api.change("EditNote", id=note_id, input={"body": text})
        return str(written["comment"]["id"])

    def _is_related(self, made: ExternalIssue, other: ExternalIssue, kind: str) -> bool:
        return any(
            one["type"] == kind and _id_of(other) in one["relatedIssue"].values()
            for one in self._relations_of(made)
        )

    def _relations_of(self, made: ExternalIssue) -> Sequence[Mapping[str, Any]]:
        return self.api.pages("Relations", "issue", "relations", id=_id_of(made))


def _id_of(made: ExternalIssue) -> str:
    """Our own: in another workspace another issue may be called the same."""
    return str(made.key) if made.key else made.id
