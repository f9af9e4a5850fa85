"""discord.py, made quiet, pointed at the right server, and its errors as what to do."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route
from django.utils.translation import gettext as _

from tasktracker.lib.workflow import GiveUp, TryLater

API_URL = "https://discord.com"

#: What the library raises when it has not got what it asked for.
TROUBLES = (discord.DiscordException, aiohttp.ClientError, OSError)

WRONG_TOKEN = 4004  # codes with which Discord closes a connection for good
NOT_ALLOWED = (4013, 4014)

NEW_SESSION = 5.0  # seconds that Discord wants between two sessions

# At DEBUG it writes every event, and so every message.
logging.getLogger("discord").setLevel(logging.WARNING)
# It complains once that it cannot speak.
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False


class Client(discord.Client):
    """Keeps the events as Discord wrote them: they may have to be told again, in another process."""

    def __init__(self) -> None:
        intents = discord.Intents(
            guilds=True, guild_messages=True, dm_messages=True, message_content=True
        )
        super().__init__(
            intents=intents,
            max_messages=None,
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
            enable_debug_events=True,
        )
        self.heard: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()

    async def on_socket_raw_receive(self, text: str) -> None:
        """Called before the library looks at it, once for each event and in their order."""
        event = json.loads(text)
        if event.get("t"):
            self.heard.put_nowait(event)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Called before each session."""
        if not initial:
            await asyncio.sleep(NEW_SESSION)

    async def hear(self) -> None:
        """Hold the connection and take broken sessions up again, until that fails."""
        _shards, address, limit = await self.http.get_bot_gateway()
        if limit["remaining"] < 1:
            raise TryLater(
                _("Discord lets this bot connect no more for now."),
                delay=timedelta(milliseconds=limit["reset_after"]),
            )
        # The library has no other way to be told where to connect.
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(address)
        await self.connect(reconnect=False)
        raise TryLater(_("Discord has closed the connection."))


@asynccontextmanager
async def connected(token: str, api_url: str) -> AsyncIterator[Client]:
    """A client that may ask; raises TryLater or GiveUp for whatever goes wrong inside."""
    # The library has one address for the whole process, and so have we: the setting DISCORD_API_URL.
    Route.BASE = f"{(api_url or API_URL).rstrip('/')}/api/v10"
    try:
        async with Client() as client:
            await client.login(token)
            yield client
    except TROUBLES as error:
        raise refusal_of(error) from error


def refusal_of(error: Exception) -> GiveUp | TryLater:
    """What to do about it; the library puts no token into its errors."""
    match error:
        case discord.LoginFailure() | discord.HTTPException(status=401):
            return _wrong_token()
        case discord.ConnectionClosed(code=code) if code == WRONG_TOKEN:
            return _wrong_token()
        case discord.PrivilegedIntentsRequired():
            return _no_intent()
        case discord.ConnectionClosed(code=code) if code in NOT_ALLOWED:
            return _no_intent()
        case discord.ConnectionClosed(code=code):
            return TryLater(_("Discord has closed the connection (%(code)s).") % {"code": code})
        case discord.RateLimited(retry_after=seconds):
            return TryLater(_("Discord asks for a pause."), delay=timedelta(seconds=seconds))
        case discord.HTTPException(status=429):
            return TryLater(_("Discord asks for a pause."), delay=timedelta(minutes=1))
        case discord.HTTPException(status=403):
            return GiveUp(_("Discord does not allow the bot to read this."))
        case discord.HTTPException(status=status) if status < 500:
            return TryLater(_("Discord refuses: error %(status)s.") % {"status": status})
        case _:
            return TryLater(_("Discord cannot be reached."))


def _wrong_token() -> GiveUp:
    return GiveUp(_("Discord does not accept the bot token. Check it."))


def _no_intent() -> GiveUp:
    return GiveUp(
        _(
            "Discord does not give this bot the texts of messages. In the Developer Portal, on the "
            "page Bot, switch on “Message Content Intent” and save."
        )
    )
