"""Every kind of recorded Slack event becomes the envelope that it should."""

import copy
import json
from datetime import UTC, datetime

import pytest

from apps.sources.adapters.base import Unreadable
from apps.sources.adapters.slack.adapter import Slack
from apps.sources.envelope import read as read_back
from tests.sources.conftest import FIXTURES

CHANNEL = "C07DEVCHAT1"
FIRST = "1772442101.000219"
EVENTS = sorted(
    path.stem
    for path in (FIXTURES / "slack").glob("*.json")
    if path.stem not in ("url_verification", "app_rate_limited")
)


def recorded(name):
    return json.loads((FIXTURES / "slack" / f"{name}.json").read_text())


def read(payload):
    return Slack(Slack.Config(), source_id=7).envelopes(payload)


def only(name):
    (envelope,) = read(recorded(name))
    return envelope


def test_a_text_becomes_an_envelope():
    envelope = only("text")

    assert (envelope.source_id, envelope.external_id, envelope.edit) == (7, f"{CHANNEL}:{FIRST}", 0)
    assert (envelope.chat.external_id, envelope.chat.kind) == (CHANNEL, "channel")
    assert (envelope.topic, envelope.reply_to, envelope.kind) == ("", "", "text")
    assert envelope.text == "Прод лежить, 502 на всіх сторінках 🔥"
    assert envelope.sent_at == datetime(2026, 3, 2, 9, 1, 41, 219, tzinfo=UTC)
    assert envelope.raw == recorded("text")["event"]
    assert not envelope.is_from_bot


def test_an_author_without_a_profile_is_named_by_the_id():
    envelope = only("text")

    assert (envelope.author_id, envelope.author_name) == ("U05OLENAKR1", "U05OLENAKR1")


def test_an_author_with_a_profile_is_named_by_it():
    envelope = only("thread_reply")

    assert (envelope.author_id, envelope.author_name) == ("U05NICKBELL", "nick")


@pytest.mark.parametrize("name", ["thread_reply", "thread_broadcast"])
def test_an_answer_in_a_thread_knows_its_thread_and_whom_it_answers(name):
    envelope = only(name)

    assert (envelope.reply_to, envelope.topic) == (f"{CHANNEL}:{FIRST}", FIRST)


def test_the_first_message_of_a_thread_answers_nobody():
    payload = recorded("text")
    payload["event"]["thread_ts"] = FIRST

    (envelope,) = read(payload)

    assert (envelope.reply_to, envelope.topic) == ("", "")


def test_an_edit_is_the_same_message_at_another_time():
    original, edit = only("text"), only("edited")

    assert edit.external_id == original.external_id
    assert (edit.edit, edit.sent_at) == (1772442400, original.sent_at)
    assert edit.text.endswith("кабінету")
    assert (edit.chat, edit.author_id) == (original.chat, original.author_id)
    assert edit.raw["text"] == edit.text


def test_an_edit_of_an_answer_stays_in_its_thread():
    payload = recorded("edited")
    payload["event"]["message"]["thread_ts"] = "1772442000.000001"

    (envelope,) = read(payload)

    assert envelope.topic == "1772442000.000001"


@pytest.mark.parametrize(
    "name",
    [
        "unfurled",  # nobody has changed a word
        "channel_join",
        "channel_topic",
        "member_joined_channel",
        "reaction_added",
        "own",
    ],
)
def test_what_is_no_message_gives_nothing(name):
    assert read(recorded(name)) == []


@pytest.mark.parametrize("name", ["deleted", "deleted_above_answers"])
def test_a_deletion_is_told(name):
    notice = only(name)

    assert (notice.notice, notice.message) == ("deleted", f"{CHANNEL}:{FIRST}")
    assert notice.chat.external_id == CHANNEL
    assert notice.happened_at.timestamp() == pytest.approx(1772442500.0008, abs=0.001)


def test_what_slack_says_of_ids_is_taken_for_names():
    payload = recorded("text")
    payload["event"]["text"] = "<@U05NICKBELL> глянь, і ти, <@U9>, у <#C1|>"
    payload["known"] = {
        "names": {"U05OLENAKR1": "Олена", "U05NICKBELL": "Нік", "C1": "support"},
        "chat": "#payments",
        "home": "https://smachno.slack.com/",
    }

    (envelope,) = read(payload)

    assert (envelope.author_name, envelope.chat.title) == ("Олена", "#payments")
    assert envelope.text == "@Нік глянь, і ти, @U9, у #support"
    assert envelope.url == "https://smachno.slack.com/archives/C07DEVCHAT1/p1772442101000219"


def test_files_are_kept_by_name_and_without_their_addresses():
    envelope = only("file_share")

    assert (envelope.kind, envelope.text) == ("photo", "ось скрін і лог")
    assert envelope.files == ("checkout 502.png", "nginx.log")
    assert [file["name"] for file in envelope.raw["files"]] == ["checkout 502.png", "nginx.log"]
    assert "files.slack.com" not in str(envelope.raw)
    assert "slack-files.com" not in str(envelope.raw)


def test_a_file_without_a_word_is_a_message_without_text():
    envelope = only("file_only")

    assert (envelope.kind, envelope.text) == ("document", "")


