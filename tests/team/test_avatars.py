"""Pictures of people: our own address, the reader's projects only, and no token anywhere."""

import logging

import pytest
from django.urls import reverse

from apps.messages.models import Message
from apps.sources.models import Author, Source
from tasktracker.team import message_row
from tests.stubs.telegram import TOKEN, telegram_server

PICTURE = b"\xff\xd8\xff\xe0 a face"
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server():
    with telegram_server() as running:
        yield running


@pytest.fixture
def telegram(server, settings, tmp_path):
    settings.TELEGRAM_API_URL = server.url
    settings.DATA_DIR = tmp_path
    for kept in (server.calls, server.photos, server.faults):
        kept.clear()
    return server


@pytest.fixture
def source(project):
    return Source.objects.create(
        project=project, kind="telegram", name="Bot", config={"bot_token": TOKEN}
    )


@pytest.fixture
def reader(client, django_user_model, project):
    user = django_user_model.objects.create_user("olena")
    project.members.add(user)
    client.force_login(user)
    return client


def face(source, author_id="7"):
    return reverse("avatar", args=[source.pk, author_id])


def asked(telegram):
    return [method for method, _form in telegram.calls].count("getUserProfilePhotos")


def test_a_picture_is_fetched_once_and_holds_no_token(
    reader, telegram, source, make_message, caplog
):
    caplog.set_level(logging.DEBUG)
    telegram.add_photo(7, PICTURE)
    make_message()

    answers = [reader.get(face(source)) for _again in range(2)]

    assert [answer.content for answer in answers] == [PICTURE] * 2
    assert answers[0]["Content-Type"] == "image/jpeg"
    assert "private" in answers[0]["Cache-Control"]
    assert asked(telegram) == 1
    assert TOKEN not in caplog.text
    assert TOKEN not in str(answers[0].headers)


def test_who_has_no_picture_is_not_asked_for_again_soon(reader, telegram, source, make_message):
    make_message()

    assert {reader.get(face(source)).status_code for _again in range(3)} == {404}
    assert asked(telegram) == 1


def test_what_is_no_picture_is_not_shown(reader, telegram, source, make_message):
    telegram.add_photo(7, b"<svg onload=alert(1)>")
    make_message()

    assert reader.get(face(source)).status_code == 404


def test_a_platform_that_fails_leaves_the_initials(reader, telegram, source, make_message, caplog):
    telegram.fail(500, f"trouble at /bot{TOKEN}/getFile")
    make_message()

    assert reader.get(face(source)).status_code == 404
    assert TOKEN not in caplog.text


def test_strangers_and_other_teams_see_no_picture(
    client, telegram, source, make_message, django_user_model
):
    telegram.add_photo(7, PICTURE)
    make_message()

    assert client.get(face(source)).status_code == 404
    client.force_login(django_user_model.objects.create_user("stranger"))
    assert client.get(face(source)).status_code == 404
    assert asked(telegram) == 0


def test_who_is_not_read_is_not_shown(reader, telegram, source, make_message):
    telegram.add_photo(7, PICTURE)
    make_message()
    Author.known(source.pk, "7").opt_out()

    assert reader.get(face(source)).status_code == 404


def test_messages_from_telegram_bring_our_own_address(telegram, source, chat):
    sender = {"id": 7, "is_bot": False, "first_name": "Олена"}
    group = {"id": -100500, "type": "supergroup", "title": "Dev chat"}
    message = {"message_id": 1, "date": 1_772_442_000, "chat": group, "from": sender, "text": "502"}
    [envelope] = source.adapter().envelopes({"update_id": 1, "message": message})

    assert envelope.avatar_url == face(source)
    row = Message.from_envelope(envelope, chat)
    row.save()
    assert message_row(row)["picture"] == face(source)
