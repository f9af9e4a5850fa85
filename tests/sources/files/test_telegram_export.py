"""Telegram Desktop's exports: every shape of them, also broken ones."""

import io
import json
import tracemalloc
from pathlib import Path

import pytest

from apps.sources.adapters.base import Skipped
from apps.sources.adapters.files.adapter import FileImport
from apps.sources.adapters.files.telegram_export import ValidJson

DEMO = Path(__file__).parents[3] / "data" / "demo" / "result.json"


def read(data):
    content = data if isinstance(data, bytes) else json.dumps(data, ensure_ascii=False).encode()
    return list(FileImport(FileImport.Config(), source_id=7).read(io.BytesIO(content)))


def message(number=2, **changes):
    return {
        "id": number,
        "type": "message",
        "date": "2025-11-03T08:53:13",
        "date_unixtime": "1762152793",
        "from": "Марта",
        "from_id": "user5",
        "text": "привіт",
        **changes,
    }


def export(*messages, **changes):
    return {
        "name": "Dev",
        "type": "private_supergroup",
        "id": 2148830671,
        "messages": list(messages),
        **changes,
    }


def only(data):
    (part,) = read(data)
    return part


def test_the_demo_chat_has_440_messages_and_6_service_entries():
    parts = read(DEMO.read_bytes())

    assert sum(not isinstance(part, Skipped) for part in parts) == 440
    assert [part.why for part in parts if isinstance(part, Skipped)] == ["service"] * 6


def test_history_has_the_ids_of_live_messages():
    envelope = only(export(message(reply_to_message_id=1, edited_unixtime="1762152800")))

    assert envelope.external_id == "-1002148830671:2"
    assert envelope.reply_to == "-1002148830671:1"
    assert (envelope.author_id, envelope.author_name) == ("5", "Марта")
    assert (envelope.edit, envelope.is_history) == (1762152800, True)
    assert envelope.sent_at.timestamp() == 1762152793


@pytest.mark.parametrize(
    ("kind", "external_id"),
    [
        ("private_supergroup", "-10042"),
        ("public_supergroup", "-10042"),
        ("private_channel", "-10042"),
        ("public_channel", "-10042"),
        ("private_group", "-42"),
        ("personal_chat", "personal:42"),
        ("saved_messages", "personal:42"),
        ("something_new", "personal:42"),
    ],
)
def test_chats_are_named_as_the_bot_api_names_them(kind, external_id):
    assert only(export(message(), id=42, type=kind)).chat.external_id == external_id


@pytest.mark.parametrize(
    ("from_id", "author_id"),
    [("user5", "5"), ("channel5", "-1005"), ("chat5", "-5"), (None, "")],
)
def test_authors_are_named_as_the_bot_api_names_them(from_id, author_id):
    assert only(export(message(from_id=from_id))).author_id == author_id


@pytest.mark.parametrize(
    "text",
    [
        "See https://a.b now",
        ["See ", {"type": "link", "text": "https://a.b"}, " now"],
    ],
)
def test_text_is_a_string_or_a_list_of_parts(text):
    assert only(export(message(text=text))).text == "See https://a.b now"


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"photo": "photos/1.jpg"}, "photo"),
        ({"file": "f", "media_type": "sticker"}, "sticker"),
        ({"file": "f", "media_type": "voice_message"}, "voice"),
        ({"file": "f", "media_type": "video_message"}, "video_note"),
        ({"file": "(File not included.)"}, "document"),
        ({}, "text"),
    ],
)
def test_media_keep_their_kind(fields, kind):
    assert only(export(message(**fields))).kind == kind


def test_a_poll_is_its_question():
    envelope = only(export(message(text="", poll={"question": "Коли реліз?", "answers": []})))

    assert (envelope.kind, envelope.text) == ("poll", "Коли реліз?")


def test_a_forward_names_who_wrote_it():
    assert only(export(message(forwarded_from="Nick"))).forwarded_from == "Nick"
    assert only(export(message(forwarded_from=None))).forwarded_from == ""


def test_topics_are_found_by_their_service_message():
    parts = read(
        export(
            {"id": 10, "type": "service", "action": "topic_created", "title": "Bugs", "text": ""},
            message(11, reply_to_message_id=10),
            message(12, reply_to_message_id=11),
            message(13),
        )
    )

    assert parts[0] == Skipped("service", "message 10", "topic_created")
    assert [(part.topic, part.reply_to) for part in parts[1:]] == [
        ("10", ""),
        ("10", "-1002148830671:11"),
        ("", ""),
    ]


def test_topics_are_found_in_whichever_order_the_messages_come():
    created = {"type": "service", "action": "topic_created", "text": ""}
    parts = read(
        export(
            {"id": 20, "title": "Bugs", **created},
            {"id": 10, "title": "Ideas", **created},
            message(30, reply_to_message_id=20),
            message(15, reply_to_message_id=10),
            message(12, reply_to_message_id=15),
            message(25, reply_to_message_id=14),
        )
    )

    assert [part.topic for part in parts[2:]] == ["20", "10", "10", ""]


def test_the_topics_of_a_long_chat_take_little_memory():
    """An archive may be larger than the memory, and whole forums are exported."""
    many = 5000
    replies = (message(number, reply_to_message_id=number - 1) for number in range(2, many))
    created = {"id": 1, "type": "service", "action": "topic_created", "text": ""}
    content = json.dumps(export(created, *replies)).encode()
    adapter = FileImport(FileImport.Config(), source_id=7)

    tracemalloc.start()
    try:
        sizes = [tracemalloc.get_traced_memory()[0] for _part in adapter.read(io.BytesIO(content))]
    finally:
        tracemalloc.stop()

    assert len(sizes) == many - 1
    assert sizes[-1] - sizes[0] < 64 * many


