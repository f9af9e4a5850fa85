"""Linear's GraphQL API: how it is asked, and what its many ways to say no mean for us."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property, partial
from typing import Any

from django.utils.translation import gettext as _

from apps.exports.trackers.asking import (
    as_trackers_say,
    http_status,
    own_fault,
    senseless,
    too_often,
)
from apps.exports.trackers.base import Doubtful, ExternalIssue, Limited, Means, Unasked
from apps.exports.trackers.linear.operations import CHANGES, OPERATIONS
from tasktracker.lib.http import Answer, Door
from tasktracker.lib.text import clean, shorten
from tasktracker.lib.workflow import GiveUp, TryLater

CALLS_PER_HOUR = 1500  # Linear's own number has changed; whatever its headers say is obeyed as well
MOST_PAGES = 10  # of one list
SPARE_CALLS = 5  # what is left to people who work with the same key
SHORTEST_WAIT, USUAL_WAIT, LONGEST_WAIT = (timedelta(seconds=n) for n in (1, 60, 3600))

#: `extensions.type` and `extensions.code` of errors, in small letters.
_LIMITED = frozenset({"ratelimited"})
_NOT_LET_IN = frozenset({"authentication error", "authentication_error"})
_NOT_ALLOWED = frozenset({"forbidden", "feature not accessible", "feature_not_accessible"})
_THEIR_FAULT = frozenset(
    {
        "internal error", "internal_server_error", "network error", "lock timeout", "lock_timeout",
        "bootstrap error", "unknown", "other",
    }
)  # fmt: skip


class LinearApi:
    """One account's way to Linear, for one piece of work."""

    def __init__(self, means: Means, *, key: str = "", client_id: str = "") -> None:
        self._means = means
        self._key = key
        self._client_id = client_id
        self._door: Door | None = None
        self._has_renewed = False

    @cached_property
    def _token(self) -> str:
        """Of a connection, which goes before a key."""
        return self._means.token("") if self._client_id else ""

    @property
    def account(self) -> str:
        """By which calls are counted; a connection keeps it, whichever token it has."""
        who = f"connection:{self._client_id}" if self._token else self._key
        return hashlib.sha256(f"linear:{who}".encode()).hexdigest()

    def _open(self) -> Door:
        if not self._token and not self._key:
            raise Unasked(_("Linear is not connected: press “Connect” on the tracker's page."))
        if self._door is None:
            self._door = Door(self._means.api_url)
        return self._door

    def ask(self, operation: str, **variables: Any) -> dict[str, Any]:
        """The operation's `data`; raises Doubtful, Limited, TryLater or GiveUp, as trackers do."""
        answer = self._answer(operation, variables)
        if self._token and not self._has_renewed and _is_not_let_in(answer):
            # The token has ended before its time, or our clock is behind; nothing was done there.
            self._has_renewed = True
            self._token = self._means.token(self._token)
            answer = self._answer(operation, variables)
        data = _data(operation, answer, is_connected=bool(self._token))
        if (delay := wait_of(answer.headers)) is not None:
            self._means.wait(delay)
        return data

    def _answer(self, operation: str, variables: Mapping[str, Any]) -> Answer:
        door = self._open()
        self._means.count_call(self.account, CALLS_PER_HOUR)
        # An API key stands alone; "Bearer" would make a token of OAuth of it.
        door.headers["Authorization"] = f"Bearer {self._token}" if self._token else self._key
        question = {
            "operationName": operation,
            "query": OPERATIONS[operation],
            "variables": variables,
        }
        with as_trackers_say(partial(_doubt, operation)):
            return door.post(value=question)

    def pages(self, operation: str, *path: str, **variables: Any) -> list[Mapping[str, Any]]:
        """Everything of the list that lies at `path` in the answer, up to MOST_PAGES pages."""
        found: list[Mapping[str, Any]] = []
        after = None
        for _page in range(MOST_PAGES):
            page = self.ask(operation, after=after, **variables)
            for name in path:
                page = page[name]
            found += page["nodes"]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"] or not after:
                break
        return found

    def change(self, operation: str, **variables: Any) -> dict[str, Any]:
        """`ask` for something that makes one thing; what it says of that, which is success."""
        (changed,) = self.ask(operation, **variables).values()
        if not isinstance(changed, dict) or not changed.get("success"):
            raise Doubtful(senseless("Linear"))
        return changed


