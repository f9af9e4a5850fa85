"""The webhook door is open to every adapter that receives, by the number of its source."""

import json

import pytest

from apps.sources.adapters import ADAPTERS
from apps.sources.models import DeadLetter, Source
from apps.sources.webhooks import known_sources
from tasktracker.lib.plugins import PlugIn, load
from tests.sources.conftest import recorded
from tests.sources.signing_adapter import signature

SECRET = "signing-secret"


@pytest.fixture
def signing(project, monkeypatch):
    known_sources.forget()
    monkeypatch.setitem(
        ADAPTERS, "signing", PlugIn("Signing", "tests.sources.signing_adapter.Signing")
    )
    return Source.objects.create(
        project=project, kind="signing", name="Signed", config={"signing_secret": SECRET}
    )


@pytest.fixture
def post(client, signing):
    def send(event, *, address=f"/webhook/signing/{signing.pk}", secret=SECRET):
        body = json.dumps(event).encode()
        headers = {"X-Signature": signature(secret, body)}
        return client.post(address, body, content_type="application/json", headers=headers)

    return send


def test_what_is_signed_is_in_the_stream_before_the_adapters_own_answer(post, stream, signing):
    response = post({"number": 5, "text": "Прод лежить"})

    assert (response.status_code, response.json()) == (200, {"ok": True})
    ((subject, envelope),) = stream()
    assert subject == f"chat.{signing.pk}"
    assert envelope["text"] == "Прод лежить"


def test_an_answer_may_be_all_that_a_platform_wants(post, stream):
    assert post({"challenge": "abc"}).json() == {"challenge": "abc"}
    assert stream() == []


def test_what_is_signed_by_somebody_else_stays_out(post, stream):
    response = post({"number": 5, "text": "x"}, secret="other")

    assert response.status_code == 403
    assert stream() == []


def test_what_cannot_be_read_is_a_dead_letter_of_its_kind(post, stream, signing):
    assert post({"number": 5}).status_code == 200

    letter = DeadLetter.objects.get()
    assert (letter.subject, letter.sequence) == (f"signing.{signing.pk}", 5)


def test_without_the_number_of_its_source_nobody_knows_whom_it_is_for(post, signing):
    for address in ("/webhook/signing", f"/webhook/signing/{signing.pk + 1}"):
        assert post({"number": 5, "text": "x"}, address=address).status_code == 404


def test_the_address_of_one_kind_does_not_open_a_source_of_another(post, client, signing, project):
    bot = Source.objects.create(project=project, kind="telegram", name="Bot")
    known_sources.forget()

    assert post({"number": 5}, address=f"/webhook/signing/{bot.pk}").status_code == 404
    answer = client.post(
        f"/webhook/telegram/{signing.pk}",
        recorded("text"),
        content_type="application/json",
        headers={"X-Telegram-Bot-Api-Secret-Token": signing.webhook_secret},
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("kind", ["api", "file_import", "nonsense"])
def test_kinds_that_do_not_receive_have_no_address(client, db, kind):
    assert client.post(f"/webhook/{kind}/1", {}).status_code == 404


def test_settings_that_do_not_fit_lose_nothing(post, signing):
    Source.objects.filter(pk=signing.pk).update(config={})

    response = post({"number": 5, "text": "x"})

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")


@pytest.mark.parametrize("kind", list(ADAPTERS))
def test_every_adapter_says_whether_its_chats_wait_for_a_yes(kind):
    assert isinstance(load(ADAPTERS, kind).asks_first, bool)