def test_messages_from_before_an_upgrade_have_keys_that_no_live_message_has():
    before, answer, after, other = read(
        export(
            message(-999_999_995),
            message(-999_999_993, reply_to_message_id=-999_999_995),
            message(2, reply_to_message_id=5, reply_to_peer_id="chat4400"),
            message(3, reply_to_message_id=5, reply_to_peer_id="channel77"),
        )
    )

    assert before.external_id == "-1002148830671:-999999995"
    assert answer.reply_to == after.reply_to == before.external_id
    assert other.reply_to == "-10077:5"


@pytest.mark.parametrize(
    ("kind", "key"),
    [("private_group", "-42:exported-"), ("personal_chat", "personal:42:exported-")],
)
def test_where_each_account_counts_for_itself_messages_have_keys_of_their_own(kind, key):
    first, answer = read(
        export(message(1), message(2, reply_to_message_id=1), id=42, type=kind),
    )

    assert (first.external_id, answer.external_id) == (f"{key}1", f"{key}2")
    assert answer.reply_to == first.external_id


@pytest.mark.parametrize(
    ("peer", "reply_to"),
    [("user7", "personal:7:exported-1"), ("chat7", "-7:exported-1"), ("channel7", "-1007:1")],
)
def test_an_answer_to_another_chat_names_its_message_as_that_chat_does(peer, reply_to):
    group = export(message(reply_to_message_id=1, reply_to_peer_id=peer), type="private_group")

    assert only(group).reply_to == reply_to


def test_an_account_has_many_chats():
    account = {
        "about": "…",
        "personal_information": {"user_id": 1, "first_name": "M"},
        "chats": {
            "about": "…",
            "list": [
                export(message(), id=1, name="One", type="private_group"),
                export(message(), id=2, name=None, type="personal_chat"),
            ],
        },
        "left_chats": {"about": "…", "list": [export(message(), id=3)]},
    }

    assert [(part.chat.external_id, part.chat.title) for part in read(account)] == [
        ("-1", "One"),
        ("personal:2", ""),
        ("-1003", "Dev"),
    ]


def test_a_file_that_is_cut_off_gives_everything_before_the_cut():
    whole = json.dumps(export(*(message(number) for number in range(1, 400)))).encode()
    cut = whole[: whole.index(b'"id": 300') + 40]

    *parts, end = read(cut)

    assert [part.external_id.rpartition(":")[2] for part in parts] == [
        str(n) for n in range(1, 300)
    ]
    assert (end.why, end.where) == ("truncated", "after message 299")
    assert "ends in the middle" in end.reason


def test_garbage_in_the_middle_gives_everything_before_it():
    whole = json.dumps(export(*(message(number) for number in range(1, 40)))).encode()
    at = whole.index(b'"id": 30')

    *parts, end = read(whole[:at] + b"garbage" + whole[at:])

    assert (len(parts), end.why) == (29, "truncated")


@pytest.mark.parametrize("data", [b"", b"garbage", b'{\n"name": "no chat"}', b"\x00\x01"])
def test_a_file_without_a_chat_says_so(data):
    (end,) = read(data)

    assert (end.why, bool(end.reason)) == ("truncated", True)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "two"},
        {"date_unixtime": None},
        {"date_unixtime": "yesterday"},
        {"date_unixtime": "9" * 30},
        {"text": {"a": 1}},
        {"from": [1]},
        {"edited_unixtime": "soon"},
        {"forwarded_from": 5},
    ],
)
def test_one_bad_message_does_not_take_the_others_along(changes):
    good, bad, other = read(export(message(1), message(**changes), message(3)))

    assert (bad.why, bool(bad.reason)) == ("invalid", True)
    assert [good.external_id[-2:], other.external_id[-2:]] == [":1", ":3"]


def test_the_exporters_escapes_are_read():
    data = json.dumps(export(message(text="@@"))).encode()

    assert only(data.replace(b"@@", rb"a\x1Fb\x00c")).text == "a\x1fbc"


def test_an_escaped_backslash_before_x_stays_what_it_is():
    assert only(export(message(text=r"C:\x64\temp"))).text == r"C:\x64\temp"


@pytest.mark.parametrize("size", range(16, 48))
def test_an_escape_is_read_across_the_edge_of_a_block(size):
    text = rb'{"a": "\x1F\\x41 \\\x02\u0416 \xD0\x96\x07 end"}'
    reader = ValidJson(io.BytesIO(text))
    read_back = b""
    while block := reader.read(size):
        read_back += block

    assert json.loads(read_back) == json.loads(text.replace(rb"\x1F", rb"\u001F").replace(
        rb"\\\x02", rb"\\\u0002").replace(rb"\xD0", rb"\u00D0").replace(rb"\x96", rb"\u0096")
        .replace(rb"\x07", rb"\u0007"))  # fmt: skip


def test_letters_are_read_across_the_edge_of_a_block():
    text = "їжак🦔" * 100
    reader = ValidJson(io.BytesIO(text.encode()))
    read_back = b""
    while block := reader.read(17):
        read_back += block

    assert read_back.decode() == text


def test_bytes_that_are_no_utf8_cost_only_their_letter():
    data = json.dumps(export(message(text="@"), message(3))).encode().replace(b"@", b"a\xffb")

    assert [part.text for part in read(data)] == ["a\ufffdb", "привіт"]
