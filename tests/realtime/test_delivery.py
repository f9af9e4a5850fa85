"""Events on their way: who hears them, in which form, and how missed ones come back."""

import asyncio
from datetime import timedelta

import pytest
from channels.layers import get_channel_layer
from django.db import transaction
from django.utils import timezone

from tasktracker.realtime import broadcast, consumers, hub, replay
from tasktracker.realtime.models import Event

MESSAGE = {"id": 1, "author": "Олена", "source_name": "Support bot", "content": "не працює"}


@pytest.mark.asyncio
async def test_an_event_reaches_a_member_with_its_number(connect, tell, project):
    browser = await connect()
    await tell(project.pk, "message.new", MESSAGE)
    row = await Event.objects.aget()

    assert await browser.frame() == {"type": "message.new", "data": MESSAGE, "seq": row.pk}


@pytest.mark.asyncio
async def test_nobody_hears_another_teams_project(connect, tell, project, other_project):
    browser = await connect()
    await tell(other_project.pk, "message.new", {"content": "secret"})
    await tell(project.pk, "stats", {"reason": "test"})

    assert (await browser.frame())["data"] == {"reason": "test"}


@pytest.mark.asyncio
async def test_a_new_membership_is_heard_after_the_next_check(connect, tell, member, other_project):
    browser = await connect()
    await other_project.members.aadd(member)
    await browser.live.check()
    await tell(other_project.pk, "stats", {"reason": "welcome"})

    assert (await browser.frame())["data"] == {"reason": "welcome"}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "query",
    ["author=%D0%BE%D0%BB%D0%B5", "source=support", "types=message.new,stats", "project=shop"],
)
async def test_an_event_that_fits_the_filter_passes(query, connect, tell, project):
    browser = await connect(query)
    await tell(project.pk, "message.new", MESSAGE)

    assert (await browser.frame())["type"] == "message.new"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "filters",
    [{"author": "Taras"}, {"source": "mail"}, {"types": ["task_created"]}, {"project": "bank"}],
)
async def test_an_event_that_does_not_fit_is_held_back(filters, connect, tell, project):
    browser = await connect()
    await browser.send_json({"type": "subscribe", "data": filters})
    assert (await browser.frame())["type"] == "subscribed"

    everything = await connect()
    await tell(project.pk, "message.new", MESSAGE)
    assert (await everything.frame())["type"] == "message.new"
    await browser.send_text('{"type": "ping"}')

    assert (await browser.frame())["type"] == "pong"


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["since", "lastSeq"])
async def test_missed_events_are_replayed_in_order(name, connect, tell, project):
    for number in range(3):
        await tell(project.pk, "stats", {"number": number})
    first = await Event.objects.order_by("pk").afirst()
    await Event.objects.filter(pk=first.pk).aupdate(created_at=timezone.now() - timedelta(hours=1))
    browser = await connect(f"{name}={first.pk}")

    assert [frame["data"]["number"] for frame in await browser.frames(2)] == [1, 2]


@pytest.mark.asyncio
async def test_a_replay_respects_the_filter(connect, tell, project):
    for kind in ("stats", "message.new", "stats"):
        await tell(project.pk, kind, {})
    browser = await connect("since=0&types=message.new")
    await browser.send_text('{"type": "ping"}')

    assert [frame["type"] for frame in await browser.frames(2)] == ["message.new", "pong"]


@pytest.mark.asyncio
async def test_a_replay_holds_nothing_of_other_projects(connect, tell, project, other_project):
    await tell(other_project.pk, "stats", {"number": 1})
    await tell(project.pk, "stats", {"number": 2})
    browser = await connect("since=0")

    assert (await browser.frame())["data"]["number"] == 2


@pytest.mark.asyncio
async def test_who_missed_too_much_is_told_to_load_anew(connect, project):
    await Event.objects.abulk_create(
        Event(project=project, type="stats", data={}) for _ in range(replay.LIMIT + 1)
    )
    browser = await connect("since=0")

    assert (await browser.frame())["type"] == "resync"


@pytest.mark.asyncio
async def test_who_asks_for_forgotten_events_is_told_to_load_anew(connect, project, tell):
    await tell(project.pk, "stats", {})
    await Event.objects.all().adelete()
    await tell(project.pk, "stats", {})
    newest = await Event.objects.order_by("-pk").afirst()
    browser = await connect(f"since={newest.pk - 2}" if newest.pk > 2 else "since=1")

    assert (await browser.frame())["type"] in {"resync", "stats"}


