"""The webhook's short way through the ASGI application."""

import asyncio
import json

import pytest
from asgiref.testing import ApplicationCommunicator

from apps.sources.models import Source
from apps.sources.webhooks import known_sources
from tasktracker.asgi import application
from tasktracker.lib import loop
from tests.sources.conftest import recorded

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _background_loop():
    """The application would make the test's short-lived loop the process's."""
    loop.background_loop()


def post(path, *parts, headers=(), method="POST"):
    """The status, the headers and the body of the answer."""

    async def ask():
        server = ApplicationCommunicator(
            application,
            {
                "type": "http",
                "method": method,
                "path": path,
                "query_string": b"",
                "headers": [(name.encode(), value.encode()) for name, value in headers],
            },
        )
        for number, part in enumerate(parts, 1):
            more = number < len(parts)
            await server.send_input({"type": "http.request", "body": part, "more_body": more})
        start = await server.receive_output(10)
        body = await server.receive_output(10)
        await server.wait(10)
        return start["status"], dict(start["headers"]), body["body"]

    return asyncio.run(ask())


def test_a_message_takes_the_short_way(project):
    known_sources.forget()
    source = Source.objects.create(project=project, kind="telegram", name="Bot")
    secret = ("x-telegram-bot-api-secret-token", source.webhook_secret)
    data = json.dumps(recorded("text")).encode()

    status, _, body = post("/webhook/telegram", data[:100], data[100:], headers=[secret])

    assert (status, json.loads(body)) == (200, {"status": "ok"})


def test_a_method_of_others_is_refused_with_its_header():
    status, headers, _ = post("/webhook/telegram", b"", method="GET")

    assert (status, headers[b"Allow"]) == (405, b"POST, HEAD")


def test_an_address_that_nobody_knows_is_not_found():
    assert post("/webhook/telegram/x/y", b"")[0] == 404


def test_of_a_body_that_never_ends_no_more_is_read_than_is_taken(project):
    known_sources.forget()
    source = Source.objects.create(project=project, kind="telegram", name="Bot")
    secret = ("x-telegram-bot-api-secret-token", source.webhook_secret)

    status, *_ = post("/webhook/telegram", *[b"x" * 1_000_000] * 5, headers=[secret])

    assert status == 413


def test_everything_else_goes_the_usual_way():
    status, headers, _ = post("/login/", b"", method="GET", headers=[("host", "localhost")])

    assert (status, headers[b"X-Frame-Options"]) == (200, b"DENY")


def test_a_loop_does_not_wait_for_itself():
    async def nothing():
        pass

    async def wait_for_it():
        with pytest.raises(RuntimeError, match="itself"):
            loop.run(nothing(), timeout=1)

    asyncio.run_coroutine_threadsafe(wait_for_it(), loop.background_loop()).result(5)