def test_an_integration_is_a_bot_and_its_attachment_is_what_it_says():
    envelope = only("bot_message")

    assert (envelope.is_from_bot, envelope.author_id) == (True, "B08GRAFANA1")
    assert envelope.author_name == "Grafana"
    assert envelope.text == (
        "[FIRING:1] High5xxRate checkout\n"
        "Firing\n\nValue: 0.42\nLabels: service = checkout\n"
        "Severity: critical"
    )


def test_a_bot_of_an_app_is_named_by_its_profile():
    envelope = only("bot_of_an_app")

    assert (envelope.is_from_bot, envelope.author_name) == (True, "Sentry")
    assert envelope.text.startswith("TypeError")


def test_a_message_of_blocks_only_says_their_words():
    assert only("blocks_only").text == (
        "Deploy failed\ncheckout at build 77 (https://ci.example.com/77)\nStage: migrate\n2 min ago"
    )


def test_rich_text_is_plain_text():
    assert only("rich_text").text == (
        "@U05NICKBELL @here @S08DUTY0001 у #payments не працює оплата: total < 0 && paid, див. "
        "звіт (https://sentry.example.com/issues/42?a=1&b=2) і http://example.com\n"
        "> так і лишилось"
    )


@pytest.mark.parametrize(
    ("name", "chat", "kind"),
    [
        ("direct_message", "D08NICKTRCK", "private"),
        ("private_channel", "G08SECRET01", "group"),
    ],
)
def test_chats_are_told_apart(name, chat, kind):
    envelope = only(name)

    assert (envelope.chat.external_id, envelope.chat.kind) == (chat, kind)


def test_a_shared_message_names_who_wrote_it():
    envelope = only("shared_message")

    assert (envelope.text, envelope.forwarded_from) == ("Оплата не проходить", "Олена Кравець")
    assert (envelope.author_id, envelope.forwarded_author_id) == ("U05NICKBELL", "U05OLENAKR1")


def test_what_somebody_does_is_said():
    assert only("me_message").text == "перезапускає воркери"


def test_the_preview_of_a_link_is_not_said_by_the_author():
    payload = recorded("text")
    payload["event"]["attachments"] = recorded("unfurled")["event"]["message"]["attachments"]

    assert read(payload)[0].text == only("text").text


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ts": "yesterday-7Q"}, "ts"),
        ({"ts": 1772442101.0}, "ts"),
        ({"ts": "999999999999.000000"}, "time|year"),
        ({"channel": None}, "channel"),
        ({"user": {"id": "yesterday-7Q"}}, "user"),
        ({"text": ["yesterday-7Q"]}, "text"),
        ({"files": "yesterday-7Q"}, "files"),
        ({"files": ["yesterday-7Q"]}, "files"),
        ({"subtype": ["yesterday-7Q"]}, "subtype"),
        ({"thread_ts": "yesterday-7Q"}, "thread_ts"),
        ({"attachments": "yesterday-7Q"}, "attachments"),
    ],
)
def test_wrong_types_are_said_without_their_values(changes, reason):
    payload = recorded("text")
    payload["event"].update(changes)

    with pytest.raises(Unreadable, match=reason) as error:
        read(payload)

    assert "yesterday-7Q" not in str(error.value)


@pytest.mark.parametrize(
    "event", [None, [], "x", {"type": "message", "subtype": "message_changed"}]
)
def test_an_event_that_is_no_object_is_unreadable(event):
    with pytest.raises(Unreadable, match="not an object"):
        read({**recorded("text"), "event": event})


@pytest.mark.parametrize(
    "nothing", ["text", "files", "attachments", "blocks", "thread_ts", "subtype", "user_profile"]
)
def test_what_is_null_is_not_there(nothing):
    payload = copy.deepcopy(recorded("text"))
    payload["event"][nothing] = None

    assert len(read(payload)) == 1


@pytest.mark.parametrize("name", EVENTS)
def test_every_envelope_survives_its_journey(name):
    for envelope in read(recorded(name)):
        assert read_back(envelope.to_bytes()) == envelope


def test_text_is_only_text():
    payload = recorded("text")
    payload["event"]["text"] = "&lt;script&gt;alert(1)&lt;/script&gt;'; DROP TABLE x; --\x00\ud800"

    (envelope,) = read(payload)

    assert envelope.text == "<script>alert(1)</script>'; DROP TABLE x; --\ufffd"
    assert "\x00" not in str(envelope.raw)


def test_the_secret_of_the_settings_is_masked():
    config = Slack.Config(signing_secret="8f742231b10e")

    assert "8f742231b10e" not in repr(config) + str(config.model_dump())


def test_no_message_beside_the_message_brings_addresses_of_files():
    payload = copy.deepcopy(recorded("text"))
    files = [{"id": "F1", "name": "a.png", "url_private": "https://files.slack.com/a"}]
    payload["event"] |= {"root": {"files": files}, "attachments": [{"text": "x", "files": files}]}

    (envelope,) = read(payload)

    assert "files.slack.com" not in str(envelope.raw)
    assert envelope.raw["attachments"][0]["files"] == [{"id": "F1", "name": "a.png"}]
    assert "files.slack.com" in str(payload)
