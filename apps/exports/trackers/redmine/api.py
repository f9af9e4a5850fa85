"""Redmine's REST API: one way in for every call, and what its many ways to say no mean for us."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.exports.trackers.asking import (
    as_trackers_say,
    http_status,
    own_fault,
    senseless,
    too_often,
)
from apps.exports.trackers.base import Doubtful, Limited, Means
from tasktracker.lib.http import Answer, AnswerTooLong, Door
from tasktracker.lib.text import clean, shorten
from tasktracker.lib.workflow import GiveUp, TryLater

PAGE = 100  # Redmine gives no more at once
LONG_PAGE = 25  # of issues with their descriptions
USUAL_WAIT, LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)


class Missing(GiveUp):
    """There is nothing of this name, or nothing that we may know of."""


class NotAllowed(GiveUp):
    """It is there, and not for us."""


class Invalid(GiveUp):
    """Redmine's rules do not let it pass; the words are Redmine's."""


class Strange(TryLater):
    """Not Redmine's words: another address, or a page that stands there while Redmine is repaired."""


class TooLong(GiveUp):
    """More than we take at once, and no shorter the next time; of a list, fewer are asked for."""


class Broken(Doubtful):
    """Redmine itself failed, and its work on the call has ended."""


class RedmineApi:
    """One account's way to one Redmine, for one piece of work."""

    def __init__(
        self, url: str, headers: Mapping[str, str], means: Means, *, per_minute: int
    ) -> None:
        self.url = url.rstrip("/")
        self.account = hashlib.sha256(f"redmine:{self.url}".encode()).hexdigest()
        self._per_minute = per_minute
        self._means = means
        self._door = Door(self.url, headers=headers)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """What stands there; raises Missing, NotAllowed and whatever else trackers raise."""
        answer = self._ask("GET", path, query)
        value = answer.json()
        if not isinstance(value, dict):
            raise Strange(
                _("What answers at %(url)s is no Redmine: look at the address.") % {"url": self.url}
            )
        return value

    def issue(self, number: int, *, include: str = "") -> dict[str, Any]:
        """One of them, with the parts that are named."""
        query = {"include": include} if include else {}
        issue: dict[str, Any] = self.get(f"/issues/{number}.json", **query)["issue"]
        return issue

    def issues(self, *, offset: int = 0, limit: int = LONG_PAGE, **query: Any) -> list[Any]:
        """As many of them as an answer has room for, at most `limit`; one that has none alone is None."""
        path = "/issues.json"
        try:
            return list(self.get(path, offset=offset, limit=limit, **query).get("issues") or ())
        except TooLong:
            if limit == 1:
                return [None]
        half = (limit + 1) // 2
        first = self.issues(offset=offset, limit=half, **query)
        if len(first) < half:
            return first
        return first + self.issues(offset=offset + half, limit=limit - half, **query)

    def pages(self, path: str, name: str, *, most: int = 10, **query: Any) -> Iterator[Any]:
        """Everything of a list, up to `most` pages."""
        for page in range(most):
            found = self.get(path, limit=PAGE, offset=page * PAGE, **query)
            yield from found.get(name) or ()
            if (page + 1) * PAGE >= found.get("total_count", 0):
                return

    def post(self, path: str, value: Mapping[str, Any]) -> dict[str, Any]:
        answer = self._ask("POST", path, content=_json(value), kind="application/json")
        return _made(answer)

    def put(self, path: str, value: Mapping[str, Any]) -> None:
        """What may be repeated; where a database has no room for emoji, the words without them."""
        try:
            self.put_once(path, value)
        except Broken:
            plain = without_emoji(value)
            if plain == value:
                raise
            self.put_once(path, plain)

    def put_once(self, path: str, value: Mapping[str, Any]) -> None:
        self._ask("PUT", path, content=_json(value), kind="application/json")

    def delete(self, path: str) -> None:
        """What is gone already is gone."""
        try:
            self._ask("DELETE", path)
        except Missing:
            pass

    def upload(self, filename: str, content: bytes) -> str:
        """The token by which an issue takes the file."""
        # Redmine refuses every other kind with 406, and looks into the file for what it is.
        answer = self._ask(
            "POST",
            "/uploads.json",
            {"filename": filename},
            content=content,
            kind="application/octet-stream",
        )
        upload = _made(answer).get("upload")
        return str(upload.get("token", "")) if isinstance(upload, dict) else ""

    def _ask(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        *,
        content: bytes = b"",
        kind: str = "",
    ) -> Answer:
        self._means.pace(self.account, self._per_minute)
        target = f"{path}?{urlencode(query)}" if query else path
        headers = {"Content-Type": kind} if kind else {}
        with as_trackers_say(partial(_doubt, method)):
            try:
                answer = self._door.ask(method, target, content=content, headers=headers)
            except AnswerTooLong as error:
                if method != "GET":
                    raise
                words = _("Redmine's answer at %(path)s is too long for us.") % {"path": path}
                raise TooLong(words) from error
        if answer.status in (403, 404) and _is_a_page(answer):
            raise Strange(
                _(
                    "Something before Redmine answered at %(url)s with HTTP status %(status)s: look at the address, "
                    "and at the proxy or firewall there."
                )
                % {"url": self.url, "status": answer.status}
            )
        if answer.status >= 300:
            raise _no(method, path, answer)
        return answer


