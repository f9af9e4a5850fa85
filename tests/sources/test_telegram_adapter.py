"""Every kind of recorded update becomes the envelope that it should."""

from datetime import UTC, datetime

import pytest

from apps.sources.adapters.base import Unreadable
from apps.sources.adapters.telegram import Telegram
from tests.sources.conftest import FIXTURES, recorded

CHAT = "-1002148830671"


def read(update):
    return Telegram(Telegram.Config(), source_id=7).envelopes(update)


def only(name):
    (envelope,) = read(recorded(name))
    return envelope


def test_a_text_becomes_an_envelope():
    envelope = only("text")

    assert (envelope.source_id, envelope.external_id, envelope.edit) == (7, f"{CHAT}:101", 0)
    assert (envelope.chat.external_id, envelope.chat.title) == (CHAT, "Smachno Dev")
    assert (envelope.chat.kind, envelope.topic, envelope.kind) == ("supergroup", "", "text")
    assert (envelope.author_id, envelope.author_name) == ("501200341", "Олена Кравець")
    assert envelope.text == "Прод лежить, 502 на всіх сторінках 🔥"
    assert envelope.sent_at == datetime(2026, 3, 2, 9, 1, 41, tzinfo=UTC)
    assert envelope.raw == recorded("text")["message"]


def test_an_edit_is_the_same_message_at_another_time():
    envelope = only("edited")

    assert (envelope.external_id, envelope.edit) == (f"{CHAT}:101", 1772442400)
    assert envelope.text.endswith("кабінету")


@pytest.mark.parametrize(
    ("name", "reply_to", "topic"),
    [
        ("reply", f"{CHAT}:101", ""),
        ("external_reply", "-1001600200300:55", ""),
        ("topic", "", "40"),
        ("topic_reply", f"{CHAT}:104", "40"),
    ],
)
def test_replies_and_topics_are_told_apart(name, reply_to, topic):
    envelope = only(name)

    assert (envelope.reply_to, envelope.topic) == (reply_to, topic)


@pytest.mark.parametrize(
    ("name", "forwarded_from"),
    [
        ("forward_user", "Nick"),
        ("forward_hidden_user", "Deleted D."),
        ("forward_chat", "Support UA"),
        ("forward_channel", "Status"),
        ("forward_old", "Nick"),
    ],
)
def test_a_forward_names_who_wrote_it(name, forwarded_from):
    assert only(name).forwarded_from == forwarded_from


def test_an_anonymous_admin_speaks_for_the_chat():
    envelope = only("anonymous_admin")

    assert (envelope.author_id, envelope.author_name) == (CHAT, "Smachno Dev")
    assert not envelope.is_from_bot


def test_a_bot_is_marked():
    assert only("bot").is_from_bot


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [
        ("photo", "photo", "ось скрін"),
        ("sticker", "sticker", ""),
        ("voice", "voice", ""),
        ("animation", "animation", ""),
        ("document", "document", "лог"),
        ("poll", "poll", "Коли реліз?"),
    ],
)
def test_media_keep_their_kind_and_caption(name, kind, text):
    envelope = only(name)

    assert (envelope.kind, envelope.text) == (kind, text)


def test_posts_of_a_channel_are_messages_of_the_channel():
    post, edit = only("channel_post"), only("edited_channel_post")

    assert post.external_id == edit.external_id == "-1001600200300:9"
    assert (post.author_name, edit.author_name) == ("Status", "Status")
    assert (post.edit, edit.edit) == (0, 1772442100)
    assert post.chat.kind == "channel"


def test_a_private_chat_is_named_by_its_person():
    envelope = only("private")

    assert (envelope.chat.title, envelope.chat.kind) == ("Nick", "private")


@pytest.mark.parametrize(
    "name", ["topic_created", "joined", "migrated", "callback_query", "my_chat_member"]
)
def test_what_is_no_message_gives_nothing(name):
    assert read(recorded(name)) == []


def test_an_update_of_a_kind_that_we_do_not_know_gives_nothing():
    assert read({"update_id": 1, "telepathy": {"message_id": 1}}) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"message_id": "abc"}, "message_id"),
        ({"date": None}, "date"),
        ({"date": 10**18}, "time"),
        ({"chat": "-100"}, "chat"),
        ({"from": []}, "from"),
        ({"text": {"a": 1}}, "text"),
    ],
)
def test_wrong_types_are_said_without_their_values(changes, reason):
    update = recorded("text")
    update["message"].update(changes)

    with pytest.raises(Unreadable, match=reason) as error:
        read(update)

    assert "abc" not in str(error.value)


def test_a_message_that_is_no_object_is_unreadable():
    with pytest.raises(Unreadable, match="not an object"):
        read({"update_id": 1, "message": [1]})


@pytest.mark.parametrize(
    "path", sorted((FIXTURES / "telegram").glob("*.json")), ids=lambda p: p.stem
)
def test_every_envelope_survives_its_journey(path):
    for envelope in read(recorded(path.stem)):
        assert type(envelope).from_bytes(envelope.to_bytes()) == envelope


def test_text_is_only_text():
    update = recorded("text")
    nasty = "<script>alert(1)</script>'; DROP TABLE x; --\u202eabc\u200b\x00\ud800"
    update["message"]["text"] = nasty
    update["message"]["chat"]["title"] = nasty

    (envelope,) = read(update)

    assert type(envelope).from_bytes(envelope.to_bytes()) == envelope
    assert envelope.text == nasty.replace("\x00", "").replace("\ud800", "\ufffd")
    assert "\x00" not in str(envelope.raw)
