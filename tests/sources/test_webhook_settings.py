"""What a source's webhook is at its platform, what our row says, and how the two are brought in line."""

from copy import copy

import pytest
from django.core.exceptions import ValidationError

from apps.sources import monitored_groups, webhook_settings
from apps.sources.adapters.telegram.polling import ALLOWED_UPDATES
from apps.sources.models import Chat, Source, Webhook, base_url_of
from tasktracker.lib.workflow import GiveUp, TryLater
from tests.stubs.telegram import TOKEN

BASE = "https://tracker.example"
HERE = f"{BASE}/webhook/telegram"


@pytest.fixture
def bot(project):
    return Source.objects.create(
        project=project, kind="telegram", name="Bot", config={"bot_token": TOKEN, "mode": "webhook"}
    )


def mode_of(source):
    return Source.objects.get(pk=source.pk).config["mode"]


def sentences(webhook):
    return " ".join(finding.sentence for finding in webhook_settings.drift(webhook))


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        (" https://Tracker.Example/ ", "https://tracker.example"),
        ("https://tracker.example:8443", "https://tracker.example:8443"),
        ("https://tracker.example:443", "https://tracker.example"),
        ("http://localhost", "http://localhost"),
        ("https://трекер.укр", "https://xn--e1aaowdh.xn--j1amh"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
    ],
)
def test_an_address_is_kept_as_one_writes_it(typed, kept):
    assert base_url_of(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "tracker.example",
        "ftp://tracker.example",
        "javascript:alert(1)",
        "https://",
        "https://a b.example",
        "https://tracker.example/path",
        "https://tracker.example?x=1",
        "https://tracker.example#x",
        "https://user:password@tracker.example",
        "https://tracker.example\\@evil.example",
        "https://tracker.example:99999",
        "https://-bad-.example",
        "https://[::1",
        "https://a..example",
        "https://" + "a" * 300,
        "https://\0.example",
    ],
)
def test_what_is_no_address_is_refused(typed):
    with pytest.raises(ValidationError):
        base_url_of(typed)


def test_setting_tells_telegram_where_with_our_secret_and_all_kinds_of_updates(bot, telegram):
    webhook = webhook_settings.set_webhook(bot, f"{BASE}/")

    assert (webhook.base_url, webhook.url, webhook.is_active) == (BASE, HERE, True)
    assert webhook.last_set_at
    assert telegram.webhook["url"] == HERE
    assert telegram.webhook_secret == bot.webhook_secret
    assert telegram.allowed_updates == list(ALLOWED_UPDATES)
    assert webhook_settings.drift(webhook) == []


def test_nothing_that_waits_is_ever_dropped(bot, telegram):
    telegram.add({"update_id": 5, "message": {"message_id": 1}})
    webhook_settings.set_webhook(bot, BASE)
    webhook_settings.delete_webhook(bot)

    assert len(telegram.updates) == 1
    dropped = [form.get("drop_pending_updates", "false") for _method, form in telegram.calls]
    assert set(dropped) == {"false"}


def test_a_polled_source_that_gets_a_webhook_is_polled_no_more(bot, telegram):
    bot.config = {**bot.config, "mode": "polling"}
    bot.last_error = "Somebody else polls this bot."
    bot.save()
    webhook_settings.set_webhook(bot, BASE)

    assert mode_of(bot) == "webhook"
    assert Source.objects.get().last_error == ""


@pytest.mark.parametrize(
    ("base_url", "word"),
    [("http://tracker.example", "HTTPS"), ("https://tracker.example:8000", "8000")],
)
def test_an_address_that_breaks_a_rule_is_kept_and_telegram_is_not_asked(
    bot, telegram, base_url, word
):
    with pytest.raises(GiveUp, match=word):
        webhook_settings.set_webhook(bot, base_url)

    assert telegram.calls == []
    webhook = Webhook.objects.get()
    assert (webhook.base_url, webhook.is_active) == (base_url, False)


def test_what_telegram_refuses_leaves_the_address_and_the_mode(bot, telegram):
    bot.config = {**bot.config, "mode": "polling"}
    bot.save()
    telegram.fail(400, "Bad Request: bad webhook: Failed to resolve host", method="setWebhook")

    with pytest.raises(GiveUp, match="failed to resolve host"):
        webhook_settings.set_webhook(bot, BASE)

    webhook = Webhook.objects.get()
    assert (webhook.base_url, webhook.is_active, mode_of(bot)) == (BASE, False, "polling")


