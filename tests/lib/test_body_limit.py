"""What is too long is refused before anything keeps it."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from tasktracker.asgi import BODY, limit_of
from tasktracker.lib.body_limit import BodyLimit


async def ask(body: bytes, *, limit: int, headers=()):
    """The status of an application that reads the whole body."""
    blocks = [body[at : at + 10] for at in range(0, len(body), 10)] or [b""]
    messages = iter([{"type": "http.request", "body": block} for block in blocks])
    taken, sent = [], []

    async def application(scope, receive, send):
        taken.extend([(await receive())["body"] for _ in blocks])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def receive():
        return next(messages)

    async def send(message):
        sent.append(message)

    async def limit_of(scope):
        return limit

    await BodyLimit(application, limit_of)({"headers": headers}, receive, send)
    return sent[0]["status"], b"".join(taken)


@pytest.mark.asyncio
async def test_what_fits_comes_through():
    assert await ask(b"x" * 100, limit=100) == (200, b"x" * 100)


@pytest.mark.asyncio
async def test_what_says_that_it_is_too_long_is_not_read():
    headers = [(b"content-length", b"101")]

    assert await ask(b"x" * 101, limit=100, headers=headers) == (413, b"")


@pytest.mark.asyncio
async def test_what_turns_out_too_long_is_dropped():
    assert (await ask(b"x" * 101, limit=100))[0] == 413


@pytest.fixture
def cookie(transactional_db):
    client = Client()
    client.force_login(get_user_model().objects.create(username="olena", is_staff=True))
    return f"sessionid={client.cookies['sessionid'].value}".encode()


@pytest.mark.asyncio
async def test_only_who_works_in_the_admin_may_send_an_archive(settings, cookie):
    settings.UPLOAD_MAX_BYTES = 10**9
    path = reverse("admin:sources_historyimport_add")

    def scope(**changes):
        values = {"method": "POST", "path": path, "headers": [(b"cookie", cookie)]}
        return {**values, **changes}

    assert await limit_of(scope()) > 10**9
    assert await limit_of(scope(headers=[])) == BODY
    assert await limit_of(scope(headers=[(b"cookie", b"sessionid=x")])) == BODY
    assert await limit_of(scope(path="/webhook/telegram")) == BODY
