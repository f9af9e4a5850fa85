"""What Redmine says about issues: when it is asked, and when it calls (from Redmine 7 on)."""

import hmac
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from apps.exports.trackers.base import (
    Changes,
    ExternalIssue,
    Limited,
    Refused,
    RemoteState,
    Request,
)
from apps.exports.trackers.redmine import marks
from apps.exports.trackers.redmine.api import LONG_PAGE, Missing, NotAllowed, RedmineApi, TooLong
from apps.exports.trackers.redmine.config import RedmineConfig
from apps.exports.trackers.redmine.statuses import Statuses
from tasktracker.lib.workflow import TryLater

PATIENCE = 8.0  # seconds of one question, of the twenty that a door is open
MOST_PAGES = 20  # of changes at once; who asks goes on from the last of them
SIGNATURE = "x-redmine-signature-256"


def changed(api: RedmineApi, config: RedmineConfig, statuses: Statuses, since: datetime) -> Changes:
    """Those that have our key. By moments, not by pages: what changes meanwhile moves."""
    found: dict[int, RemoteState] = {}
    moment, offset = since.astimezone(UTC), 0
    ends_at = time.monotonic() + PATIENCE
    for number in range(MOST_PAGES):
        try:
            page = api.issues(
                **_ours(config),
                status_id="*",
                updated_on=f">={moment:%Y-%m-%dT%H:%M:%SZ}",
                sort="updated_on,id",
                limit=LONG_PAGE,
                offset=offset,
            )
        except Limited:
            if not number:
                raise
            break
        for issue in page:
            if issue and marks.key_of(issue, config.key_field):
                found.pop(int(issue["id"]), None)  # the later one, in its place
                found[int(issue["id"])] = state_of(issue, api.url, config, statuses)
        if len(page) < LONG_PAGE:
            return Changes(_in_order(found.values()))
        last = _moment(page[-1]["updated_on"]) if page[-1] else moment
        moment, offset = (last, 0) if last > moment else (moment, offset + LONG_PAGE)
        if time.monotonic() > ends_at:
            break
    return Changes(_in_order(found.values()), until=moment)


def states(
    api: RedmineApi,
    config: RedmineConfig,
    statuses: Statuses,
    made: Mapping[UUID, ExternalIssue],
) -> dict[UUID, RemoteState | None]:
    """What we may not see is not gone; and what is a stranger's is not ours.

    Those that no list has are asked about one by one, and there may be many.
    """
    keys = {marks.number_of(one): key for key, one in made.items()}
    ends_at = time.monotonic() + PATIENCE
    listed = {int(one["id"]): one for one in _by_numbers(api, list(keys))}
    said = {
        keys[number]: _state_of_ours(issue, keys[number], api.url, config, statuses)
        for number, issue in listed.items()
        if number in keys
    }
    for number, key in keys.items():
        if key in said:
            continue
        if said and time.monotonic() > ends_at:
            break
        try:
            issue = api.issue(number)
        except (NotAllowed, TooLong):
            said[key] = None
        except Missing:
            now = datetime.now(UTC)
            said[key] = RemoteState(id=made[key].id, updated_at=now, key=key, is_gone=True)
        except (TryLater, Limited):
            if not said:
                raise
            break
        else:
            said[key] = _state_of_ours(issue, key, api.url, config, statuses)
    return said


def receive(
    api_url: str, config: RedmineConfig, statuses: Statuses, request: Request
) -> list[RemoteState]:
    """What one call of Redmine 7 says; the signature comes before everything else."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    expected = hmac.new(request.secret.encode(), request.body, "sha256").hexdigest()
    given = headers.get(SIGNATURE, "")
    if not request.secret or not hmac.compare_digest(given.encode(), f"sha256={expected}".encode()):
        raise Refused(401, _("The signature is not the one of this body."))
    try:
        call = json.loads(request.body)
        kind, issue = call["type"], call["data"].get("issue")
        if not str(kind).startswith("issue.") or not issue:
            return []
        if marks.key_of(issue, config.key_field) is None:
            return []  # Redmine calls for every issue of a project
        is_gone = kind == "issue.deleted"
        moment = _moment(call["timestamp"]) if is_gone else _moment(issue["updated_on"])
        return [state_of(issue, api_url, config, statuses, moment, is_gone=is_gone)]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise Refused(400, _("The call is not what Redmine sends.")) from None


def state_of(
    issue: Mapping[str, Any],
    url: str,
    config: RedmineConfig,
    statuses: Statuses,
    moment: datetime | None = None,
    *,
    is_gone: bool = False,
) -> RemoteState:
    """A copy that somebody makes has our key too; a number is one issue's for ever."""
    status = issue.get("status") or {}
    number = int(issue["id"])
    return RemoteState(
        id=f"#{number}",
        key=marks.key_of(issue, config.key_field),
        updated_at=moment or _moment(issue["updated_on"]),
        url=f"{url}/issues/{number}",
        title=str(issue.get("subject") or ""),
        status=statuses.meaning_in(issue) if status else "",
        status_name=str(status.get("name") or ""),
        assignee=str((issue.get("assigned_to") or {}).get("name") or ""),
        is_gone=is_gone,
    )


def _state_of_ours(
    issue: Mapping[str, Any], key: UUID, url: str, config: RedmineConfig, statuses: Statuses
) -> RemoteState | None:
    if marks.key_of(issue, config.key_field) != key:
        return None
    return state_of(issue, url, config, statuses)


def _in_order(states: Iterable[RemoteState]) -> list[RemoteState]:
    return sorted(states, key=lambda state: state.updated_at)


def _ours(config: RedmineConfig) -> dict[str, str]:
    """A question for ours alone; what comes is looked at all the same."""
    return {f"cf_{config.key_field}": "*"} if config.key_field else {"author_id": "me"}


def _by_numbers(api: RedmineApi, numbers: Sequence[int]) -> Iterable[dict[str, Any]]:
    for start in range(0, len(numbers), LONG_PAGE):
        chosen = ",".join(map(str, numbers[start : start + LONG_PAGE]))
        yield from filter(None, api.issues(issue_id=chosen, status_id="*"))


def _moment(words: str) -> datetime:
    moment = datetime.fromisoformat(words)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
