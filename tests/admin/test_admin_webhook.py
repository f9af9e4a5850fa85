"""The page of a bot's webhook, and the page of a source that waits for its first message."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.sources.models import Chat, Project, Source, Webhook
from tests.admin.conftest import make_message
from tests.stubs.telegram import TOKEN, TelegramServer

BASE = "https://tracker.example"
HERE = f"{BASE}/webhook/telegram"
CHANGELIST = "admin:sources_source_changelist"


@pytest.fixture
def bot(project: Project) -> Source:
    return Source.objects.create(
        project=project, kind="telegram", name="Bot", config={"bot_token": TOKEN, "mode": "webhook"}
    )


def page_of(client: Client, source: Source) -> str:
    page = client.get(reverse("admin:sources_source_webhook", args=[source.pk]), follow=True)
    return str(page.content.decode())


def press(client: Client, source: Source, verb: str, **data: Any) -> str:
    address = reverse("admin:sources_source_webhook_verb", args=[source.pk, verb])
    return str(client.post(address, data, follow=True).content.decode())


def source_page(client: Client, source: Source) -> str:
    return str(
        client.get(reverse("admin:sources_source_change", args=[source.pk])).content.decode()
    )


def test_the_page_is_reached_from_its_source_and_says_what_is_missing(
    operator: Client, bot: Source
):
    assert reverse("admin:sources_source_webhook", args=[bot.pk]) in source_page(operator, bot)
    page = page_of(operator, bot)
    assert "type a base URL" in page
    assert "Telegram was not asked yet" in page


def test_setting_refreshing_and_deleting(operator: Client, bot: Source, telegram: TelegramServer):
    assert HERE in press(operator, bot, "set", base_url=BASE)
    assert telegram.webhook["url"] == HERE
    assert "This is what Telegram says now." in press(operator, bot, "refresh")
    assert "The webhook is deleted." in press(operator, bot, "delete")
    assert telegram.webhook["url"] == ""
    assert f'value="{BASE}"' in page_of(operator, bot)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("tracker.example", "begins with https://"),
        ("http://tracker.example", "HTTPS addresses only"),
        ("https://tracker.example:9000", "9000"),
        ('https://"><script>alert(1)</script>', "begins with https://"),
    ],
)
def test_what_is_wrong_with_an_address_stands_at_its_field(
    operator: Client, bot: Source, telegram: TelegramServer, typed: str, reason: str
):
    page = press(operator, bot, "set", base_url=typed)

    assert reason in page
    assert 'aria-invalid="true"' in page
    assert "<script>alert(1)" not in page
    assert telegram.calls == []


def test_what_telegram_refuses_is_shown(operator: Client, bot: Source, telegram: TelegramServer):
    telegram.fail(400, "Bad Request: bad webhook: failed to resolve host", method="setWebhook")

    assert "failed to resolve host" in press(operator, bot, "set", base_url=BASE)
    assert f'value="{BASE}"' in page_of(operator, bot)


def test_drift_is_shown_in_words_and_repaired_by_one_button(
    operator: Client, bot: Source, telegram: TelegramServer
):
    press(operator, bot, "set", base_url=BASE)
    telegram.webhook["url"] = f"https://<script>.example/{TOKEN}"
    page = press(operator, bot, "refresh")

    assert "Telegram and this page disagree" in page
    assert TOKEN not in page
    assert "<script>.example" not in page
    assert "disagree" not in press(operator, bot, "repair")
    assert telegram.webhook["url"] == HERE


def test_the_doctor_tells_troubles_with_their_remedies(
    operator: Client, bot: Source, telegram: TelegramServer
):
    telegram.bot["can_read_all_group_messages"] = False
    page = press(operator, bot, "doctor")

    assert "The doctor found 2 troubles" in page
    assert "/setprivacy" in page
    assert "The bot has no webhook" in page


def test_who_may_only_look_sees_the_page_and_no_buttons(
    viewer: Client, bot: Source, telegram: TelegramServer
):
    Webhook.of(bot).wish_for(BASE)
    page = page_of(viewer, bot)

    assert HERE in page
    assert 'name="base_url"' not in page
    assert "decision-button danger" not in page
    press(viewer, bot, "set", base_url=BASE)
    assert telegram.calls == []


def test_other_teams_and_other_kinds_have_no_such_page(
    operator: Client, source: Source, other_project: Project, telegram: TelegramServer
):
    theirs = Source.objects.create(
        project=other_project, kind="telegram", name="Theirs", config={"bot_token": TOKEN}
    )
    for row in (source, theirs):
        assert "Base URL" not in page_of(operator, row)
        press(operator, row, "set", base_url=BASE)
    assert telegram.calls == []


def test_settings_that_no_key_opens_are_told(operator: Client, bot: Source, settings: Any):
    settings.FIELD_ENCRYPTION_KEYS = ["bm90LXRoZS1rZXktdGhhdC13YXMtdXNlZC1iZWZvcmU="]

    assert "save it again" in page_of(operator, bot)


@pytest.mark.parametrize(("language", "word"), [("uk", "Telegram"), ("en", "Base URL")])
def test_the_page_opens_in_both_languages(
    operator: Client, bot: Source, settings: Any, language: str, word: str
):
    operator.cookies[settings.LANGUAGE_COOKIE_NAME] = language

    page = page_of(operator, bot)
    assert f'lang="{language}"' in page
    assert word in page


def save(client: Client, source: Source, mode: str) -> str:
    values = {"project": source.project_id, "name": source.name, "is_active": "on"}
    values |= {"saved__mode": mode, "_continue": "1"}
    address = reverse("admin:sources_source_change", args=[source.pk])
    return str(client.post(address, values, follow=True).content.decode())


@pytest.mark.django_db(transaction=True)
def test_a_changed_mode_is_told_to_telegram_after_it_is_saved(
    operator: Client, bot: Source, telegram: TelegramServer, settings: Any
):
    settings.WEBHOOK_BASE_URL = BASE

    assert "The webhook was deleted" in save(operator, bot, "polling")
    assert "The webhook was set" in save(operator, bot, "webhook")
    assert telegram.webhook["url"] == HERE
    telegram.fail(502, "Bad Gateway", method="deleteWebhook")
    assert "The webhook was not deleted" in save(operator, bot, "polling")
    assert Source.objects.get().config["mode"] == "polling"


def test_a_new_source_leads_to_its_page_which_says_what_to_do(operator: Client, project: Project):
    data = {"project": project.pk, "kind": "telegram", "name": "Bot", "is_active": "on"}
    data |= {"telegram__bot_token": TOKEN, "telegram__mode": "polling"}
    answer = operator.post(reverse("admin:sources_source_add"), data, follow=True)

    page = answer.content.decode()
    assert answer.redirect_chain[-1][0] == reverse(
        "admin:sources_source_change", args=[Source.objects.get().pk]
    )
    assert "Until the first message" in page
    assert "/setprivacy" in page


def test_who_waits_for_a_first_message_hears_of_a_chat_that_waits_for_a_yes(
    operator: Client, bot: Source
):
    address = reverse("admin:sources_source_first_message", args=[bot.pk])
    before = operator.get(address).json()["waits"]
    Chat.objects.create(source=bot, external_id="-1", state=Chat.State.WAITING)

    assert (before, operator.get(address).json()["waits"]) == (False, True)
    assert "say yes to the chat" in source_page(operator, bot)


def test_the_first_message_ends_the_waiting(operator: Client, bot: Source):
    address = reverse("admin:sources_source_first_message", args=[bot.pk])
    before = operator.get(address).json()["is_seen"]
    Source.objects.update(last_seen_at=timezone.now())

    assert (before, operator.get(address).json()["is_seen"]) == (False, True)
    assert "Until the first message" not in source_page(operator, bot)


def test_nobody_waits_for_another_teams_message(operator: Client, other_project: Project):
    theirs = Source.objects.create(project=other_project, kind="telegram", name="Theirs")
    address = reverse("admin:sources_source_first_message", args=[theirs.pk])

    assert operator.get(address).status_code == 404


def test_the_list_counts_the_messages_of_a_day_with_one_question(
    operator: Client, bot: Source, project: Project
):
    chat = Chat.objects.create(source=bot, external_id="-1001")
    for number, hours in enumerate((1, 23, 25)):
        make_message(chat, str(number), sent_at=timezone.now() - timedelta(hours=hours))
    with CaptureQueriesContext(connection) as few:
        page = operator.get(reverse(CHANGELIST)).content.decode()
    for number in range(5):
        Source.objects.create(project=project, kind="telegram", name=f"More {number}")
    with CaptureQueriesContext(connection) as many:
        operator.get(reverse(CHANGELIST))

    assert "field-rate" in page
    assert ">2<" in page.replace("\n", "").replace(" ", "")
    assert len(many) == len(few)


def _delete(client: Client, model: str, *numbers: int) -> str:
    """One by its page, several by the action of the list."""
    if len(numbers) == 1:
        address = reverse(f"admin:sources_{model}_delete", args=numbers)
        answer = client.post(address, {"post": "yes"}, follow=True)
    else:
        chosen = {"action": "delete_selected", "_selected_action": numbers, "post": "yes"}
        answer = client.post(reverse(f"admin:sources_{model}_changelist"), chosen, follow=True)
    return str(answer.content.decode())


@pytest.mark.parametrize("way", ["one", "several", "project"])
def test_a_deleted_source_has_no_webhook_any_more(
    administrator: Client,
    bot: Source,
    telegram: TelegramServer,
    source: Source,
    django_capture_on_commit_callbacks: Any,
    way: str,
):
    press(administrator, bot, "set", base_url=BASE)
    with django_capture_on_commit_callbacks(execute=True):
        if way == "project":
            _delete(administrator, "project", bot.project_id)
        else:
            _delete(administrator, "source", bot.pk, *([source.pk] if way == "several" else []))

    assert not Source.objects.filter(kind="telegram").exists()
    assert telegram.webhook["url"] == ""


def test_a_webhook_of_another_source_or_of_somebody_else_stays(
    administrator: Client,
    bot: Source,
    telegram: TelegramServer,
    django_capture_on_commit_callbacks: Any,
):
    values = {"kind": "telegram", "project": bot.project, "config": bot.config}
    twin = Source.objects.create(name="Twin", **values)
    press(administrator, bot, "set", base_url=BASE)
    with django_capture_on_commit_callbacks(execute=True):
        _delete(administrator, "source", twin.pk)
    assert telegram.webhook["url"] == HERE

    telegram.webhook["url"] = elsewhere = "https://elsewhere.example/hook"
    with django_capture_on_commit_callbacks(execute=True):
        _delete(administrator, "source", bot.pk)
    assert telegram.webhook["url"] == elsewhere


@pytest.mark.django_db(transaction=True)
def test_a_webhook_that_could_not_be_deleted_with_its_source_is_said(
    administrator: Client, bot: Source, telegram: TelegramServer
):
    press(administrator, bot, "set", base_url=BASE)
    telegram.fail(502, "Bad Gateway", method="deleteWebhook")
    page = _delete(administrator, "source", bot.pk)

    assert not Source.objects.exists()
    assert "The webhook of Bot was not deleted" in page
