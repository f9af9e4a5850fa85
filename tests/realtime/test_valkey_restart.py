"""A killed Valkey: subscriptions come back by themselves, and nothing that was said meanwhile is lost."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from channels.db import database_sync_to_async
from redis import Redis
from redis.exceptions import RedisError

from tasktracker.devstack.embedded import EmbeddedServices
from tasktracker.devstack.folder import DataFolder
from tasktracker.devstack.valkey import Valkey
from tasktracker.realtime import hub

PATIENCE = 15.0  # seconds; a subscription needs about two


class Server:
    """A Valkey of its own, which can be killed and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.services = EmbeddedServices(
            DataFolder(folder), given={"DATABASE_URL": "given", "NATS_URL": "given"}, durable=False
        )
        self.services.start()
        (self.valkey,) = self.services.services
        assert isinstance(self.valkey, Valkey)

    def kill(self) -> None:
        child = self.services.children["valkey"]
        child.process.send_signal(signal.SIGKILL)
        child.process.wait(timeout=5)

    def start_again(self) -> None:
        self.services.launch(self.valkey)
        self.services.wait(self.valkey)

    def subscribers(self) -> int:
        client = Redis.from_url(self.valkey.url)
        try:
            return sum(count for _, count in client.pubsub_numsub("live__group__events"))
        except RedisError:
            return 0
        finally:
            client.close()


@pytest.fixture
def server(tmp_path: Path, settings) -> Iterator[Server]:
    server = Server(tmp_path)
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [server.valkey.url], "prefix": "live"},
        }
    }
    yield server
    server.services.stop()


async def until_subscribed(server: Server) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await asyncio.to_thread(server.subscribers):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.1)


@pytest.mark.asyncio
async def test_subscriptions_come_back_after_valkey_was_killed(
    server, connect, tell, project, monkeypatch
):
    monkeypatch.setattr(hub, "ROUND", 3600.0)  # the table must not help
    browser = await connect()
    await tell(project.pk, "stats", {"number": 1})
    assert (await browser.frame())["data"] == {"number": 1}

    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start_again)
    await until_subscribed(server)
    await tell(project.pk, "stats", {"number": 2})

    assert (await browser.frame())["data"] == {"number": 2}


@pytest.mark.asyncio
async def test_a_browser_can_connect_and_hear_while_valkey_is_away(
    server, handshake, key, tell, project
):
    await asyncio.to_thread(server.kill)
    browser = await handshake(key=key)
    assert (await browser.frame())["type"] == "connection"
    await browser.live.hub.catch_up()

    await tell(project.pk, "stats", {"number": 1})
    await browser.live.hub.catch_up()

    assert (await browser.frame())["data"] == {"number": 1}


@pytest.mark.asyncio
async def test_a_listener_that_began_without_valkey_subscribes_when_it_is_there(
    server, handshake, key, tell, project, monkeypatch
):
    monkeypatch.setattr(hub, "ROUND", 3600.0)
    await asyncio.to_thread(server.kill)
    browser = await handshake(key=key)
    assert (await browser.frame())["type"] == "connection"

    await asyncio.to_thread(server.start_again)
    await until_subscribed(server)
    await tell(project.pk, "stats", {"number": 1})

    assert (await browser.frame())["data"] == {"number": 1}


@pytest.mark.asyncio
async def test_a_sender_goes_on_after_valkey_was_killed(
    server, connect, tell, project, monkeypatch
):
    monkeypatch.setattr(hub, "ROUND", 3600.0)
    browser = await connect()
    await tell(project.pk, "stats", {"number": 1})
    await browser.frame()
    await asyncio.to_thread(server.kill)
    await tell(project.pk, "stats", {"number": 2})
    stored = await database_sync_to_async(project._meta.model.objects.count)()
    await asyncio.to_thread(server.start_again)
    await until_subscribed(server)
    await tell(project.pk, "stats", {"number": 3})

    assert stored == 1
    assert (await browser.frame())["data"] == {"number": 3}