def _is_a_page(answer: Answer) -> bool:
    """Redmine's own refusals of what ends in .json have JSON or nothing."""
    return bool(answer.body.strip()) and answer.json() is None


def _no(method: str, path: str, answer: Answer) -> Exception:
    """What a refusal means, with Redmine's words and what to do."""
    words = _words(answer)
    if answer.status in (429, 503):
        delay = _seconds(answer.headers.get("retry-after", ""))
        if answer.status == 429 or delay:
            return Limited(too_often("Redmine", words), delay=delay or USUAL_WAIT)
    if answer.status == 500 and method != "GET":
        return Broken(own_fault("Redmine", words))
    if answer.status >= 500 or answer.status == 408:
        return _doubt(method, own_fault("Redmine", words))
    if answer.status in _REMEDIES:
        error, sentence = _REMEDIES[answer.status]
        return error(_(sentence) % {"words": words.rstrip("."), "path": path})
    if answer.status < 400:
        where = shorten(clean(answer.headers.get("location", "")), 200)
        return GiveUp(
            _("Redmine has moved to %(address)s: put in the address that it has now.")
            % {"address": where or "–"}
        )
    return GiveUp(_(_REFUSED) % {"words": words.rstrip(".")})


_REFUSED = gettext_noop(
    "Redmine refuses it: %(words)s. Change the issue, or what the tracker's page chooses, and export it again."
)
_REMEDIES: dict[int, tuple[type[GiveUp], str]] = {
    401: (
        GiveUp,
        gettext_noop(
            "Redmine does not let us in (%(words)s). Look at the API key, or at the login and its password. "
            "Accounts with two-factor authentication come in with their API key only."
        ),
    ),
    403: (
        NotAllowed,
        gettext_noop(
            "Redmine does not allow it (%(words)s): the REST API is switched off (Administration, Settings, API), "
            "or the account lacks the right in this project, or it must change its password first."
        ),
    ),
    404: (
        Missing,
        gettext_noop(
            "Redmine has nothing at %(path)s (%(words)s): look at the address and the chosen project."
        ),
    ),
    406: (
        GiveUp,
        gettext_noop("Redmine does not take this kind of content at %(path)s (%(words)s)."),
    ),
    412: (
        GiveUp,
        gettext_noop(
            "Redmine does not know the user to act for, or the user is locked (%(words)s). Only an "
            "administrator's key may act for others."
        ),
    ),
    422: (Invalid, _REFUSED),
}


def _doubt(method: str, words: str) -> TryLater:
    """A question may be repeated at once; a change may have been made."""
    return TryLater(words) if method == "GET" else Doubtful(words)


def _made(answer: Answer) -> dict[str, Any]:
    """What a change gave back."""
    value = answer.json()
    if not isinstance(value, dict):
        raise Doubtful(senseless("Redmine"))
    return value


def _words(answer: Answer) -> str:
    """Redmine's own, where it has any."""
    value = answer.json()
    errors = value.get("errors") if isinstance(value, dict) else None
    if isinstance(errors, Sequence) and not isinstance(errors, str) and errors:
        return "; ".join(shorten(clean(str(error)), 300) for error in errors[:5])
    return http_status(answer)


def _seconds(words: str) -> timedelta | None:
    if not words.isdecimal():
        return None
    # No timedelta is as long as a header may say.
    return timedelta(seconds=min(float(words), LONGEST_WAIT.total_seconds()))


def without_emoji(value: Any) -> Any:
    """Without what takes four bytes, however deep."""
    if isinstance(value, str):
        return "".join(letter for letter in value if ord(letter) < 0x10000)
    if isinstance(value, Mapping):
        return {name: without_emoji(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_emoji(one) for one in value]
    return value


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def credentials(api_key: str, login: str, password: str, switch_user: str) -> dict[str, str]:
    """The headers by which Redmine knows us; never a part of the address, which servers write down."""
    headers = {"X-Redmine-Switch-User": switch_user} if switch_user else {}
    if not (login and password):
        return {**headers, "X-Redmine-API-Key": api_key}
    together = base64.b64encode(f"{login}:{password}".encode()).decode()
    return {**headers, "Authorization": f"Basic {together}"}
