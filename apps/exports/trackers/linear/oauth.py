"""Linear by OAuth 2: an application of the team's own, the code with PKCE, tokens that change at each refresh."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext as _
from pydantic import SecretStr

from apps.exports.trackers.asking import as_trackers_say, http_status, own_fault, senseless
from apps.exports.trackers.base import Means, Tokens
from tasktracker.lib.http import Answer, Door
from tasktracker.lib.text import clean, shorten
from tasktracker.lib.workflow import GiveUp, TryLater

SCOPES = "read,write"
LONGEST = timedelta(days=365)
DEADLINE = 8.0  # seconds; others wait for the new token


class Connecting:
    """What a person grants on Linear's own page, instead of a key that somebody has to keep."""

    client_id: str
    client_secret: SecretStr
    means: Means

    @property
    def can_connect(self) -> bool:
        return bool(self.client_id and self.client_secret.get_secret_value())

    def authorize_url(self, *, state: str, challenge: str, redirect: str) -> str:
        asked = {
            "client_id": self.client_id,
            "redirect_uri": redirect,
            "response_type": "code",
            "scope": SCOPES,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            "prompt": "consent",
        }
        # People are asked by the site, programs by the API.
        site = self._address.replace("://api.", "://", 1)
        return f"{site}/oauth/authorize?{urlencode(asked)}"

    def exchange(self, code: str, *, verifier: str, redirect: str) -> Tokens:
        return self._tokens(
            grant_type="authorization_code",
            code=code,
            redirect_uri=redirect,
            code_verifier=verifier,
        )

    def refresh(self, token: str) -> Tokens:
        return self._tokens(grant_type="refresh_token", refresh_token=token)

    def revoke(self, tokens: Tokens) -> None:
        # 400 says that it was revoked before.
        self._ask("/oauth/revoke", {"access_token": tokens.access}, known={400, 401})

    @property
    def _address(self) -> str:
        return self.means.api_url.removesuffix("/").removesuffix("/graphql")

    def _tokens(self, **asked: str) -> Tokens:
        who = {
            "client_id": self.client_id,
            "client_secret": self.client_secret.get_secret_value(),
        }
        answer = self._ask("/oauth/token", {**asked, **who})
        got = answer.json()
        access = got.get("access_token") if isinstance(got, dict) else None
        if not isinstance(access, str) or not access.isascii() or not access.isprintable():
            raise TryLater(senseless("Linear"))
        refresh = str(got.get("refresh_token") or "")
        return Tokens(access=access, refresh=refresh, lasts=_lasts(got.get("expires_in")))

    def _ask(
        self, path: str, form: Mapping[str, str], known: frozenset[int] | set[int] = frozenset()
    ) -> Answer:
        door = Door(self._address, deadline=DEADLINE)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        with as_trackers_say():
            answer = door.ask("POST", path, content=urlencode(form).encode(), headers=headers)
        if answer.status == 429 or answer.status == 408 or answer.status >= 500:
            raise TryLater(own_fault("Linear", http_status(answer)))
        if answer.status >= 300 and answer.status not in known:
            words = _words(answer.json()) or http_status(answer)
            raise GiveUp(
                _("Linear does not let us in (%(words)s). Connect it again on the tracker's page.")
                % {"words": words}
            )
        return answer


def _lasts(seconds: Any) -> timedelta | None:
    """None for what is no time; no timedelta is as long as an answer may say."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
        return None
    return timedelta(seconds=min(seconds, LONGEST.total_seconds()))


def _words(said: Any) -> str:
    if not isinstance(said, dict):
        return ""
    told = said.get("error_description") or said.get("error")
    return shorten(clean(str(told or "")), 300)
