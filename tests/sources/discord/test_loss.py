"""Many messages, broken connections, a collector that stops, JetStream away: all come in, once."""

import pytest

from apps.sources.adapters.discord import library
from apps.sources.models import Source
from tests.sources.losing import Troubles, lose_nothing, read
from tests.stubs.discord.gateway import TOKEN
from tests.stubs.discord.server import CHANNEL_ID, discord_server

pytestmark = pytest.mark.django_db(transaction=True)

OTHER_ID = "900000000000000011"


def test_nothing_that_is_said_on_discord_is_lost(project, settings, monkeypatch, stream):
    monkeypatch.setattr(library, "NEW_SESSION", 0.01)
    with discord_server() as discord:
        settings.DISCORD_API_URL = discord.served.url
        source = Source.objects.create(
            project=project, kind="discord", name="Bot", config={"bot_token": TOKEN}
        )
        read(source, CHANNEL_ID, OTHER_ID)
        discord.add_channel(OTHER_ID, "support")

        lose_nothing(
            Troubles(monkeypatch, lambda: bool(discord.connections())),
            write=lambda number: discord.post(f"№{number}", (CHANNEL_ID, OTHER_ID)[number % 2]),
            edit=lambda message, text, after: discord.edit(message, text, after=after),
            breaks=[
                discord.drop,
                lambda: discord.send({"op": 7, "d": None}),
                discord.invalidate,
                lambda: discord.close(4000),
            ],
            stream=stream,
        )
