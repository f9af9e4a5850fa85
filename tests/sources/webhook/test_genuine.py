"""Any program that posts JSON: who may, and what its messages become."""

import base64
import hmac
import json
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from apps.sources.adapters.webhook.adapter import Webhook
from apps.sources.models import DeadLetter
from tests.sources.conftest import FIXTURES
from tests.sources.webhook.conftest import SECRET, signature

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
MAPPINGS = {
    "mattermost": {
        "protection": "body",
        "author": "user_id",
        "author_name": "user_name",
        "chat": "channel_id",
        "chat_title": "channel_name",
        "message": "post_id",
        "sent_at": "timestamp",
    },
    "zendesk": {
        "protection": "bearer",
        "text": "event.comment.body",
        "author": "event.comment.author.id",
        "author_name": "event.comment.author.name",
        "chat": "account_id",
        "message": "event.comment.id",
        "sent_at": "time",
        "thread": "detail.id",
        "url": "subject",
    },
    "form": {
        "place": "Typeform-Signature",
        "text": "form_response.answers[*].text",
        "chat": "form_response.form_id",
        "chat_title": "form_response.definition.title",
        "message": "form_response.token",
        "sent_at": "form_response.submitted_at",
        "url": 'form_response.hidden["page url"]',
    },
    "nested": {
        "messages": "threads[*].messages[*]",
        "text": "said",
        "author": "by.id",
        "author_name": "by.name",
        "chat": "$.workspace.id",
        "chat_title": "$.workspace.name",
        "message": "n",
        "sent_at": "at",
        "reply_to": "answers",
    },
}


def recorded(name):
    return (FIXTURES / "webhook" / f"{name}.json").read_bytes()


# What is genuine


def test_a_signed_body_is_in_the_stream_before_the_answer(post, stream, source):
    response = post({"text": "Прод лежить"})

    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    ((subject, envelope),) = stream()
    assert (subject, envelope["text"]) == (f"chat.{source.pk}", "Прод лежить")


def test_the_number_alone_is_an_address_and_so_are_kind_and_number(post, stream, source):
    for address in (f"/webhook/{source.pk}", f"/webhook/webhook/{source.pk}"):
        for slash in ("", "/"):
            assert post({"text": "once"}, address=address + slash).status_code == 200

    assert len(stream()) == 1


def test_the_short_address_opens_no_source_of_another_kind(post, telegram_source):
    assert post({"text": "x"}, address=f"/webhook/{telegram_source.pk}").status_code == 404


def test_a_signature_may_be_written_in_several_ways(post, set_up):
    set_up(place="X-Hub-Signature-256")
    body = b'{"text": "x"}'
    written = signature(body)
    in_base64 = base64.b64encode(bytes.fromhex(written)).decode()
    for given in (
        written,
        f"sha256={written}",
        f"SHA256={written}",
        written.upper(),
        in_base64,
        f"sha256={in_base64}",
    ):
        assert post(body, **{"X-Hub-Signature-256": given}).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Other": "1"}, 401),
        ({"X-Signature": ""}, 401),
        ({"X-Signature": "sha256="}, 403),
        ({"X-Signature": signature(b'{"text": "x"}', "another-secret")}, 403),
        ({"X-Signature": signature(b'{"text": "y"}')}, 403),
        ({"X-Signature": "підпис"}, 403),
        ({"Authorization": f"Bearer {SECRET}"}, 401),
    ],
)
def test_what_is_signed_by_nobody_or_somebody_else_stays_out(post, stream, headers, status):
    response = post(b'{"text": "x"}', **headers)

    assert (response.status_code, bool(response.json()["detail"])) == (status, True)
    assert (stream(), DeadLetter.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (f"Bearer {SECRET}", 200),
        (f"bearer  {SECRET}", 200),
        (f"Token {SECRET}", 200),
        (SECRET, 200),
        ("Bearer wrong", 403),
        ("Bearer", 403),
        ("", 401),
    ],
)
def test_a_bearer_brings_the_secret(post, set_up, given, status):
    set_up(protection="bearer")

    assert post({"text": "x"}, Authorization=given).status_code == status


def test_the_header_of_a_bearer_can_be_another(post, set_up):
    set_up(protection="bearer", place="X-Gitlab-Token")

    assert post({"text": "x"}, **{"X-Gitlab-Token": SECRET}).status_code == 200
    assert post({"text": "x"}, Authorization=f"Bearer {SECRET}").status_code == 401


