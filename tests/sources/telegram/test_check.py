"""Check connection: what Telegram says of the bot, and a remedy for everything that is wrong."""

import pytest

from apps.sources.adapters.telegram.adapter import Telegram
from apps.sources.adapters.telegram.polling import ALLOWED_UPDATES
from tasktracker.lib.workflow import GiveUp, TryLater
from tests.stubs.telegram import TOKEN, telegram_server

ADDRESS = f"https://tracker.example/webhook/telegram?token={TOKEN}"


@pytest.fixture
def telegram():
    with telegram_server() as server:
        yield server


@pytest.fixture
def check(telegram):
    def ask(mode="polling", token=TOKEN):
        config = Telegram.Config(bot_token=token, mode=mode)
        return Telegram(config, source_id=1).check(api_url=telegram.url)

    return ask


def troubles(findings):
    return [finding for finding in findings if finding.remedy]


def test_a_bot_that_works_has_nothing_to_remedy(check):
    findings = check()

    assert troubles(findings) == []
    assert [finding.sentence for finding in findings] == [
        "The token is right. The bot is @tracker_bot.",
        "Privacy mode is off: the bot gets every message of its groups.",
        "The bot has no webhook, so it can be polled.",
        "0 updates wait at Telegram.",
        "The bot's commands are listed in its chats, in both languages.",
    ]


def test_privacy_mode_hides_messages(check, telegram):
    telegram.bot["can_read_all_group_messages"] = False

    (trouble,) = troubles(check())
    assert "Privacy mode is on" in trouble.sentence
    assert "/setprivacy" in trouble.remedy


def test_a_webhook_keeps_a_bot_from_being_polled(check, telegram):
    telegram.webhook["url"] = ADDRESS

    (trouble,) = troubles(check())
    assert "409" in trouble.sentence
    assert "tracker.example" in trouble.sentence
    assert "Delete the webhook" in trouble.remedy


def test_without_a_webhook_nothing_is_delivered(check):
    (trouble,) = troubles(check("webhook"))

    assert "nothing comes in" in trouble.sentence


def test_a_webhook_that_works_is_no_trouble(check, telegram):
    telegram.webhook["url"] = ADDRESS
    telegram.webhook |= {"pending_update_count": 1, "allowed_updates": list(ALLOWED_UPDATES)}

    findings = check("webhook")
    assert troubles(findings) == []
    assert findings[-2].sentence == "1 update waits at Telegram."


def test_the_last_failure_of_a_webhook_is_told(check, telegram):
    telegram.webhook |= {
        "url": ADDRESS,
        "last_error_date": 1_772_442_000,
        "pending_update_count": 1,
        "last_error_message": "SSL error {certificate verify failed}",
        "allowed_updates": list(ALLOWED_UPDATES),
    }

    (trouble,) = troubles(check("webhook"))
    assert "2026-03-02 09:00 UTC (" in trouble.sentence
    assert "ago): SSL error" in trouble.sentence
    assert "certificate" in trouble.remedy


def test_no_finding_holds_the_token(check, telegram):
    telegram.webhook["url"] = f"https://tracker.example/{TOKEN}"

    for mode in ("polling", "webhook"):
        assert TOKEN not in repr(check(mode))


@pytest.mark.parametrize(
    ("code", "description", "error", "sentence"),
    [
        (401, "Unauthorized", GiveUp, "does not accept the bot token.*@BotFather shows"),
        (404, "Not Found", GiveUp, "does not accept the bot token.*@BotFather shows"),
        (502, "Bad Gateway", TryLater, "cannot be reached"),
    ],
)
def test_what_telegram_refuses_is_a_sentence(check, telegram, code, description, error, sentence):
    telegram.fail(code, description)

    with pytest.raises(error, match=sentence):
        check()


def test_a_token_that_telegram_does_not_know_is_wrong(check):
    with pytest.raises(GiveUp, match="bot token"):
        check(token="999:other")


def test_without_a_token_nobody_is_asked(check, telegram):
    with pytest.raises(GiveUp, match="no bot token"):
        check(token="")

    assert telegram.questions == []
