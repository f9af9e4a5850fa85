"""What became of issues in Linear: it calls us, and it can be asked."""

import hashlib
import hmac
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.utils.translation import gettext as _

from apps.exports.trackers.base import (
    Changes,
    ExternalIssue,
    Refused,
    RemoteState,
    Request,
    Unasked,
)
from apps.exports.trackers.linear.api import LinearApi, external
from apps.exports.trackers.linear.operations import AT_ONCE
from tasktracker.lib.text import clean, shorten
from tasktracker.lib.workflow import GiveUp

WINDOW = 60.0  # seconds in which a call must come
MOST_PAGES = 10  # of what has changed, at once; who asks goes on from the last of it

#: By the type of a state there.
STATUSES = {
    "triage": "approved",
    "backlog": "approved",
    "unstarted": "approved",
    "started": "in_progress",
    "completed": "done",
    "canceled": "rejected",
    "duplicate": "rejected",
}


class Mirroring:
    """Reads what people in Linear did."""

    api: LinearApi
    team: str
    begins: str  # the status in which our issues are made, where one is chosen

    def receive(self, request: Request) -> Sequence[RemoteState]:
        body = _genuine(request)
        if body.get("type") != "Issue" or not isinstance(issue := body.get("data"), dict):
            return []
        try:
            state = self._state({"url": body.get("url"), **issue})
        except (KeyError, TypeError, ValueError, AttributeError):
            return []  # Linear has signed it, and we do not understand it
        if body.get("action") == "remove" and not _is_only_archived(issue):
            return [_gone(state)]
        return [state]

    def changed(self, since: datetime) -> Changes:
        found: list[RemoteState] = []
        if not self.team:
            return Changes(found)
        after, moment = None, since.astimezone(UTC).isoformat()
        team = {"team": self.team, "seen": self.team}
        for _page in range(MOST_PAGES):
            page = self.api.ask("Changed", since=moment, after=after, **team)["issues"]
            found += map(self._state, page["nodes"])
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"] or not after:
                return Changes(found)
        return Changes(found, until=max((state.updated_at for state in found), default=None))

    def states(self, made: Mapping[UUID, ExternalIssue]) -> Mapping[UUID, RemoteState | None]:
        """What is in no answer may be hidden from us: only what is in the bin is gone."""
        found: dict[UUID, RemoteState] = {}
        keys = [str(key) for key in made]
        for start in range(0, len(keys), AT_ONCE):
            nodes = self.api.ask("States", ids=keys[start : start + AT_ONCE])["issues"]["nodes"]
            found |= {UUID(node["id"]): self._state(node) for node in nodes}
        return {key: found.get(key) for key in made}

    def made_here(self, made: Sequence[ExternalIssue]) -> bool:
        """By the workspace in their addresses: the team may be deleted, or hidden from us."""
        organization = self.api.ask("Account")["organization"]
        known = {organization["urlKey"], *organization["previousUrlKeys"]}
        return not known.isdisjoint(
            urlsplit(one.url).path.strip("/").partition("/")[0] for one in made
        )

    def subscribe(self, url: str, secret: str) -> str:
        if not self.team:
            raise Unasked(_("No team is chosen: choose one on the tracker's page."))
        wanted = {"url": url, "secret": secret, "resourceTypes": ["Issue"], "enabled": True}
        with _as_administrator():
            known = self.api.pages("Webhooks", "webhooks")
            ours = [
                one["id"]
                for one in known
                if one["url"] == url and (one["team"] or {}).get("id") == self.team
            ]
            if ours:
                answer = self.api.change("Resubscribe", id=ours[0], input=wanted)
            else:
                answer = self.api.change("Subscribe", input={**wanted, "teamId": self.team})
        return str(answer["webhook"]["id"])

    def unsubscribe(self, subscription: str) -> None:
        with _as_administrator():
            known = self.api.pages("Webhooks", "webhooks")
            if subscription in {one["id"] for one in known}:
                self.api.change("Unsubscribe", id=subscription)

    def _state(self, node: Mapping[str, Any]) -> RemoteState:
        """Of an issue as a question and as a call has it."""
        made = external({"identifier": node["identifier"], "url": node.get("url") or ""})
        state, assignee = node.get("state") or {}, node.get("assignee") or {}
        status = STATUSES.get(str(state.get("type")), "")
        if status == "in_progress" and state.get("id") == self.begins:
            status = "approved"  # nobody has begun: we have made it so
        return RemoteState(
            id=made.id,
            updated_at=datetime.fromisoformat(node["updatedAt"]),
            key=UUID(node["id"]),
            url=made.url,
            title=shorten(clean(str(node.get("title") or "")), 300),
            status=status,
            status_name=shorten(clean(str(state.get("name") or "")), 100),
            assignee=shorten(clean(str(assignee.get("name") or "")), 200),
            is_gone=bool(node.get("trashed")),
        )


@contextmanager
def _as_administrator() -> Iterator[None]:
    """Linear shows webhooks to nobody else: https://linear.app/developers/webhooks"""
    try:
        yield
    except Unasked:
        raise
    except GiveUp as error:
        remedy = _(
            "Linear lets only administrators see and make webhooks: use an administrator's API key, or make the"
            " webhook by hand in Linear's settings (API, Webhooks). Without one Linear is asked each minute."
        )
        raise GiveUp(f"{error} {remedy}") from error


def _genuine(request: Request) -> Mapping[str, Any]:
    """What was signed with our secret a moment ago; raises Refused."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    signature = headers.get("linear-signature", "")
    expected = hmac.new(request.secret.encode(), request.body, hashlib.sha256).hexdigest()
    if not request.secret or not hmac.compare_digest(expected.encode(), signature.encode()):
        raise Refused(400, _("The signature is not the one of this secret."))
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Refused(400, _("This is no JSON object."))
    sent = body.get("webhookTimestamp")
    if not isinstance(sent, int | float) or not abs(time.time() - sent / 1000) <= WINDOW:
        raise Refused(400, _("It was not sent just now."))
    return body


def _gone(state: RemoteState) -> RemoteState:
    return RemoteState(state.id, state.updated_at, key=state.key, url=state.url, is_gone=True)


def _is_only_archived(issue: Mapping[str, Any]) -> bool:
    return bool(issue.get("archivedAt")) and not issue.get("trashed")
