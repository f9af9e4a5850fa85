"""The doctor: the right diagnosis for every broken state, in a sentence, and what a person can do."""

from datetime import UTC, datetime

import pytest
import telegram as library

from apps.sources.adapters.base import Surroundings
from apps.sources.adapters.telegram.adapter import Telegram
from apps.sources.adapters.telegram.doctor import Facts, Member, findings
from apps.sources.adapters.telegram.polling import ALLOWED_UPDATES
from tests.stubs.telegram import TOKEN, telegram_server

HERE = "https://tracker.example/webhook/telegram"
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HALF_AN_HOUR_AGO = 1_772_442_000
WORKING = {"url": HERE, "pending_update_count": 0, "allowed_updates": list(ALLOWED_UPDATES)}


def troubles(found):
    return [finding for finding in found if finding.remedy]


def facts(*, mode="webhook", reads_all=True, wanted=HERE, more=None, **webhook):
    bot = library.User(1, "Bot", True, username="bot", can_read_all_group_messages=reads_all)
    told = {**WORKING, **webhook} if mode == "webhook" else {"url": "", **webhook}
    return Facts(
        bot=bot,
        webhook=told,
        is_pushed=mode == "webhook",
        source_id=7,
        wanted_url=wanted,
        now=NOW,
        **(more or {}),
    )


def the_trouble(some_facts):
    (trouble,) = troubles(findings(some_facts))
    return trouble.sentence, trouble.remedy


@pytest.mark.parametrize("url", [HERE, f"{HERE}/", f"{HERE}/7"])
def test_a_webhook_that_works_has_no_trouble(url):
    assert troubles(findings(facts(url=url))) == []


def test_a_polled_bot_that_works_has_no_trouble():
    assert troubles(findings(facts(mode="polling"))) == []


def test_no_webhook_at_all():
    sentence, remedy = the_trouble(facts(url=""))

    assert "no webhook" in sentence
    assert "Press Set" in remedy


def test_a_webhook_elsewhere():
    sentence, remedy = the_trouble(facts(url="https://other.example/webhook/telegram"))

    assert "other.example" in sentence
    assert HERE in sentence
    assert "Press Set" in remedy


def test_a_webhook_that_keeps_a_bot_from_being_polled():
    sentence, remedy = the_trouble(facts(mode="polling", url="https://other.example/bot"))

    assert "409" in sentence
    assert "Delete the webhook" in remedy


@pytest.mark.parametrize(
    ("wanted", "word"),
    [
        ("http://tracker.example/webhook/telegram", "HTTPS"),
        ("https://tracker.example:8000/webhook/telegram", "8000"),
        ("https://localhost/webhook/telegram", "localhost"),
        ("https://192.168.1.7/webhook/telegram", "192.168.1.7"),
        ("https://[::1]/webhook/telegram", "::1"),
        ("https://tracker/webhook/telegram", "tracker"),
    ],
)
def test_an_address_that_telegram_would_not_post_to(wanted, word):
    sentence, remedy = the_trouble(facts(wanted=wanted, url=wanted))

    assert word in sentence
    assert "base URL" in remedy


@pytest.mark.parametrize(
    ("reason", "word"),
    [
        ("SSL error {error:0A000086:SSL routines::certificate verify failed}", "certificate"),
        ("Wrong response from the webhook: 403 Forbidden", "secret"),
        ("Wrong response from the webhook: 404 Not Found", "proxy"),
        ("Wrong response from the webhook: 503 Service Unavailable", "/api/health"),
        ("Failed to resolve host: Name or service not known", "DNS"),
        ("Connection refused", "firewall"),
        ("Something new", "from outside"),
    ],
)
def test_a_failed_delivery_is_told_with_what_helps(reason, word):
    sentence, remedy = the_trouble(
        facts(last_error_date=HALF_AN_HOUR_AGO, last_error_message=reason, pending_update_count=3)
    )

    assert "2026-03-02 09:00 UTC" in sentence
    assert "30" in sentence
    assert reason in sentence
    assert word in remedy


def test_a_failure_that_has_passed_is_no_trouble():
    found = findings(facts(last_error_date=HALF_AN_HOUR_AGO, last_error_message="Timeout"))

    assert troubles(found) == []
    assert any("all came in since" in finding.sentence for finding in found)


@pytest.mark.parametrize(("mode", "word"), [("webhook", "delivery"), ("polling", "collector")])
def test_many_updates_that_wait(mode, word):
    sentence, remedy = the_trouble(facts(mode=mode, pending_update_count=4000))

    assert "4000" in sentence
    assert word in remedy


