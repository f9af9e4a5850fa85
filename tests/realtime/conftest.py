"""A project with two people, and websockets that speak to the real consumer over the real Valkey."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model
from rest_framework.authtoken.models import Token

from apps.sources.models import Project
from tasktracker.realtime.broadcast import publish
from tasktracker.realtime.hub import hub
from tests.realtime.browser import Browser

Connect = Callable[..., Awaitable[Browser]]


@pytest.fixture
def project(transactional_db: None) -> Project:
    return Project.objects.create(name="Shop", slug="shop")


@pytest.fixture
def other_project(transactional_db: None) -> Project:
    return Project.objects.create(name="Bank", slug="bank")


@pytest.fixture
def member(project: Project) -> Any:
    user = get_user_model().objects.create_user("olena", password="long enough to keep")
    project.members.add(user)
    return user


@pytest.fixture
def key(member: Any) -> str:
    return Token.objects.create(user=member).key


@pytest_asyncio.fixture
async def handshake(transactional_db: None) -> AsyncIterator[Connect]:
    """Open a websocket; nothing of what it says is read yet."""
    opened: list[Browser] = []

    async def open_one(query: str = "", *, key: str = "", cookie: str = "") -> Browser:
        headers = [(b"cookie", f"sessionid={cookie}".encode())] if cookie else []
        protocols = ["token", key] if key else []
        browser = Browser(query, headers=headers, protocols=protocols)
        opened.append(browser)
        assert (await browser.handshake())["type"] == "websocket.accept"
        return browser

    yield open_one
    for browser in opened:
        if not browser.future.done():
            await browser.leave()


@pytest.fixture
def connect(handshake: Connect, key: str) -> Connect:
    """Open a websocket as the project's member, greeted already and subscribed in Valkey."""

    async def open_one(query: str = "", **how: str) -> Browser:
        browser = await handshake(query, **(how or {"key": key}))
        greeting = await browser.frame()
        assert greeting["type"] == "connection"
        await hub().is_listening.wait()
        return browser

    return open_one


@pytest.fixture
def tell() -> Callable[..., Awaitable[None]]:
    return database_sync_to_async(publish)
