"""Every kind of recorded update becomes the envelope that it should."""

import json
from datetime import UTC, datetime

import pytest

from apps.sources.adapters.base import Unreadable
from apps.sources.adapters.telegram.adapter import Telegram
from apps.sources.adapters.telegram.polling import ALLOWED_UPDATES
from apps.sources.envelope import read as travelled
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


@pytest.mark.parametrize("name", ["joined", "callback_query"])
def test_what_is_no_message_gives_nothing(name):
    assert read(recorded(name)) == []


def test_what_telegram_is_asked_for_is_read():
    updates = [json.loads(file.read_text()) for file in (FIXTURES / "telegram").glob("*.json")]

    assert {kind for update in updates for kind in update if read(update)} - {"update_id"} == set(
        ALLOWED_UPDATES
    )


def test_a_quote_travels_with_the_answer():
    assert (only("quote").quote, only("reply").quote) == ("502 на всіх сторінках", "")


def test_parts_of_an_album_say_so_and_only_one_has_words():
    first, second = only("album_captioned"), only("album_part")

    assert first.album == second.album == "13579246801357924"
    assert (first.text, second.text, only("photo").album) == ("ось скрін", "", "")


@pytest.mark.parametrize(
    ("name", "files"), [("document", ("log.txt",)), ("photo", ()), ("voice", ()), ("text", ())]
)
def test_files_are_named(name, files):
    assert only(name).files == files


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("text", "https://t.me/c/2148830671/101"),
        ("topic", "https://t.me/c/2148830671/40/104"),
        ("channel_post", "https://t.me/c/1600200300/9"),
        ("public_group", "https://t.me/smachno_dev/144"),
        ("private", ""),
    ],
)
def test_members_find_the_message_by_its_address(name, url):
    assert only(name).url == url


def test_a_basic_group_has_no_addresses():
    update = recorded("text")
    update["message"]["chat"] |= {"id": -4400, "type": "group"}

    (envelope,) = read(update)

    assert envelope.url == ""


def test_a_message_of_a_topic_tells_how_the_topic_was_called():
    assert [only(name).topic_title for name in ("topic", "topic_reply", "text")] == ["Баги", "", ""]


@pytest.mark.parametrize(
    ("name", "kind", "chat", "data"),
    [
        ("my_chat_member", "membership", CHAT, {"role": "member"}),
        ("promoted", "membership", CHAT, {"role": "administrator"}),
        ("removed", "membership", CHAT, {"role": "left"}),
        ("topic_created", "topic", CHAT, {"topic": "40", "title": "Баги"}),
        ("topic_edited", "topic", CHAT, {"topic": "40", "title": "Баги та аварії"}),
        ("migrated", "moved", "-4400", {"to": CHAT}),
        ("migrated_from", "moved", "-4400", {"to": CHAT}),
        (
            "reaction",
            "reaction",
            CHAT,
            {"author_id": "501200341", "added": ["👍"], "removed": ["👎"]},
        ),
        (
            "reaction_anonymous",
            "reaction",
            CHAT,
            {"author_id": CHAT, "added": [], "removed": ["👍"]},
        ),
    ],
)
def test_what_happens_besides_messages_is_a_notice(name, kind, chat, data):
    notice = only(name)

    assert (notice.notice, notice.chat.external_id, notice.data) == (kind, chat, data)
    assert notice.key == str(recorded(name)["update_id"])
    assert notice.message == (f"{CHAT}:130" if kind == "reaction" else "")


def test_who_talks_to_the_bot_alone_adds_it_to_no_chat():
    update = recorded("my_chat_member")
    update["my_chat_member"]["chat"]["type"] = "private"

    assert read(update) == []


def test_a_restricted_bot_that_is_out_has_left():
    update = recorded("my_chat_member")
    update["my_chat_member"]["new_chat_member"] |= {"status": "restricted", "is_member": False}

    (notice,) = read(update)

    assert notice.data == {"role": "left"}


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
def test_everything_survives_its_journey(path):
    for envelope in read(recorded(path.stem)):
        assert travelled(envelope.to_bytes()) == envelope


def test_text_is_only_text():
    update = recorded("text")
    nasty = "<script>alert(1)</script>'; DROP TABLE x; --\u202eabc\u200b\x00\ud800"
    update["message"]["text"] = nasty
    update["message"]["chat"]["title"] = nasty

    (envelope,) = read(update)

    assert type(envelope).from_bytes(envelope.to_bytes()) == envelope
    assert envelope.text == nasty.replace("\x00", "").replace("\ud800", "\ufffd")
    assert "\x00" not in str(envelope.raw)