def test_updates_that_the_webhook_was_not_set_for():
    sentence, remedy = the_trouble(facts(allowed_updates=["message"]))

    assert "edited_message" in sentence
    assert "Press Set" in remedy


def test_privacy_mode():
    sentence, remedy = the_trouble(facts(reads_all=False))

    assert "Privacy mode is on" in sentence
    assert "/setprivacy" in remedy
    assert "add it again" in remedy


def test_another_poller():
    sentence, remedy = the_trouble(
        facts(mode="polling", more={"conflict": "Somebody else polls this bot."})
    )

    assert sentence == "Somebody else polls this bot."
    assert "/revoke" in remedy


def test_an_old_trouble_of_the_collector_is_none_of_a_webhook():
    old = {"trouble": "Somebody else polls this bot."}

    assert troubles(findings(facts(more=old))) == []
    assert old["trouble"] in the_trouble(facts(mode="polling", more=old))[0]


@pytest.mark.parametrize(
    ("status", "sentence"),
    [("member", "no administrator"), ("left", "not in"), ("kicked", "not in"), ("", "not in")],
)
def test_a_group_in_which_the_bot_lacks_something(status, sentence):
    told, remedy = the_trouble(facts(more={"members": [Member("Dev chat", status)]}))

    assert sentence in told
    assert "Dev chat" in told
    assert remedy


@pytest.fixture
def telegram():
    with telegram_server() as server:
        yield server


@pytest.fixture
def examine(telegram):
    def ask(mode="polling", token=TOKEN, url="", **around):
        config = Telegram.Config(bot_token=token, mode=mode)
        adapter = Telegram(config, source_id=7)
        return adapter.examine(Surroundings(**around), api_url=url or telegram.url)

    return ask


def test_a_wrong_token_is_a_trouble_of_its_own(examine):
    (trouble,) = examine(token="1:wrong")

    assert "bot token" in trouble.sentence
    assert "/mybots" in trouble.remedy


def test_a_server_that_is_away_is_a_trouble_of_its_own(examine):
    (trouble,) = examine(url="http://127.0.0.1:9")

    assert "cannot be reached" in trouble.sentence
    assert "TELEGRAM_API_URL" in trouble.remedy


def test_monitored_groups_are_asked_for_the_bots_rights(examine, telegram):
    telegram.add_chat(-1001, title="Ours")
    telegram.add_member(-1001, telegram.bot["id"], status="administrator", **ADMINISTRATOR)
    telegram.add_chat(-1002, title="Theirs")
    telegram.add_member(-1002, telegram.bot["id"])

    found = examine(chats=[("-1001", "Ours"), ("-1002", "Theirs"), ("-1003", "Gone")])

    assert [finding.sentence for finding in found[-3:]] == [
        "In 1 monitored group the bot is an administrator, so it sees reactions.",
        "In “Theirs” the bot is no administrator, so it sees no reactions.",
        "The bot is not in “Gone”, so nothing comes from there.",
    ]


def test_another_poller_is_met_by_trying(examine, telegram):
    telegram.fail(409, "Conflict: terminated by other getUpdates request", method="getUpdates")

    (trouble,) = troubles(examine())
    assert "Somebody else polls" in trouble.sentence


def test_nobody_tries_while_our_own_collector_listens(examine, telegram):
    found = examine(is_listened_to=True, last_error="Somebody else polls this bot.")

    assert telegram.questions == []
    assert "Somebody else polls" in troubles(found)[0].sentence


def test_trying_confirms_nothing(examine, telegram):
    telegram.add({"update_id": 5, "message": {"message_id": 1}})

    examine()
    assert len(telegram.updates) == 1


def test_no_finding_holds_the_token(examine, telegram):
    telegram.webhook |= {
        "url": f"https://other.example/{TOKEN}",
        "last_error_date": HALF_AN_HOUR_AGO,
        "last_error_message": f"cannot post to {TOKEN}",
    }

    for mode in ("polling", "webhook"):
        assert TOKEN not in repr(examine(mode, wanted_url=HERE))


ADMINISTRATOR = dict.fromkeys(
    (
        "can_be_edited",
        "is_anonymous",
        "can_manage_chat",
        "can_delete_messages",
        "can_manage_video_chats",
        "can_restrict_members",
        "can_promote_members",
        "can_change_info",
        "can_invite_users",
        "can_post_stories",
        "can_edit_stories",
        "can_delete_stories",
    ),
    False,
)