def test_deleting_keeps_the_address(bot, telegram):
    webhook_settings.set_webhook(bot, BASE)
    webhook = webhook_settings.delete_webhook(bot)

    assert telegram.webhook["url"] == ""
    assert (webhook.base_url, webhook.is_active, webhook.last_set_at) == (BASE, False, None)


def test_a_telegram_that_is_away_changes_nothing(bot, telegram):
    webhook_settings.set_webhook(bot, BASE)
    telegram.fail(502, "Bad Gateway", method="deleteWebhook")

    with pytest.raises(TryLater):
        webhook_settings.delete_webhook(bot)
    assert Webhook.objects.get().is_active


def test_a_foreign_address_is_kept_without_its_secrets(bot, telegram):
    telegram.webhook["url"] = f"https://other.example/{TOKEN}"
    webhook = webhook_settings.refresh(bot)

    assert webhook.told["url"] == "https://other.example/…"


def test_drift_is_told_and_repaired(bot, telegram):
    webhook_settings.set_webhook(bot, BASE)
    telegram.webhook["url"] = "https://other.example/webhook/telegram"

    assert "other.example" in sentences(webhook_settings.refresh(bot))
    assert webhook_settings.drift(webhook_settings.repair(bot)) == []
    assert telegram.webhook["url"] == HERE


def test_a_webhook_that_was_set_by_hand_is_told_and_taken_over(bot, telegram):
    Webhook.of(bot).wish_for(BASE)
    telegram.webhook |= {"url": HERE, "allowed_updates": list(ALLOWED_UPDATES)}

    assert "marked as not set" in sentences(webhook_settings.refresh(bot))
    assert webhook_settings.repair(bot).is_active


def test_a_webhook_in_the_way_of_polling_is_repaired_away(bot, telegram):
    bot.config = {**bot.config, "mode": "polling"}
    bot.save()
    telegram.webhook["url"] = "https://other.example/bot"

    assert "409" in sentences(webhook_settings.refresh(bot))
    webhook_settings.repair(bot)
    assert telegram.webhook["url"] == ""


def switched(bot, mode):
    before = Source.objects.get(pk=bot.pk)
    bot.config = {**bot.config, "mode": mode}
    bot.save()
    found = webhook_settings.follow(bot, before)
    return found[-1] if found else None


def test_a_source_that_changes_to_polling_loses_its_webhook(bot, telegram):
    webhook_settings.set_webhook(bot, BASE)
    found = switched(bot, "polling")

    assert telegram.webhook["url"] == ""
    assert not Webhook.objects.get().is_active
    assert not found.remedy


def test_a_source_that_changes_to_webhook_gets_one_at_the_known_address(bot, telegram, settings):
    settings.WEBHOOK_BASE_URL = BASE
    switched(bot, "polling")
    found = switched(bot, "webhook")

    assert telegram.webhook["url"] == HERE
    assert HERE in found.sentence


def test_without_a_known_address_it_is_said_what_to_press(bot, telegram):
    switched(bot, "polling")
    telegram.calls.clear()
    found = switched(bot, "webhook")

    assert telegram.calls == []
    assert "Press Webhook" in found.remedy


def test_somebody_elses_webhook_is_replaced_by_the_button_only(bot, telegram, settings):
    settings.WEBHOOK_BASE_URL = BASE
    switched(bot, "polling")
    telegram.webhook["url"] = "https://other.example/bot"
    found = switched(bot, "webhook")

    assert "other.example" in found.sentence
    assert telegram.webhook["url"] == "https://other.example/bot"


@pytest.mark.parametrize("mode", ["polling", "webhook"])
def test_a_switch_that_fails_at_telegram_is_said(bot, telegram, settings, mode):
    settings.WEBHOOK_BASE_URL = BASE
    if mode == "webhook":
        switched(bot, "polling")
    telegram.trouble = lambda method: None
    telegram.fail(502, "Bad Gateway")
    found = switched(bot, mode)

    assert found.remedy
    assert mode_of(bot) == mode


def given_the_token(bot, token):
    before = Source.objects.get(pk=bot.pk)
    bot.config = {**bot.config, "bot_token": token}
    bot.save()
    return webhook_settings.follow(bot, before)


def test_the_bot_that_the_source_had_before_posts_here_no_longer(bot, telegram):
    webhook_settings.set_webhook(bot, BASE)

    [refused] = given_the_token(bot, "987:another")

    assert telegram.webhook["url"] == ""
    assert "not set" in refused.sentence


