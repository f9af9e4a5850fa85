"""A source that is posted to is in contact when nothing waits at its platform any more."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.sources.models import Chat, Gap, Source, Webhook
from apps.sources.webhook_settings import ask_platforms
from tests.stubs.telegram import TOKEN, telegram_server

STOPPED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def bot(project):
    return Source.objects.create(
        project=project,
        kind="telegram",
        name="Bot",
        config={"bot_token": TOKEN, "mode": "webhook"},
        reached_at=STOPPED,
    )


@pytest.fixture
def pushed(bot, settings):
    """The bot's server; it posts to us."""
    with telegram_server() as server:
        settings.TELEGRAM_API_URL = server.url
        webhook = Webhook.objects.create(source=bot, base_url="https://tasks.example.com")
        server.webhook["url"] = webhook.wanted_url
        yield server


def contact_of(source):
    return Source.objects.get(pk=source.pk).reached_at


def test_a_platform_that_has_posted_everything_is_in_contact(bot, pushed):
    ask_platforms(now=STOPPED + HOUR)

    assert contact_of(bot) == STOPPED + HOUR


def test_a_platform_whose_posts_are_refused_has_a_gap_when_they_are_taken_again(
    bot, pushed, make_message
):
    chat = Chat.objects.create(source=bot, external_id="-1001")
    make_message(chat=chat, source=bot, sent_at=STOPPED - HOUR, project=bot.project)
    pushed.webhook["pending_update_count"] = 3
    ask_platforms(now=STOPPED + 26 * HOUR)
    assert contact_of(bot) == STOPPED

    pushed.webhook["pending_update_count"] = 0
    ask_platforms(now=STOPPED + 27 * HOUR)

    assert Gap.objects.get().until == STOPPED + 3 * HOUR


@pytest.mark.parametrize("url", ["", "https://other.example.com/webhook/telegram"])
def test_a_platform_that_posts_elsewhere_is_not_in_contact(bot, pushed, url):
    pushed.webhook["url"] = url

    ask_platforms(now=STOPPED + HOUR)

    assert contact_of(bot) == STOPPED


def test_a_bot_that_is_polled_is_not_asked(bot, pushed):
    bot.config = {"bot_token": TOKEN}
    bot.save()

    ask_platforms(now=STOPPED + HOUR)

    assert (contact_of(bot), pushed.calls) == (STOPPED, [])


def test_a_platform_that_is_away_keeps_the_others_from_nothing(bot, pushed):
    away = Source.objects.get(pk=bot.pk)
    away.pk, away.name, away.config = bot.pk - 1, "Away", {"bot_token": "1:a", "mode": "webhook"}
    away.webhook_secret = "another"
    away.save(force_insert=True)

    ask_platforms(now=STOPPED + HOUR)

    assert (contact_of(bot), contact_of(away)) == (STOPPED + HOUR, STOPPED)
