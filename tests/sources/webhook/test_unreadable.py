"""Any program that posts JSON: what nobody can read, and settings that cannot work."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone, translation
from pydantic import ValidationError

from apps.sources.adapters.webhook.adapter import Webhook
from apps.sources.models import DeadLetter
from apps.sources.replay import replay
from tests.sources.webhook.conftest import SECRET

# What nobody can read


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"text=x&user=y",
        b'"text"',
        b"null",
        b"5",
        b'{"text": %s}' % (b"9" * 5000),
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 60 + b"1" + b"}" * 60,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_no_json_object_or_list_is_refused_with_a_sentence(post, stream, body):
    response = post(body)

    assert (response.status_code, bool(response.json()["detail"])) == (400, True)
    assert (stream(), DeadLetter.objects.count()) == ([], 0)


def test_a_body_that_is_too_large_is_refused(post):
    assert post({"text": "x" * 5_000_000}).status_code == 413


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ({}, "nothing at the path of the text"),
        ({"text": None}, "nothing at the path of the text"),
        ({"text": {"a": 1}}, "The field “Text” cannot be read: It is an object"),
        ({"text": ["x"]}, "The field “Text” cannot be read: It is a list"),
        ({"text": True}, "The field “Text” cannot be read: It is true or false"),
        ({"text": "x", "who": ["a"]}, "The field “Author” cannot be read: It is a list"),
        ({"text": "x", "at": "yesterday"}, "The field “Time” cannot be read: It is no time"),
        ({"text": "x", "at": True}, "The field “Time” cannot be read: It is no time"),
        ({"text": "x", "at": {}}, "The field “Time” cannot be read: It is no time"),
        ({"text": "x", "at": 10**17}, "The field “Time” cannot be read: It is no time"),
        ({"text": "x", "at": -1}, "the year"),
        ({"text": "x", "room": "r" * 300}, "external_id: "),
        (b'{"text": "x", "at": NaN}', "The field “Time” cannot be read: It is no time"),
    ],
)
def test_what_cannot_be_read_is_one_dead_letter_without_its_values(
    post, set_up, stream, event, why
):
    set_up(author="who", sent_at="at", chat="room")
    for _delivery in range(2):
        assert post(event).status_code == 200

    letter = DeadLetter.objects.get()
    assert why in letter.reason
    assert "rrr" not in letter.reason
    assert stream() == []


@pytest.mark.parametrize(
    ("event", "why"),
    [
        ({"other": []}, "nothing at the path of the messages"),
        ({"items": "x"}, "leads to a text"),
        ({"items": [{"text": "x"}] * 501}, "more than 500"),
        ({"items": ["x"]}, "nothing at the path of the text"),
    ],
)
def test_a_list_that_is_none_is_a_dead_letter(post, set_up, stream, event, why):
    set_up(messages="items[*]")

    assert post(event).status_code == 200
    assert why in DeadLetter.objects.get().reason
    assert stream() == []


def test_an_empty_list_is_no_message_and_no_trouble(post, set_up, stream):
    set_up(messages="items[*]")

    assert post({"items": []}).status_code == 200
    assert (stream(), DeadLetter.objects.count()) == ([], 0)


def test_a_list_may_be_a_single_object_or_plain_texts(post, set_up, stream):
    set_up(messages="items")
    post({"items": {"text": "one"}})
    set_up(messages="items", text="@")
    post({"items": ["two", "three"]})

    assert [envelope["text"] for _, envelope in stream()] == ["one", "two", "three"]


def test_one_bad_message_does_not_hold_back_the_others(post, set_up, stream, source):
    set_up(messages="items")
    body = {"items": [{"text": "one"}, {"txt": "two"}, {"text": "three"}]}
    post(body)

    assert [envelope["text"] for _, envelope in stream()] == ["one", "three"]
    letter = DeadLetter.objects.get()
    assert letter.reason.startswith("message 2: ")

    set_up(messages="items", text="txt")
    assert replay(letter) == 1
    assert [envelope["text"] for _, envelope in stream()] == ["two"]


def test_a_replayed_message_has_the_time_of_its_arrival(post, set_up, stream):
    post({"txt": "x"})
    letter = DeadLetter.objects.get()
    content = json.loads(letter.text)
    content["arrived_at"] = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    letter.payload = json.dumps(content).encode()
    set_up(text="txt")
    replay(letter)

    ((_, envelope),) = stream()
    assert datetime.fromisoformat(envelope["sent_at"]) < timezone.now() - timedelta(days=1)


@pytest.mark.parametrize(
    "text",
    ["нуль\x00байт", "<img src=x onerror=alert(1)>", "{{ 7|add:7 }} %s", "\ud83d", "я" * 100_000],
    ids=lambda text: ascii(text[:20]),
)
def test_text_is_only_text(post, stream, text):
    assert post({"text": text}).status_code == 200
    ((_, envelope),) = stream()
    assert envelope["text"] == text.replace("\x00", "").replace("\ud83d", "\ufffd")[:20_000]


# Settings


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"secret": "short"},
        {"secret": SECRET, "text": "a b"},
        {"secret": SECRET, "author": "items[*].name"},
        {"secret": SECRET, "place": "X Signature:"},
        {"secret": SECRET, "protection": "none"},
        {"secret": SECRET, "txt": "text"},
    ],
)
def test_settings_that_cannot_work_are_refused(config):
    with pytest.raises(ValidationError):
        Webhook.Config.model_validate(config)


def test_a_refusal_of_settings_speaks_in_our_words():
    with translation.override("en"), pytest.raises(ValidationError) as caught:
        Webhook.Config.model_validate({"secret": SECRET, "text": "event..text"})

    (problem,) = caught.value.errors()
    assert problem["msg"].startswith("“.text” is not understood.")
