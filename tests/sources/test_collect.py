"""The collector against a server that speaks Telegram's HTTP: nothing is forgotten before it is safe."""

import logging

import psycopg
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from telegram.error import Conflict, InvalidToken, NetworkError, RetryAfter, TelegramError

from apps.sources.adapters.telegram.library import refusal_of
from apps.sources.collect import LOCK_KIND, inlets, trouble_of
from apps.sources.models import DeadLetter, Source
from tasktracker.lib.bus import BusUnavailable
from tests.lib.jetstream import jetstream_away
from tests.sources.conftest import numbered
from tests.stubs.telegram import TOKEN

pytestmark = pytest.mark.django_db(transaction=True)

BOT = TOKEN.partition(":")[0]


def collect():
    call_command("collect_messages", once=True)


def test_what_waits_at_telegram_is_published_and_then_confirmed(bot, telegram, stream):
    telegram.add(numbered("text", 10), numbered("reply", 11))

    collect()

    assert [envelope["external_id"].rpartition(":")[2] for _, envelope in stream()] == ["10", "11"]
    bot.refresh_from_db()
    assert bot.position == {"bot": BOT, "server": telegram.url, "offset": 12}
    assert telegram.updates == []  # the last question confirmed them
    assert [question.get("offset") for question in telegram.questions] == [None, "12"]
    assert "edited_channel_post" in telegram.questions[0]["allowed_updates"]


@pytest.mark.parametrize(
    ("position", "asked"),
    [
        ({"bot": "987", "offset": 12}, None),
        ({"bot": BOT, "server": "http://127.0.0.1:1", "offset": 12}, None),
        ({"bot": BOT, "offset": 12}, "12"),
        ({"offset": 12}, "12"),
    ],
)
def test_the_position_of_another_bot_or_server_confirms_nothing(
    bot, telegram, stream, position, asked
):
    Source.objects.filter(pk=bot.pk).update(position=position)

    collect()

    assert telegram.questions[0].get("offset") == asked


def test_numbers_that_begin_lower_after_a_week_of_silence_are_taken_and_confirmed(
    bot, telegram, stream
):
    Source.objects.filter(pk=bot.pk).update(position={"bot": BOT, "offset": 500})
    telegram.add(numbered("text", 10), numbered("reply", 11))

    collect()

    bot.refresh_from_db()
    assert (len(stream()), bot.position["offset"], telegram.updates) == (2, 12, [])


def test_more_than_one_answer_is_taken(bot, telegram, stream):
    telegram.add(*(numbered("text", number) for number in range(1, 131)))

    collect()

    assert len(stream()) == 130


def test_without_an_acknowledgement_the_offset_stays(bot, telegram):
    telegram.add(numbered("text", 10))

    with jetstream_away():
        collect()

    bot.refresh_from_db()
    assert (bot.position, len(telegram.updates)) == ({}, 1)
    assert "JetStream" in bot.last_error


def test_an_unreadable_update_becomes_a_dead_letter_and_the_next_one_is_taken(
    bot, telegram, stream
):
    broken = numbered("text", 10)
    broken["message"]["date"] = "yesterday"
    telegram.add(broken, numbered("text", 11), {"update_id": 12, "message": "?"})

    collect()

    assert len(stream()) == 1
    assert list(DeadLetter.objects.order_by("sequence").values_list("sequence", flat=True)) == [
        10,
        12,
    ]
    bot.refresh_from_db()
    assert (bot.position["offset"], bot.last_error) == (13, "")


def test_updates_without_a_message_are_confirmed_too(bot, telegram, stream):
    telegram.add(numbered("callback_query", 10))

    collect()

    bot.refresh_from_db()
    assert (bot.position["offset"], stream(), DeadLetter.objects.count()) == (11, [], 0)


@pytest.mark.parametrize(
    ("code", "description", "sentence"),
    [
        (409, "Conflict: terminated by other getUpdates request", "Somebody else polls"),
        (409, "Conflict: can't use getUpdates method while webhook is active", "webhook"),
        (409, "Conflict: terminated by setWebhook request", "A webhook was set"),
        (401, "Unauthorized", "bot token"),
        (404, "Not Found", "bot token"),
        (502, "Bad Gateway", "cannot be reached"),
        (400, "Bad Request: offset", "cannot be reached"),
    ],
)
def test_trouble_shows_at_the_source_in_plain_words(bot, telegram, code, description, sentence):
    telegram.fail(code, description)

    collect()

    bot.refresh_from_db()
    assert sentence in bot.last_error