@pytest.mark.parametrize(
    ("token", "status"), [(SECRET, 200), ("wrong", 403), ("\ud800", 403), ("", 401), (7, 401)]
)
def test_a_secret_in_the_body_opens_and_is_not_kept(post, set_up, stream, token, status):
    set_up(protection="body")

    assert post({"text": "x", "token": token}, accept="*/*").status_code == status
    assert SECRET not in str(stream())


def test_a_secret_in_the_body_is_not_kept_in_a_dead_letter(post, set_up):
    set_up(protection="body")
    post({"nothing": "x", "token": SECRET}, accept="*/*")

    assert SECRET not in DeadLetter.objects.get().text


def test_a_list_has_no_secret_in_it(post, set_up):
    set_up(protection="body")

    assert post(["x"], accept="*/*").status_code == 401


# What recorded bodies become


def envelopes(name):
    config = Webhook.Config.model_validate({"secret": SECRET, **MAPPINGS[name]})
    body = json.loads(recorded(name))
    return Webhook(config, source_id=5).envelopes({"body": body})


def test_a_post_of_mattermost(post, set_up, stream):
    set_up(**MAPPINGS["mattermost"])
    post(recorded("mattermost"), accept="*/*")

    ((_, envelope),) = stream()
    assert envelope["external_id"] == "hawos4dqtby53pd64o4a4cmeoo:qhw3fkigptyzbkc8ezn3ifrh5o"
    assert envelope["chat"]["title"] == "dev-chat"
    assert envelope["author_name"] == "olena"
    assert envelope["sent_at"] == "2026-03-02T09:00:00.123000Z"
    assert envelope["raw"]["message"]["team_domain"] == "smachno"


def test_a_comment_on_a_ticket():
    (envelope,) = envelopes("zendesk")

    assert envelope.text.startswith("The card is charged")
    assert envelope.external_id == "22129848:8465196174078"
    assert (envelope.author_id, envelope.author_name) == ("8447346621310", "Iryna Koval")
    assert (envelope.topic, envelope.raw["url"]) == ("5158", "zen:ticket:5158")


def test_the_answers_of_a_form_become_lines():
    (envelope,) = envelopes("form")

    assert envelope.text == "Кошик порожній після входу\nЩо товари лишаться"
    assert envelope.chat.title == "Report a problem"
    assert envelope.raw["url"] == "https://smachno.example/checkout"


def test_a_form_signs_with_base64(post, set_up, stream):
    set_up(**MAPPINGS["form"])
    body = recorded("form")
    signed = base64.b64encode(hmac.digest(SECRET.encode(), body, "sha256")).decode()

    assert post(body, **{"Typeform-Signature": f"sha256={signed}"}).status_code == 200
    assert len(stream()) == 1


def test_lists_in_lists_are_messages_in_their_order():
    first, second, third = envelopes("nested")

    assert [first.text, second.text, third.text] == [
        "Login is broken",
        "Same here",
        "Export is slow",
    ]
    assert {first.chat, second.chat, third.chat} == {first.chat}
    assert (first.chat.external_id, first.chat.title) == ("7", "Support desk")
    assert second.reply_to == first.external_id == "7:1"
    assert second.author_id == "32"


# Defaults


def test_what_is_not_there_has_a_default(post, stream):
    before = timezone.now()
    post({"text": "x"})

    ((_, envelope),) = stream()
    assert envelope["chat"]["external_id"] == "webhook"
    assert before <= datetime.fromisoformat(envelope["sent_at"]) <= timezone.now()
    assert (envelope["author_id"], envelope["reply_to"], envelope["topic"]) == ("", "", "")


def test_a_body_that_comes_twice_is_one_message(post, stream):
    assert post(b'{"text": "x", "n": 1}').status_code == 200
    assert post(b'{"n":1,"text":"x"}').status_code == 200

    assert len(stream()) == 1


def test_equal_messages_of_one_body_are_two(post, set_up, stream):
    set_up(messages="[*]")
    for _delivery in range(2):
        post([{"text": "ok"}, {"text": "ok"}])

    assert len(stream()) == 2


@pytest.mark.parametrize(
    "at",
    [
        "2026-03-02T09:00:00Z",
        "2026-03-02T11:00:00+02:00",
        " 2026-03-02 09:00:00 ",
        1772442000,
        1772442000.0,
        "1772442000",
        1772442000000,
        "1772442000000",
    ],
)
def test_times_are_read_as_programs_write_them(post, set_up, stream, at):
    set_up(sent_at="at")
    assert post({"text": "x", "at": at}).status_code == 200

    ((_, envelope),) = stream()
    assert datetime.fromisoformat(envelope["sent_at"]) == NINE
