"""Who gets in, who stays, and what the socket does with what it is sent."""

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth import get_user_model
from django.test import Client
from rest_framework.authtoken.models import Token

from tasktracker.realtime import consumers
from tasktracker.realtime.consumers import CONNECTIONS_PER_USER, MAX_FRAME, MAX_FRAMES, SILENT_FOR
from tasktracker.realtime.routing import OwnPagesOrPrograms
from tests.realtime.browser import Browser

pytestmark = pytest.mark.asyncio


@pytest.fixture
def session_key(member):
    client = Client()
    client.force_login(member)
    return client.session.session_key


async def test_a_visitor_is_closed_with_4401(handshake, project):
    browser = await handshake()

    assert await browser.close_code() == 4401


async def test_a_wrong_token_is_closed_with_4401(handshake, project):
    browser = await handshake(key="0" * 40)

    assert await browser.close_code() == 4401


async def test_a_token_in_the_subprotocol_is_greeted(handshake, key):
    browser = await handshake(key=key)

    assert await browser.frame() == {
        "type": "connection",
        "data": {"status": "connected", "message": "Ready for real-time updates"},
        "seq": 0,
    }


async def test_the_handshake_confirms_the_name_of_the_protocol_and_never_the_key(key):
    browser = Browser(protocols=["token", key])
    answer = await browser.handshake()
    await browser.leave()

    assert answer["subprotocol"] == "token"


@pytest.mark.parametrize("scheme", ["Token", "Bearer"])
async def test_a_token_in_the_header_is_greeted(scheme, key):
    browser = Browser(path="/ws/", headers=[(b"authorization", f"{scheme} {key}".encode())])
    await browser.handshake()
    greeting = await browser.frame()
    await browser.leave()

    assert greeting["type"] == "connection"


async def test_a_session_is_greeted(handshake, session_key):
    browser = await handshake(cookie=session_key)

    assert (await browser.frame())["type"] == "connection"


async def test_a_person_without_a_project_is_closed_with_4403(handshake, project):
    @database_sync_to_async
    def stranger():
        user = get_user_model().objects.create_user("stranger")
        return Token.objects.create(user=user).key

    browser = await handshake(key=await stranger())

    assert await browser.close_code() == 4403


async def test_staff_without_a_project_may_listen_and_hear_nothing(handshake, project):
    @database_sync_to_async
    def clerk():
        user = get_user_model().objects.create_user("clerk", is_staff=True)
        return Token.objects.create(user=user).key

    browser = await handshake(key=await clerk())

    assert (await browser.frame())["type"] == "connection"
    assert browser.live.rights.projects == {}


async def test_logging_out_ends_the_connection_at_the_next_check(connect, session_key, member):
    browser = await connect(cookie=session_key)
    await database_sync_to_async(member.set_password)("another long password")
    await member.asave()

    await browser.live.check()

    assert await browser.close_code() == 4401


async def test_a_revoked_token_ends_the_connection_at_the_next_check(connect, member):
    browser = await connect()
    await Token.objects.filter(user=member).adelete()

    await browser.live.check()

    assert await browser.close_code() == 4401


async def test_a_member_who_left_the_project_is_closed_at_the_next_check(connect, project, member):
    browser = await connect()
    await project.members.aremove(member)

    await browser.live.check()

    assert await browser.close_code() == 4403


async def test_rights_are_read_anew_when_a_minute_has_passed(connect, member):
    browser = await connect()
    await Token.objects.filter(user=member).adelete()
    browser.live.checked_at -= consumers.CHECK_EVERY + 1

    await browser.live.look_after()

    assert await browser.close_code() == 4401


async def test_a_silent_connection_is_removed(connect):
    browser = await connect()
    live = browser.live
    live.heard_at -= SILENT_FOR + 1

    await live.look_after()

    assert await browser.close_code() == 4408
    assert live not in live.hub.connections


async def test_one_person_cannot_open_more_than_the_limit(connect, handshake, key):
    for _ in range(CONNECTIONS_PER_USER):
        await connect()

    surplus = await handshake(key=key)

    assert await surplus.close_code() == 4429


async def test_a_closed_connection_makes_room(connect):
    browser = await connect()
    connected = browser.live.hub
    await browser.leave()

    assert connected.connections == set()


async def test_ping_is_answered_with_pong(connect):
    browser = await connect()
    await browser.send_text('{"type": "ping"}')

    assert await browser.frame() == {"type": "pong", "data": {}}


@pytest.mark.parametrize(
    "garbage",
    [
        "",
        "not json",
        "null",
        "[]",
        "[" * 4000,
        "{}",
        '{"type": "drop table"}',
        '{"type": ["ping"]}',
        '{"type": "subscribe", "data": {"project": 5}}',
        '{"type": "subscribe", "data": {"secret": "x"}}',
        '{"type": "subscribe", "data": {"types": ["everything"]}}',
        '{"type": "subscribe", "data": "x"}',
        '{"type": "subscribe", "data": {"author": "' + "a" * 300 + '"}}',
        "\ud800",
        "x" * (MAX_FRAME + 1),
    ],
)
async def test_garbage_gets_an_error_frame_and_the_connection_lives(garbage, connect):
    browser = await connect()
    await browser.send_text(garbage)
    await browser.send_text('{"type": "ping"}')

    assert [frame["type"] for frame in await browser.frames(2)] == ["error", "pong"]


async def test_binary_frames_get_an_error_frame(connect):
    browser = await connect()
    await browser.send_bytes(b"\x00\xff")

    assert (await browser.frame())["type"] == "error"


async def test_a_flood_of_frames_closes_the_connection(connect):
    browser = await connect()
    for _ in range(MAX_FRAMES + 1):
        await browser.send_text('{"type": "ping"}')
    outputs = [await browser.receive_output(timeout=5) for _ in range(MAX_FRAMES + 1)]

    assert 4429 in [output.get("code") for output in outputs]


async def test_a_filter_that_does_not_exist_closes_with_4400(handshake, key):
    browser = await handshake("types=everything", key=key)

    assert (await browser.frame())["type"] == "error"
    assert await browser.close_code() == 4400


@pytest.mark.parametrize(
    ("origin", "is_let_in"),
    [(None, True), ("https://team.example", True), ("https://evil.example", False)],
)
async def test_only_own_pages_and_programs_reach_the_consumer(origin, is_let_in):
    async def reached(scope, receive, send):
        await send({"type": "websocket.accept"})

    headers = [(b"origin", origin.encode())] if origin else []
    browser = Browser(headers=headers, app=OwnPagesOrPrograms(reached, ["team.example"]))
    answer = await browser.handshake()

    assert (answer["type"] == "websocket.accept") is is_let_in
