"""/api/webhook-settings: the shapes of its contract, and no outside failure that looks like success."""

import pytest
from django.contrib.auth.models import Group
from rest_framework.test import APIClient

from apps.sources.models import Chat, Source, Webhook
from tests.stubs.telegram import TOKEN

ALL = "/api/webhook-settings"
ONE = f"{ALL}/telegram"
HOST = {"protocol": "https", "host": "x.ngrok.app"}
CONTRACT = {"protocol", "host", "webhook_url", "is_active", "last_set_at", "groups"}


@pytest.fixture
def bot(project):
    return Source.objects.create(
        project=project, kind="telegram", name="Bot", config={"bot_token": TOKEN, "mode": "webhook"}
    )


def post(api, address, body=None):
    return api.post(address, body or {}, format="json")


@pytest.mark.parametrize("slash", ["", "/"])
def test_nothing_is_saved_at_first(api, bot, slash):
    answer = api.get(ALL + slash, HTTP_HOST="tracker.example:8000").json()

    assert answer == {
        "telegram": None,
        "default_protocol": "http",
        "default_host": "tracker.example",
    }


def test_the_defaults_are_those_of_the_installation(api, project, settings):
    settings.WEBHOOK_BASE_URL = "https://tracker.example:8443"

    assert api.get(ALL).json() == {
        "telegram": None,
        "default_protocol": "https",
        "default_host": "tracker.example",
    }


@pytest.mark.parametrize("slash", ["", "/"])
def test_saving_answers_the_settings_and_sets_nothing(api, bot, slash):
    saved = post(api, ALL + slash, HOST)

    assert saved.status_code == 200
    assert saved.json().keys() >= CONTRACT
    assert saved.json() == {
        "protocol": "https",
        "host": "x.ngrok.app",
        "webhook_url": "https://x.ngrok.app/webhook/telegram",
        "is_active": False,
        "last_set_at": None,
        "groups": [],
        "source_id": bot.pk,
        "source_name": "Bot",
        "project": "shop",
    }
    assert api.get(ALL).json()["telegram"] == saved.json()


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"protocol": "https", "host": ""}, 400, "host"),
        ({"protocol": "https", "host": "https://x.ngrok.app"}, 400, "host"),
        ({"protocol": "https", "host": "x.ngrok.app/path"}, 400, "host"),
        ({"protocol": "https", "host": "user@x.ngrok.app"}, 400, "host"),
        ({"protocol": "ftp", "host": "x.ngrok.app"}, 422, "protocol"),
        ({"host": "x.ngrok.app"}, 400, "protocol"),
        ({}, 400, "host"),
    ],
)
@pytest.mark.parametrize("address", [ALL, f"{ONE}/set"])
def test_what_is_no_address_is_refused(api, bot, address, body, status, field):
    answer = post(api, address, body)

    assert answer.status_code == status
    assert field in answer.json()["errors"]
    assert not Webhook.objects.exists()


@pytest.mark.parametrize("slash", ["", "/"])
def test_setting_tells_telegram(api, bot, telegram, slash):
    answer = post(api, f"{ONE}/set{slash}", HOST)

    assert answer.json() == {
        "success": True,
        "webhook_url": "https://x.ngrok.app/webhook/telegram",
        "message": "Webhook set successfully",
        "error": None,
    }
    saved = api.get(ALL).json()["telegram"]
    assert saved["is_active"] is True
    assert saved["last_set_at"]
    assert telegram.webhook["url"] == "https://x.ngrok.app/webhook/telegram"


@pytest.mark.parametrize(
    ("code", "status"), [(400, 502), (401, 502), (500, 503), (429, 503)], ids=str
)
def test_a_failure_of_telegram_is_no_success(api, bot, telegram, code, status):
    telegram.fail(code, "Something is wrong", **({"retry_after": 3} if code == 429 else {}))
    answer = post(api, f"{ONE}/set", HOST)

    assert answer.status_code == status
    assert {"detail", "code"} <= answer.json().keys()
    assert TOKEN not in answer.content.decode()
    assert api.get(ALL).json()["telegram"]["is_active"] is False


def test_http_can_be_saved_and_not_set(api, bot, telegram):
    body = {"protocol": "http", "host": "localhost"}

    assert post(api, ALL, body).status_code == 200
    refused = post(api, f"{ONE}/set", body)
    assert refused.status_code == 400
    assert "HTTPS" in refused.json()["errors"]["host"][0]
    assert telegram.calls == []


@pytest.mark.parametrize("slash", ["", "/"])
def test_deleting_keeps_the_address_and_the_groups(api, bot, telegram, slash):
    post(api, f"{ONE}/set", HOST)
    post(api, f"{ONE}/groups", {"group_id": -100123})
    answer = api.delete(ONE + slash)

    assert answer.status_code == 200
    assert answer.json()["success"] is True
    saved = api.get(ALL).json()["telegram"]
    assert (saved["is_active"], saved["last_set_at"]) == (False, None)
    assert saved["groups"] == [{"id": -100123, "name": None}]
    assert telegram.webhook["url"] == ""


