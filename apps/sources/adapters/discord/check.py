"""What Discord says of a bot, and what a person can do about it."""

import discord
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.sources.adapters.base import Finding
from apps.sources.adapters.discord.library import Client, connected
from tasktracker.lib import loop
from tasktracker.lib.workflow import GiveUp, TryLater

TIMEOUT = 30.0  # seconds; a person waits for it
SERVERS = 10  # that are looked at


def check(token: str, *, api_url: str) -> list[Finding]:
    """See `base.Checker`."""
    remedy = _(
        "In the Developer Portal, on the page Bot, press “Reset Token” and save the new one in the settings"
        " of this source."
    )
    if not token:
        raise GiveUp(" ".join((_("There is no bot token."), remedy)))
    try:
        return loop.run(_ask(token, api_url), timeout=TIMEOUT)
    except GiveUp as error:
        raise GiveUp(f"{error} {remedy}") from error
    except TimeoutError as error:
        raise TryLater(_("Discord cannot be reached.")) from error


async def _ask(token: str, api_url: str) -> list[Finding]:
    async with connected(token, api_url) as client:
        found = [_identity(client), _intent(client)]
        servers = [server async for server in client.fetch_guilds(limit=SERVERS)]
        if not servers:
            found.append(_nowhere(client))
        return [*found, *[await _server(client, server.id) for server in servers]]


def _identity(client: Client) -> Finding:
    return Finding(_("The token is right. The bot is %(name)s.") % {"name": client.user})


def _intent(client: Client) -> Finding:
    flags = client.application_flags
    if flags.gateway_message_content or flags.gateway_message_content_limited:
        return Finding(_("Message Content Intent is on: the bot gets the texts of messages."))
    return Finding(
        _("Message Content Intent is off: Discord would not let the bot connect."),
        _("In the Developer Portal, on the page Bot, switch on “Message Content Intent” and save."),
    )


def _nowhere(client: Client) -> Finding:
    return Finding(
        _("The bot is in no server yet."),
        _("Open this address and add it: %(address)s")
        % {
            "address": discord.utils.oauth_url(
                client.application_id or 0,
                permissions=discord.Permissions(view_channel=True, read_message_history=True),
                scopes=("bot",),
            )
        },
    )


async def _server(client: Client, server_id: int) -> Finding:
    """How many of its channels the bot may read, and their history, which is read after an outage."""
    server = await client.fetch_guild(server_id)
    ourselves = await server.fetch_member(client.user.id if client.user else 0)
    channels = [
        channel
        for channel in await server.fetch_channels()
        if isinstance(channel, discord.TextChannel | discord.VoiceChannel | discord.ForumChannel)
    ]
    allowed = [channel.permissions_for(ourselves) for channel in channels]
    readable = sum(may.view_channel and may.read_message_history for may in allowed)
    sentence = ngettext(
        "%(server)s: the bot reads %(count)d of %(all)d channel.",
        "%(server)s: the bot reads %(count)d of %(all)d channels.",
        len(channels),
    )
    values = {"server": server.name, "count": readable, "all": len(channels)}
    if readable:
        return Finding(sentence % values)
    return Finding(
        sentence % values,
        _(
            "In the settings of the channels, give the bot's role “View Channel” and "
            "“Read Message History”."
        ),
    )