def test_trouble_that_passed_is_forgotten(bot, telegram):
    telegram.fail(502, "Bad Gateway")
    collect()
    collect()

    bot.refresh_from_db()
    assert bot.last_error == ""


def test_a_pause_that_telegram_asks_for_is_obeyed(bot, telegram):
    telegram.fail(429, "Too Many Requests: retry after 17", retry_after=17)

    collect()

    bot.refresh_from_db()
    assert "pause" in bot.last_error


@pytest.mark.parametrize(
    ("error", "failures", "shortest", "longest"),
    [
        (RetryAfter(17), 0, 17, 17),
        (Conflict("terminated by other getUpdates request"), 0, 3, 3),
        (Conflict("terminated by other getUpdates request"), 9, 60, 60),
        (InvalidToken("Unauthorized"), 0, 60, 60),
        (NetworkError("Bad Gateway"), 0, 0.25, 0.5),
        (NetworkError("Bad Gateway"), 20, 15, 30),
        (BusUnavailable("x"), 20, 60, 120),
        (OperationalError("x"), 20, 2.5, 5),
        (psycopg.OperationalError("x"), 0, 0.25, 0.5),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_each_trouble_has_its_pause(error, failures, shortest, longest):
    known = refusal_of(error, TOKEN) if isinstance(error, TelegramError) else error

    assert shortest <= trouble_of(known, failures).pause <= longest


def test_the_token_is_in_no_log(bot, telegram, caplog):
    caplog.set_level(logging.DEBUG)
    telegram.add(numbered("text", 10))
    telegram.fail(502, f"Bad Gateway at /bot{TOKEN}/getUpdates")

    collect()
    collect()

    bot.refresh_from_db()
    assert TOKEN not in caplog.text
    assert TOKEN not in bot.last_error


def test_a_bot_that_somebody_else_polls_is_left_alone(bot, telegram):
    telegram.add(numbered("text", 10))
    lock = [LOCK_KIND, inlets()[0].lock_number % 2**31]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", lock)
        collect()
        cursor.execute("SELECT pg_advisory_unlock(%s, %s)", lock)

    assert telegram.questions == []


def test_two_sources_of_one_bot_do_not_poll_it_at_once(bot, telegram, stream, other_project):
    second = Source.objects.create(
        project=other_project, kind="telegram", name="Again", config={"bot_token": TOKEN}
    )
    telegram.add(numbered("text", 10))

    collect()

    assert [envelope["source_id"] for _, envelope in stream()] == [bot.pk]
    assert len(telegram.questions) == 2  # what waited, and nothing more
    bot.refresh_from_db()
    second.refresh_from_db()
    assert (bot.last_error, second.position) == ("", {})
    assert "Another source" in second.last_error
    assert bot.name not in second.last_error  # which may belong to people of another project


def test_the_lock_is_the_bots_whatever_source_has_it(bot, project):
    (first,) = inlets()
    bot.delete()
    Source.objects.create(
        project=project, kind="telegram", name="Again", config={"bot_token": TOKEN}
    )
    (second,) = inlets()

    assert first.id != second.id
    assert first.lock_number == second.lock_number


def test_only_active_polling_sources_are_polled(bot, project):
    def add(name, **changes):
        config = {"bot_token": TOKEN, **changes.pop("config", {})}
        return Source.objects.create(
            **{"project": project, "kind": "telegram", "name": name, "config": config, **changes}
        )

    add("inactive", is_active=False)
    add("webhook", config={"mode": "webhook"})
    add("other kind", kind="api")
    without_token = add("no token", config={"bot_token": ""})
    nonsense = add("nonsense", config={"mode": "telepathy"})

    assert [inlet.name for inlet in inlets()] == ["Bot"]

    without_token.refresh_from_db()
    nonsense.refresh_from_db()
    assert "no bot token" in without_token.last_error
    assert "settings" in nonsense.last_error
