"""Linear's OAuth 2: a page that says yes, codes that work once, refresh tokens that change at each use."""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import urlencode

CLIENT = {"client_id": "client-1", "client_secret": "secret-of-the-application"}
REDIRECT = "http://testserver/admin/exports/tracker/connected/"


class Oauth:
    def __init__(self) -> None:
        self.codes: dict[str, dict[str, str]] = {}
        self.access: set[str] = set()
        self.refreshing: set[str] = set()
        self.asked: list[str] = []  # grant types, in order
        self.lasts = 86399

    def authorize(self, asked: dict[str, str]) -> str | None:
        """Where the person's browser is sent; None when the request is none of a known application."""
        is_known = (
            asked.get("client_id") == CLIENT["client_id"]
            and asked.get("redirect_uri") == REDIRECT
            and asked.get("response_type") == "code"
            and asked.get("code_challenge_method") == "S256"
        )
        if not is_known or not asked.get("code_challenge"):
            return None
        code = secrets.token_hex(20)
        self.codes[code] = asked
        return f"{REDIRECT}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        self.asked.append(asked.get("grant_type", ""))
        if any(asked.get(name) != value for name, value in CLIENT.items()):
            return 401, {"error": "invalid_client", "error_description": "Client is unknown."}
        if asked["grant_type"] == "refresh_token":
            if asked["refresh_token"] not in self.refreshing:
                return 400, _revoked()
            self.refreshing.remove(asked["refresh_token"])
            return 200, self._pair()
        granted = self.codes.pop(asked.get("code", ""), None)
        digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        challenge = urlsafe_b64encode(digest).decode().rstrip("=")
        if granted is None or granted["code_challenge"] != challenge:
            return 400, _revoked()
        if granted["redirect_uri"] != asked.get("redirect_uri"):
            return 400, _revoked()
        return 200, self._pair()

    def revoke(self, asked: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if asked.get("access_token") not in self.access:
            return 400, {"error": "invalid_request"}
        self.access.remove(asked["access_token"])
        return 200, {}

    def _pair(self) -> dict[str, Any]:
        access, refresh = secrets.token_hex(32), secrets.token_hex(32)
        self.access.add(access)
        self.refreshing.add(refresh)
        return {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": self.lasts,
            "scope": "read write",
            "refresh_token": refresh,
        }


def _revoked() -> dict[str, str]:
    return {
        "error": "invalid_grant",
        "error_description": "Token has been expired or revoked.",
    }