def test_a_former_bot_that_posts_elsewhere_by_now_is_left_alone(bot, telegram):
    webhook_settings.set_webhook(bot, BASE)
    telegram.webhook["url"] = "https://other.example/bot"

    given_the_token(bot, "987:another")

    assert telegram.webhook["url"] == "https://other.example/bot"


def test_a_former_bot_that_cannot_be_told_is_said_and_the_new_one_is_set(bot, telegram):
    Webhook.of(bot).wish_for(BASE)
    bot.config = {**bot.config, "bot_token": "987:revoked"}
    bot.save()

    [former, now] = given_the_token(bot, TOKEN)

    assert "former" in former.sentence
    assert former.remedy
    assert (telegram.webhook["url"], HERE in now.sentence) == (HERE, True)


@pytest.fixture
def twin(bot):
    """Another source of the same bot, which holds the webhook."""
    twin = Source.objects.create(
        project=bot.project, kind="telegram", name="Twin", config=dict(bot.config)
    )
    webhook_settings.set_webhook(twin, BASE)
    return twin


def test_a_former_bot_that_another_source_reads_keeps_its_webhook(bot, telegram, twin):
    before = copy(bot)
    bot.config = {"bot_token": "9:other", "mode": "webhook"}

    webhook_settings.follow(bot, before)

    assert telegram.webhook["url"] == HERE


def test_a_new_source_does_not_take_the_bot_of_another(bot, telegram, twin, settings):
    settings.WEBHOOK_BASE_URL = BASE
    secret = telegram.webhook_secret

    (finding,) = webhook_settings.follow(bot, None)

    assert telegram.webhook_secret == secret == twin.webhook_secret
    assert "Another source" in finding.sentence


def test_another_program_under_our_host_is_a_stranger(bot, telegram, settings):
    settings.WEBHOOK_BASE_URL = BASE
    telegram.webhook["url"] = f"{BASE}/other-bot/secret"

    (finding,) = webhook_settings.follow(bot, None)

    assert telegram.webhook["url"] == f"{BASE}/other-bot/secret"
    assert "not ours" in finding.sentence


def test_settings_that_stayed_ask_telegram_nothing(bot, telegram):
    assert switched(bot, "webhook") is None
    assert telegram.calls == []


def test_other_kinds_have_no_webhook_to_set(source):
    with pytest.raises(GiveUp):
        webhook_settings.set_webhook(source, BASE)
    assert webhook_settings.follow(source, None) == []


def test_a_group_is_monitored_under_the_number_and_name_that_telegram_knows(bot, telegram):
    telegram.add_chat(-1002988379206, title="Dev chat")
    chat = monitored_groups.add(bot, -2988379206)

    assert (chat.external_id, chat.title) == ("-1002988379206", "Dev chat")
    assert monitored_groups.add(bot, -1002988379206) == chat


def test_a_small_group_keeps_its_number(bot, telegram):
    telegram.add_chat(-4123456789, title="Small", type="group")

    assert monitored_groups.add(bot, -4123456789).external_id == "-4123456789"


def test_a_group_that_telegram_does_not_know_is_monitored_without_a_name(bot, telegram):
    chat = monitored_groups.add(bot, -2988379206)

    assert (chat.external_id, chat.title) == ("-1002988379206", "")


def test_groups_that_are_left_out_are_monitored_no_longer(bot, telegram):
    monitored_groups.add(bot, -1001)
    Chat.objects.create(source=bot, external_id="77", title="A private talk")
    monitored_groups.replace(bot, [-1002, -1003])

    assert [chat.external_id for chat in monitored_groups.groups(bot)] == ["-1002", "-1003"]
    assert not Chat.objects.get(external_id="-1001").is_monitored
    assert Chat.objects.get(external_id="77").is_monitored


def test_a_group_that_has_moved_is_the_same_by_its_former_number(bot, telegram):
    chat = Chat.objects.create(source=bot, external_id="-4400", title="Dev chat")
    Chat.move(bot, chat.reference, "-1002148830671")

    monitored_groups.replace(bot, [-4400])
    assert Chat.objects.get().is_monitored
    monitored_groups.take_off(bot, -4400)
    assert not Chat.objects.get().is_monitored
    monitored_groups.add(bot, -4400)
    assert Chat.objects.get().is_monitored


def test_names_are_taken_over_and_kept_where_telegram_is_silent(bot, telegram):
    for number, title in (("-1001", "Old"), ("-1002", "Kept")):
        Chat.objects.create(source=bot, external_id=number, title=title)
    telegram.add_chat(-1001, title="New")
    monitored_groups.refresh_names(bot)

    assert [chat.title for chat in monitored_groups.groups(bot)] == ["New", "Kept"]
