"""“Check connection” at a source: the platform is asked, and every trouble comes with its remedy."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.sources.models import Project, Source
from tests.stubs.telegram import TOKEN, TelegramServer


@pytest.fixture
def bot(project: Project) -> Source:
    return Source.objects.create(
        project=project, kind="telegram", name="Bot", config={"bot_token": TOKEN}
    )


def check(client: Client, source: Source) -> str:
    address = reverse("admin:sources_source_check", args=[source.pk])
    return client.post(address, follow=True).content.decode()


def page_of(client: Client, source: Source) -> str:
    return client.get(reverse("admin:sources_source_change", args=[source.pk])).content.decode()


def test_a_source_that_works_says_so(operator: Client, bot: Source, telegram: TelegramServer):
    page = check(operator, bot)

    assert "@tracker_bot" in page
    assert "The settings work." in page
    assert TOKEN not in page


def test_a_trouble_comes_with_its_remedy(operator: Client, bot: Source, telegram: TelegramServer):
    telegram.bot["can_read_all_group_messages"] = False
    page = check(operator, bot)

    assert "Privacy mode is on" in page
    assert "/setprivacy" in page
    assert "The settings work." not in page


def test_what_telegram_refuses_is_told(operator: Client, bot: Source, telegram: TelegramServer):
    telegram.fail(401, "Unauthorized")

    assert "does not accept the bot token" in check(operator, bot)


def test_a_platform_that_cannot_be_reached_is_told_with_what_to_do(
    operator: Client, bot: Source, telegram: TelegramServer
):
    telegram.fail(502, "Bad Gateway")
    page = check(operator, bot)

    assert "Telegram cannot be reached" in page
    assert "see whether a firewall or a proxy" in page


def test_settings_that_no_key_opens_are_told(operator: Client, bot: Source, settings: Any):
    settings.FIELD_ENCRYPTION_KEYS = ["bm90LXRoZS1rZXktdGhhdC13YXMtdXNlZC1iZWZvcmU="]

    assert "FIELD_ENCRYPTION_KEYS" in check(operator, bot)


def test_a_name_with_markup_is_only_text(operator: Client, bot: Source, telegram: TelegramServer):
    telegram.webhook["url"] = "https://<script>alert(1)</script>/"

    assert "<script>alert(1)" not in check(operator, bot)


def test_who_may_only_look_may_not_check(
    client_of: Callable[[str], Client], bot: Source, telegram: TelegramServer
):
    viewer = client_of("viewer")

    assert "Check connection" not in page_of(viewer, bot)
    assert "@tracker_bot" not in check(viewer, bot)


def test_the_button_is_there_for_kinds_that_can_be_checked(
    operator: Client, bot: Source, source: Source
):
    assert "Check connection" in page_of(operator, bot)
    assert "Check connection" not in page_of(operator, source)  # a chat export
    assert check(operator, source)  # and its address is no error