@pytest.mark.asyncio
async def test_an_event_that_valkey_lost_is_found_in_the_table_and_delivered_once(
    connect, project, tell
):
    browser = await connect()
    await browser.live.hub.catch_up()
    lost = await Event.objects.acreate(project=project, type="stats", data={"is": "lost"})
    await browser.live.hub.catch_up()
    await browser.live.hub.catch_up()
    await tell(project.pk, "stats", {"is": "heard"})
    await browser.live.hub.catch_up()
    await browser.send_text('{"type": "ping"}')

    frames = await browser.frames(3)

    assert frames[0] == {"type": "stats", "data": {"is": "lost"}, "seq": lost.pk}
    assert sorted(frame["type"] for frame in frames[1:]) == ["pong", "stats"]


@pytest.mark.asyncio
async def test_a_late_commit_with_a_smaller_number_is_still_found(connect, project):
    browser = await connect()
    await browser.live.hub.catch_up()
    early, late = await Event.objects.abulk_create(
        [Event(project=project, type="stats", data={"order": n}) for n in (1, 2)]
    )
    await Event.objects.filter(pk=early.pk).adelete()
    await browser.live.hub.catch_up()
    await Event(pk=early.pk, project=project, type="stats", data={"order": 1}).asave(
        force_insert=True
    )
    await browser.live.hub.catch_up()

    assert [frame["seq"] for frame in await browser.frames(2)] == [late.pk, early.pk]


@pytest.mark.asyncio
async def test_a_process_that_missed_too_much_tells_its_browsers_to_load_anew(
    connect, project, monkeypatch
):
    monkeypatch.setattr(hub, "CATCH_UP_LIMIT", 2)
    browser = await connect()
    await browser.live.hub.catch_up()
    await Event.objects.abulk_create(
        Event(project=project, type="stats", data={}) for _ in range(3)
    )
    await browser.live.hub.catch_up()

    assert (await browser.frame())["type"] == "resync"


@pytest.mark.asyncio
async def test_a_slow_browser_is_told_to_load_anew_instead_of_filling_the_memory(
    connect, project, monkeypatch
):
    monkeypatch.setattr(consumers, "MAX_OUTBOX", 10)
    browser = await connect()
    events = [Event(pk=n, project=project, type="stats", data={}) for n in range(1, 12)]
    for event in events:  # without giving the sender a turn
        browser.live.offer(hub.LiveEvent.from_row(event))

    assert (await browser.frame())["type"] == "resync"


@pytest.mark.asyncio
async def test_a_browser_that_takes_nothing_is_dropped(connect, project, monkeypatch):
    monkeypatch.setattr(consumers, "SEND_TIMEOUT", 0)
    browser = await connect()
    live = browser.live

    async def never(text: str) -> None:
        await asyncio.Event().wait()

    live.send = never
    live.offer(hub.LiveEvent.from_row(Event(pk=1, project=project, type="stats", data={})))
    await live.sender

    assert live not in live.hub.connections


def test_an_event_of_a_rolled_back_change_is_never_stored(project):
    with transaction.atomic():
        broadcast.publish(project.pk, "stats", {})
        transaction.set_rollback(True)

    assert not Event.objects.exists()


def test_a_failing_live_update_does_not_fail_the_work(project):
    broadcast.publish(project.pk, "stats", {"not json": object()})
    broadcast.publish(project.pk, "stats", {"is": "fine"})

    assert [event.data for event in Event.objects.all()] == [{"is": "fine"}]


def test_without_valkey_events_are_stored_and_nobody_waits(project, settings):
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"], "prefix": "nowhere"},
        }
    }
    for _ in range(3):
        broadcast.publish(project.pk, "stats", {})

    assert Event.objects.count() == 3


def test_more_batches_than_may_wait_are_left_to_the_catch_up(project, monkeypatch, caplog):
    monkeypatch.setattr(broadcast, "MAX_PENDING", 0)
    broadcast.publish(project.pk, "stats", {})

    assert Event.objects.count() == 1
    assert "left to the catch-up" in caplog.text


def test_pruning_forgets_events_of_yesterday_only(project):
    fresh = Event.objects.create(project=project, type="stats", data={})
    old = Event.objects.create(project=project, type="stats", data={})
    Event.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(hours=25))

    assert broadcast.prune() == 1
    assert list(Event.objects.all()) == [fresh]


@pytest.mark.asyncio
async def test_a_message_that_is_no_event_does_not_stop_the_listener(connect, tell, project):
    browser = await connect()
    await get_channel_layer().group_send(broadcast.GROUP, {"type": "nonsense"})
    await hub.hub().is_listening.wait()
    await tell(project.pk, "stats", {})

    assert (await browser.frame())["type"] == "stats"
