"""Discord: what a bot hears on the Gateway, and reads in its channels after an outage."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, ConfigDict, SecretStr

from apps.sources.adapters.base import Finding, Inbox
from apps.sources.adapters.discord.events import read
from apps.sources.envelope import Envelope, Notice
from tasktracker.lib.workflow import GiveUp


class Discord:
    label: ClassVar[Any] = _("Discord bot")
    asks_first: ClassVar[bool] = True

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid")

        bot_token: SecretStr = SecretStr("")

    def __init__(self, config: Config, *, source_id: int) -> None:
        self.config = config
        self.source_id = source_id
        self._closed: dict[str, float] = {}  # channels that we may not read, and since when

    def envelopes(self, payload: Mapping[str, Any]) -> list[Envelope | Notice]:
        """What one event says; nothing for service messages and other events."""
        return read(payload, source_id=self.source_id)

    def account(self) -> str:
        """The bot, whose number is the first part of its token. See `base.Listener`."""
        if not self.token:
            raise GiveUp(gettext("There is no bot token."))
        first, _dot, rest = self.token.partition(".")
        try:
            bot = base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)).decode("ascii")
        except (binascii.Error, UnicodeDecodeError, ValueError):
            bot = ""
        if not rest or not bot.isdecimal():
            raise GiveUp(
                gettext(
                    "This is no bot token of Discord's. Copy it from the Developer Portal, page Bot, "
                    "“Reset Token”."
                )
            )
        return bot

    async def listen(self, inbox: Inbox, *, api_url: str, patience: int) -> None:
        """Catch up, then hold a connection to the Gateway. See `base.Listener`."""
        # The library is slow to load, and reading an event does not need it.
        from apps.sources.adapters.discord.gateway import listen

        await listen(self.token, inbox, api_url=api_url, patience=patience, closed=self._closed)

    def check(self, *, api_url: str) -> list[Finding]:
        """The token, the intent, and which channels are readable. See `base.Checker`."""
        from apps.sources.adapters.discord.check import check

        return check(self.token, api_url=api_url)

    @property
    def token(self) -> str:
        return self.config.bot_token.get_secret_value().strip()
