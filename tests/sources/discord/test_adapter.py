"""Every kind of recorded Discord event becomes the envelope or the notice that it should."""

import json
from datetime import UTC, datetime

import pytest

from apps.sources.adapters.base import Unreadable
from apps.sources.adapters.discord.adapter import Discord
from apps.sources.envelope import read as read_back
from tests.sources.conftest import FIXTURES

CHANNEL = "1020000000000000010"
FIRST = "1345678901234567890"
EVENTS = sorted(path.stem for path in (FIXTURES / "discord").glob("*.json"))


def recorded(name):
    return json.loads((FIXTURES / "discord" / f"{name}.json").read_text())


def read(payload):
    return Discord(Discord.Config(), source_id=7).envelopes(payload)


def only(name):
    (found,) = read(recorded(name))
    return found


def test_a_text_becomes_an_envelope():
    envelope = only("text")

    assert (envelope.source_id, envelope.external_id, envelope.edit) == (7, f"{CHANNEL}:{FIRST}", 0)
    assert envelope.chat.model_dump() == {
        "external_id": CHANNEL,
        "title": "Smachno #payments",
        "kind": "channel",
    }
    assert (envelope.topic, envelope.reply_to, envelope.kind) == ("", "", "text")
    assert (envelope.author_id, envelope.author_name) == ("700000000000000001", "Олена Кравець")
    assert envelope.text == "Прод лежить, 502 на всіх сторінках 🔥"
    assert envelope.sent_at == datetime(2026, 3, 2, 9, 1, 41, 219000, tzinfo=UTC)
    assert envelope.url == f"https://discord.com/channels/900000000000000001/{CHANNEL}/{FIRST}"
    assert not envelope.is_from_bot


def test_an_answer_knows_whom_it_answers_and_people_have_the_names_of_their_server():
    envelope = only("reply")

    assert (envelope.reply_to, envelope.topic) == (f"{CHANNEL}:{FIRST}", "")
    assert (envelope.author_name, envelope.text) == ("Нік", "@Оля бачу, деплой о 8:55")


@pytest.mark.parametrize(
    ("name", "chat", "reply_to"),
    [
        ("thread", CHANNEL, f"{CHANNEL}:{FIRST}"),
        ("forum_post", "1020000000000000020", ""),
        ("forum_answer", "1020000000000000020", f"{FIRST}:{FIRST}"),
    ],
)
def test_a_thread_is_a_topic_of_its_channel_and_answers_its_beginning(name, chat, reply_to):
    envelope = only(name)

    assert (envelope.chat.external_id, envelope.topic) == (chat, FIRST)
    assert envelope.reply_to == reply_to


def test_the_name_of_a_thread_is_told():
    notice = only("thread_created")

    assert (notice.notice, notice.chat.external_id) == ("topic", CHANNEL)
    assert notice.data == {"topic": FIRST, "title": "502 на checkout"}


def test_an_edit_is_the_same_message_at_another_time():
    original, edit = only("text"), only("edited")

    assert edit.external_id == original.external_id
    assert (edit.edit, edit.sent_at) == (1772442400, original.sent_at)
    assert edit.text == "Прод лежить, 502 у кабінеті"


@pytest.mark.parametrize("name", ["unfurled", "partial", "joined", "own"])
def test_what_is_no_message_gives_nothing(name):
    assert read(recorded(name)) == []


def test_deletions_are_told_one_by_one():
    (single,) = read(recorded("deleted"))
    several = read(recorded("deleted_at_once"))

    assert (single.notice, single.message) == ("deleted", f"{CHANNEL}:{FIRST}")
    assert single.happened_at == datetime(2026, 3, 2, 9, 8, 20, 500000, tzinfo=UTC)
    assert [notice.message.partition(":")[2] for notice in several] == [
        FIRST,
        "1345678901234567891",
    ]


def test_files_are_kept_by_name_and_without_their_addresses():
    envelope = only("files")

    assert (envelope.kind, envelope.files) == ("photo", ("checkout.png", "nginx.log"))
    assert "cdn.discordapp.com" not in envelope.model_dump_json()


def test_a_webhook_is_a_bot_and_its_box_is_what_it_says():
    envelope = only("webhook")

    assert (envelope.is_from_bot, envelope.author_name) == (True, "Grafana")
    assert envelope.text == "[FIRING:1] High5xxRate checkout\nFiring\nSeverity: critical"


def test_what_is_passed_on_is_said():
    envelope = only("forwarded")

    assert (envelope.text, envelope.forwarded_from) == ("Оплата не проходить", "#support")
    assert (envelope.reply_to, envelope.files) == ("", ("screen.png",))
    assert "cdn.discordapp.com" not in envelope.model_dump_json()


def test_a_private_talk_is_named_after_the_person():
    envelope = only("private")

    assert (envelope.chat.kind, envelope.chat.title) == ("private", "Олена Кравець")
    assert envelope.url.startswith("https://discord.com/channels/@me/")


@pytest.mark.parametrize(
    ("name", "kind", "text"), [("sticker", "sticker", ""), ("poll", "poll", "Відкочуємо реліз?")]
)
def test_other_kinds_are_told_apart(name, kind, text):
    envelope = only(name)

    assert (envelope.kind, envelope.text) == (kind, text)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"id": 5}, "id"),
        ({"timestamp": "yesterday-7Q"}, "timestamp"),
        ({"author": "yesterday-7Q"}, "author"),
        ({"content": ["yesterday-7Q"]}, "content"),
        ({"attachments": "yesterday-7Q"}, "attachments"),
        ({"embeds": "yesterday-7Q"}, "embeds"),
    ],
)
def test_wrong_types_are_said_without_their_values(changes, reason):
    payload = recorded("text")
    payload["d"].update(changes)

    with pytest.raises(Unreadable, match=reason) as error:
        read(payload)

    assert "yesterday-7Q" not in str(error.value)


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"t": "MESSAGE_CREATE", "d": []},
        {"t": "MESSAGE_CREATE", "d": {}},
        {"t": "MESSAGE_DELETE", "d": {"id": 5}, "place": recorded("text")["place"]},
    ],
)
def test_what_is_no_event_is_unreadable(payload):
    with pytest.raises(Unreadable):
        read(payload)


@pytest.mark.parametrize("name", EVENTS)
def test_everything_survives_its_journey(name):
    for found in read(recorded(name)):
        assert read_back(found.to_bytes()) == found


def test_the_token_of_the_settings_is_masked():
    config = Discord.Config(bot_token="MTIz.8f742231b10e")

    assert "8f742231b10e" not in repr(config) + str(config.model_dump())


def test_a_thread_that_is_renamed_back_is_told_again():
    payload = recorded("thread_created")

    (first,) = read({**payload, "heard_at": 1_772_442_101.0})
    (second,) = read({**payload, "heard_at": 1_772_442_102.0})

    assert first.message_id != second.message_id


def test_the_message_that_is_answered_brings_no_files():
    payload = recorded("text")
    answered = {**payload["d"], "attachments": [{"id": "1", "url": "https://cdn.example/x"}]}

    (envelope,) = read({**payload, "d": {**payload["d"], "referenced_message": answered}})

    assert "cdn.example" not in str(envelope.raw)
