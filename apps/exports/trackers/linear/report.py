"""The whole report as a file on the issue, where its description had no room for all of it."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import translation
from django.utils.translation import gettext as _

from apps.exports.trackers.asking import as_trackers_say, http_status, own_fault, senseless
from apps.exports.trackers.base import IssuePayload
from apps.exports.trackers.linear.api import LinearApi
from apps.exports.trackers.markdown import report_of
from tasktracker.lib.http import Door
from tasktracker.lib.workflow import TryLater

KIND = "text/plain"
LARGEST = 1_000_000  # bytes
DEADLINE = 10.0  # seconds for the upload


class Reporting:
    """The file is put where Linear says; its attachment has an id that comes of the issue's, so there is one."""

    api: LinearApi

    def attach_report(self, issue: IssuePayload, *, key: UUID) -> None:
        if self._attached(key):
            return
        content = report_of(issue).encode()[:LARGEST]
        name = f"report-{issue.id}.txt"
        file = self.api.change("Upload", contentType=KIND, filename=name, size=len(content))
        if not file["uploadFile"]:
            raise TryLater(senseless("Linear"))
        _put(file["uploadFile"], content)
        with translation.override(issue.language):
            title = _("All messages")
        url = file["uploadFile"]["assetUrl"]
        wanted = {"id": str(_number(key)), "issueId": str(key), "url": url, "title": title}
        self.api.change("Attach", input=wanted)

    def remove_report(self, key: UUID) -> None:
        """Its words are those of the messages; raises GiveUp when the file itself stays."""
        for attachment in self._attached(key):
            # First the file: an attachment that is gone could not tell a repeat that its file stayed.
            self.api.change("DeleteFile", url=attachment["url"])
            self.api.change("Detach", id=attachment["id"])

    def _attached(self, key: UUID) -> list[Mapping[str, str]]:
        found = self.api.ask("Attached", id=str(_number(key)))
        nodes: list[Mapping[str, str]] = found["attachments"]["nodes"]
        return nodes


def _number(key: UUID) -> UUID:
    """Of the attachment; Linear takes only ids of version 4."""
    return UUID(bytes=hashlib.sha256(b"report" + key.bytes).digest()[:16], version=4)


def _put(file: Mapping[str, Any], content: bytes) -> None:
    """To the signed address, which is another host's: our key does not go there."""
    headers = {
        "content-type": file["contentType"],
        "cache-control": "public, max-age=31536000",
        **{one["key"].lower(): one["value"] for one in file["headers"]},
    }
    door = Door(file["uploadUrl"], deadline=DEADLINE)
    with as_trackers_say():
        answer = door.ask("PUT", content=content, headers=headers)
    if answer.status >= 300:
        raise TryLater(own_fault(_("The file store of Linear"), http_status(answer)))