@pytest.mark.parametrize("slash", ["", "/"])
def test_what_telegram_says_is_handed_on_without_secrets(api, bot, telegram, slash):
    telegram.webhook["url"] = f"https://other.example/{TOKEN}"
    answer = api.get(f"{ONE}/info{slash}").json()

    assert answer["success"] is True
    assert answer["webhook_info"]["url"] == "https://other.example/…"
    assert answer["webhook_info"]["pending_update_count"] == 0


def test_a_group_is_added_and_creates_the_settings(api, bot, telegram):
    telegram.add_chat(-100123, title="Support")
    post(api, f"{ONE}/groups", {"group_id": -100123})
    answer = post(api, f"{ONE}/groups", {"group_id": -100123})

    assert answer.json()["groups"] == [{"id": -100123, "name": "Support"}]
    assert (answer.json()["host"], answer.json()["webhook_url"]) == ("", None)


def test_group_ids_replace_the_list(api, bot, telegram):
    post(api, f"{ONE}/groups", {"group_id": -100123})
    answer = api.put(f"{ONE}/group-ids/", {"group_ids": [-1002, -1003]}, format="json")

    assert [group["id"] for group in answer.json()["groups"]] == [-1002, -1003]


@pytest.mark.parametrize("number", [-100123, -100999])
def test_a_group_is_taken_off_and_an_unknown_one_is_no_error(api, bot, telegram, number):
    post(api, f"{ONE}/groups", {"group_id": -100123})
    answer = api.delete(f"{ONE}/groups/{number}")

    assert answer.status_code == 200
    assert len(answer.json()["groups"]) == (number == -100999)


def test_names_are_refreshed(api, bot, telegram):
    post(api, ALL, HOST)
    for number in (-1001, -1002):
        Chat.objects.create(source=bot, external_id=str(number), title="Old")
    telegram.add_chat(-1001, title="New")
    answer = post(api, f"{ONE}/groups/refresh-names")

    assert [group["name"] for group in answer.json()["groups"]] == ["New", "Old"]


def test_saving_and_setting_keep_the_groups(api, bot, telegram):
    post(api, f"{ONE}/groups", {"group_id": -100123})
    post(api, ALL, HOST)
    post(api, f"{ONE}/set", HOST)

    assert len(api.get(ALL).json()["telegram"]["groups"]) == 1


def test_without_settings_there_are_no_groups_to_change(api, bot):
    answers = [
        api.put(f"{ONE}/group-ids", {"group_ids": []}, format="json"),
        api.delete(f"{ONE}/groups/-100123"),
        post(api, f"{ONE}/groups/refresh-names"),
    ]

    assert [answer.status_code for answer in answers] == [404, 404, 404]


@pytest.mark.parametrize(
    "body", [{"group_ids": "x"}, {"group_ids": [2**60]}, {"group_ids": [None]}, {}, []]
)
def test_numbers_that_are_none_are_refused(api, bot, body):
    post(api, ALL, HOST)

    assert api.put(f"{ONE}/group-ids", body, format="json").status_code == 400


def test_several_bots_must_be_named(api, bot, project):
    other = Source.objects.create(project=project, kind="telegram", name="Second")

    assert "Second" in str(api.get(ALL).json()["errors"]["source"])
    assert post(api, f"{ALL}?source={other.pk}", HOST).json()["source_id"] == other.pk
    assert api.get(f"{ALL}?source={bot.pk}").json()["telegram"] is None


@pytest.mark.parametrize("number", ["x", "0", "9" * 30, "-1", "\0"])
def test_a_source_that_is_none_is_not_found(api, bot, number):
    assert api.get(ALL, {"source": number}).status_code == 404


def test_another_teams_bot_is_out_of_reach(api, project, other_project):
    Source.objects.create(project=other_project, kind="telegram", name="Theirs")

    assert api.get(ALL).json()["telegram"] is None
    assert post(api, ALL, HOST).status_code == 404
    assert not Webhook.objects.exists()


def test_strangers_and_viewers_change_nothing(anybody, bot, member, django_user_model):
    viewer = django_user_model.objects.create_user("viewer")
    viewer.groups.add(Group.objects.get(name="Viewer"))
    bot.project.members.add(viewer)
    looking = APIClient()
    looking.force_authenticate(viewer)

    assert post(anybody, f"{ONE}/set", HOST).status_code == 401
    assert looking.get(ALL).status_code == 200
    assert post(looking, f"{ONE}/set", HOST).status_code == 403
    assert looking.delete(ONE).status_code == 403
    assert not Webhook.objects.exists()
