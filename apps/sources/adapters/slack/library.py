"""Slack's SDK, made quiet, and its errors as what to do."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
from django.utils.translation import gettext as _
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from tasktracker.lib.workflow import GiveUp, TryLater

API_URL = "https://slack.com"
TIMEOUT = 30  # seconds for one answer
PATIENCE = 20  # times that a question is asked again after a pause that Slack wanted

#: What the library raises when it has not got what it asked for.
TROUBLES = (SlackClientError, aiohttp.ClientError, OSError)

#: Slack's words for a token that will not do.
REFUSED_TOKENS = frozenset(
    {
        "account_inactive",
        "invalid_auth",
        "no_permission",
        "not_allowed_token_type",
        "not_authed",
        "token_expired",
        "token_revoked",
    }
)

# At DEBUG it writes answers, and so messages.
_logger = logging.getLogger("slack_sdk")
_logger.setLevel(logging.WARNING)


class WebApi:
    """The methods of Slack's Web API with one token."""

    def __init__(self, token: str, session: aiohttp.ClientSession, api_url: str) -> None:
        self.session = session
        self._client = AsyncWebClient(
            token=token,
            base_url=f"{(api_url or API_URL).rstrip('/')}/api/",
            session=session,
            timeout=TIMEOUT,
            logger=_logger,
        )

    async def ask(
        self, method: str, *, is_patient: bool = False, **question: Any
    ) -> Mapping[str, Any]:
        """The answer, with Slack's headers as `_headers`; who is patient waits when Slack asks for it."""
        for _attempt in range(PATIENCE if is_patient else 0):
            try:
                return await self._ask(method, question)
            except SlackApiError as error:
                pause = _pause(error)
                if pause is None:
                    raise
                await asyncio.sleep(pause)
        return await self._ask(method, question)

    async def _ask(self, method: str, question: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = await self._client.api_call(method, data=dict(question))
        found = answer.data if isinstance(answer.data, dict) else {}
        return {**found, "_headers": answer.headers}


@asynccontextmanager
async def connected() -> AsyncIterator[aiohttp.ClientSession]:
    """A session to ask with; raises TryLater or GiveUp for whatever goes wrong inside."""
    try:
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=TIMEOUT, sock_read=TIMEOUT)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            yield session
    except TROUBLES as error:
        raise refusal_of(error) from error


def refusal_of(error: Exception) -> GiveUp | TryLater:
    """What to do about it; the library puts no token into its errors."""
    if not isinstance(error, SlackApiError):
        return TryLater(_("Slack cannot be reached."))
    pause = _pause(error)
    word = word_of(error)
    if pause is not None:
        return TryLater(_("Slack asks for a pause."), delay=timedelta(seconds=pause))
    if word in REFUSED_TOKENS:
        return GiveUp(_("Slack does not accept the token: %(reason)s.") % {"reason": word})
    if word == "missing_scope":
        return GiveUp(
            _("The app lacks the scope %(scope)s. Add it, and install the app again.")
            % {"scope": str(_answer(error).get("needed") or "?")[:200]}
        )
    return TryLater(_("Slack refuses: %(reason)s.") % {"reason": word or "?"})


def word_of(error: SlackApiError) -> str:
    """Slack's own word for what is wrong."""
    return str(_answer(error).get("error") or "")[:100]


def _answer(error: SlackApiError) -> Mapping[str, Any]:
    data = getattr(error.response, "data", None)
    return data if isinstance(data, Mapping) else {}


def _pause(error: SlackApiError) -> float | None:
    """Seconds that Slack wants us to wait; None when that is not what is wrong."""
    if getattr(error.response, "status_code", 0) != 429 and word_of(error) != "ratelimited":
        return None
    headers = getattr(error.response, "headers", None) or {}
    after = {str(key).lower(): value for key, value in headers.items()}.get("retry-after", "")
    try:
        return min(float(after), 3600.0)
    except ValueError:
        return 30.0
