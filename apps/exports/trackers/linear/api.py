"""Linear's GraphQL API: a few operations, and what its many ways to say no mean for us."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _

from apps.exports.trackers.base import Doubtful, Limited, Means
from tasktracker.lib.http import Answer, Door, Forbidden, NoAnswer, Unreachable
from tasktracker.lib.text import clean, shorten
from tasktracker.lib.workflow import GiveUp, TryLater

CALLS_PER_HOUR = 1500  # Linear's own number has changed; whatever its headers say is obeyed as well
SPARE_CALLS = 5  # what is left to people who work with the same key
SHORTEST_WAIT, USUAL_WAIT, LONGEST_WAIT = (timedelta(seconds=n) for n in (1, 60, 3600))

#: By the name of the operation; tests check each against Linear's schema.
OPERATIONS = {
    "Account": """
        query Account {
          viewer { id name email }
          organization { id name urlKey }
          teams(first: 100) { nodes { id key name } }
        }
    """,
    "Team": """
        query Team($id: String!) {
          team(id: $id) {
            id
            states(first: 100) { nodes { id name type } }
            labels(first: 250) { nodes { id name isGroup } }
            members(first: 250) { nodes { id name active } }
            projects(first: 250) { nodes { id name } }
          }
          organization { labels(first: 250) { nodes { id name isGroup } } }
        }
    """,
    "Find": """
        query Find($id: ID!) {
          issues(filter: {id: {eq: $id}}, includeArchived: true, first: 1) {
            nodes { id identifier url }
          }
        }
    """,
    "Create": """
        mutation Create($input: IssueCreateInput!) {
          issueCreate(input: $input) { success issue { id identifier url } }
        }
    """,
    "Replace": """
        mutation Replace($id: String!, $input: IssueUpdateInput!) {
          issueUpdate(id: $id, input: $input) { success issue { id identifier url } }
        }
    """,
    "Attach": """
        mutation Attach($input: AttachmentCreateInput!) {
          attachmentCreate(input: $input) { success attachment { id } }
        }
    """,
}
_CHANGES = frozenset({"Create", "Replace", "Attach"})

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
    """One key's way to Linear, for one piece of work."""

    def __init__(self, key: str, means: Means) -> None:
        self.account = hashlib.sha256(f"linear:{key}".encode()).hexdigest()
        self._means = means
        # An API key stands alone; "Bearer" would make a token of OAuth of it.
        self._door = Door(means.api_url, headers={"Authorization": key})

    def ask(self, operation: str, **variables: Any) -> dict[str, Any]:
        """The operation's `data`; raises Doubtful, Limited, TryLater or GiveUp, as trackers do."""
        self._means.count_call(self.account, CALLS_PER_HOUR)
        question = {
            "operationName": operation,
            "query": OPERATIONS[operation],
            "variables": variables,
        }
        try:
            answer = self._door.post(value=question)
        except Unreachable as error:
            raise TryLater(str(error)) from error
        except Forbidden as error:
            raise GiveUp(str(error)) from error
        except NoAnswer as error:
            raise _doubt(operation, str(error)) from error
        data = _data(operation, answer)
        if (delay := wait_of(answer.headers)) is not None:
            self._means.wait(delay)
        return data


def _data(operation: str, answer: Answer) -> dict[str, Any]:
    """Errors come with 200 as well as with 400, and a limit comes with 400 as well as with 429."""
    body = answer.json()
    errors = _errors(body)
    kinds = {kind for error in errors for kind in _kinds(error)}
    words = _words(errors) or _("HTTP status %(status)s") % {"status": answer.status}
    if answer.status == 429 or kinds & _LIMITED:
        raise Limited(f"Linear: {words}", delay=wait_of(answer.headers) or USUAL_WAIT)
    if answer.status == 401 or kinds & _NOT_LET_IN:
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
        raise _doubt(operation, f"Linear: {words}")
    if errors or answer.status >= 300:
        raise GiveUp(_("Linear refuses it: %(words)s") % {"words": words})
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, dict):
        raise _doubt(operation, "Linear: an answer that is none")
    return data


def wait_of(headers: Mapping[str, str]) -> timedelta | None:
    """How long Linear wants no call; None when it does not mind one."""
    moments = []
    if (seconds := _number(headers, "retry-after")) is not None:
        moments.append(timedelta(seconds=seconds))
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


def _doubt(operation: str, words: str) -> TryLater:
    """A question may be repeated at once; a change may have been made."""
    return Doubtful(words) if operation in _CHANGES else TryLater(words)


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