def external(issue: Mapping[str, Any]) -> ExternalIssue:
    """Without the words of the title in which the address ends: it leads there as well."""
    identifier = issue["identifier"]
    address, mark, _slug = issue["url"].partition(f"/{identifier}/")
    return ExternalIssue(id=identifier, url=f"{address}{mark}".removesuffix("/"))


def _data(operation: str, answer: Answer, *, is_connected: bool) -> dict[str, Any]:
    """Errors come with 200 as well as with 400, and a limit comes with 400 as well as with 429."""
    body = answer.json()
    errors = _errors(body)
    kinds = {kind for error in errors for kind in _kinds(error)}
    words = _words(errors) or http_status(answer)
    if answer.status == 429 or kinds & _LIMITED:
        raise Limited(too_often("Linear", words), delay=wait_of(answer.headers) or USUAL_WAIT)
    if is_connected and _is_not_let_in(answer):
        raise GiveUp(
            _("Linear does not let us in (%(words)s). Connect it again on the tracker's page.")
            % {"words": words}
        )
    if _is_not_let_in(answer):
        raise GiveUp(
            _("Linear does not know the API key (%(words)s). Make a new one and put it in.")
            % {"words": words}
        )
    if answer.status == 403 or kinds & _NOT_ALLOWED:
        raise GiveUp(
            _(
                "Linear does not allow it (%(words)s). Give the key's owner the right, or use another's key."
            )
            % {"words": words}
        )
    if answer.status >= 500 or answer.status == 408 or kinds & _THEIR_FAULT:
        raise _doubt(operation, own_fault("Linear", words))
    if errors or answer.status >= 300:
        raise GiveUp(
            _(
                "Linear refuses it: %(words)s. Change the issue, or what the tracker's page chooses, and export "
                "it again."
            )
            % {"words": words.rstrip(".")}
        )
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, dict):
        raise _doubt(operation, senseless("Linear"))
    return data


def wait_of(headers: Mapping[str, str]) -> timedelta | None:
    """How long Linear wants no call; None when it does not mind one."""
    moments = []
    if (seconds := _number(headers, "retry-after")) is not None:
        # No timedelta is as long as a header may say.
        moments.append(timedelta(seconds=min(seconds, LONGEST_WAIT.total_seconds())))
    cost = _number(headers, "x-complexity") or 0
    for kind, spare in (("requests", SPARE_CALLS), ("complexity", 2 * cost)):
        left = _number(headers, f"x-ratelimit-{kind}-remaining")
        reset = _number(headers, f"x-ratelimit-{kind}-reset")
        if left is not None and left <= spare and reset is not None:
            moments.append(_until(reset))
    return min(max(*moments, SHORTEST_WAIT), LONGEST_WAIT) if moments else None


def _until(moment: float) -> timedelta:
    """From now to an epoch moment: its pages say seconds, its answers milliseconds."""
    seconds = moment / 1000 if moment > 1e11 else moment
    return min(timedelta(seconds=max(seconds - time.time(), 0)), LONGEST_WAIT)


def _number(headers: Mapping[str, str], name: str) -> float | None:
    try:
        number = float(headers.get(name, ""))
    except ValueError:
        return None
    return number if 0 <= number < 1e15 else None


def _is_not_let_in(answer: Answer) -> bool:
    kinds = {kind for error in _errors(answer.json()) for kind in _kinds(error)}
    return answer.status == 401 or bool(kinds & _NOT_LET_IN)


def _doubt(operation: str, words: str) -> TryLater:
    """A question may be repeated at once; a change may have been made."""
    return Doubtful(words) if operation in CHANGES else TryLater(words)


def _errors(body: Any) -> Sequence[Mapping[str, Any]]:
    found = body.get("errors") if isinstance(body, dict) else None
    return [error for error in found if isinstance(error, dict)] if isinstance(found, list) else []


def _kinds(error: Mapping[str, Any]) -> set[str]:
    extensions = error.get("extensions")
    if not isinstance(extensions, dict):
        return set()
    return {str(extensions.get(name, "")).casefold() for name in ("type", "code")}


def _words(errors: Sequence[Mapping[str, Any]]) -> str:
    """Linear's own words, those for people first."""
    said = []
    for error in errors[:3]:
        extensions = error.get("extensions")
        for_people = (
            extensions.get("userPresentableMessage") if isinstance(extensions, dict) else ""
        )
        said.append(shorten(clean(str(for_people or error.get("message", ""))), 300))
    return "; ".join(filter(None, said))
