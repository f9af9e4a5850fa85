"""`manage.py doctor telegram`: tells people and programs, and ends with 1 when something is wrong."""

import json

import pytest
from django.core.management import CommandError, call_command

from apps.sources.models import Source
from tests.stubs.telegram import TOKEN

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot(project):
    return Source.objects.create(
        project=project, kind="telegram", name="Bot", config={"bot_token": TOKEN}
    )


def test_a_bot_that_works_ends_well(bot, telegram, capsys):
    call_command("doctor", "telegram")

    told = capsys.readouterr().out
    assert told.startswith("Bot (smachno)\n  ✓ The token is right.")
    assert "✗" not in told


def test_a_trouble_is_told_with_its_remedy_and_ends_with_1(bot, telegram, capsys):
    telegram.bot["can_read_all_group_messages"] = False

    with pytest.raises(SystemExit, match="1"):
        call_command("doctor", "telegram")

    told = capsys.readouterr().out
    assert "✗ Privacy mode is on" in told
    assert "→ Switch it off at @BotFather" in told


def test_programs_get_one_json_object(bot, telegram, capsys):
    telegram.webhook["url"] = "https://other.example/bot"

    with pytest.raises(SystemExit):
        call_command("doctor", "telegram", "--source", "Bot", "--json")

    (told,) = json.loads(capsys.readouterr().out.splitlines()[-1])["sources"]
    assert (told["source"], told["project"], told["ok"]) == ("Bot", "smachno", False)
    assert any("409" in finding["sentence"] for finding in told["findings"])


def test_settings_that_no_key_opens_are_a_trouble(bot, telegram, settings, capsys):
    settings.FIELD_ENCRYPTION_KEYS = ["bm90LXRoZS1rZXktdGhhdC13YXMtdXNlZC1iZWZvcmU="]

    with pytest.raises(SystemExit):
        call_command("doctor", "telegram")
    assert "✗" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--source", "Nobody"], ["--project", "none"]])
def test_a_source_that_is_not_there_is_said(bot, words):
    with pytest.raises(CommandError, match="no such source"):
        call_command("doctor", "telegram", *words)


def test_a_source_that_changes_its_mode_by_command_changes_its_webhook(
    bot, telegram, settings, capsys
):
    settings.WEBHOOK_BASE_URL = "https://tracker.example"
    change = ("add_source", "telegram", "--name", "Bot", "--json", "--set")

    call_command(*change, "mode=webhook")
    assert telegram.webhook["url"] == "https://tracker.example/webhook/telegram"
    call_command(*change, "mode=polling")
    assert telegram.webhook["url"] == ""
    assert "deleted" in json.loads(capsys.readouterr().out.splitlines()[-1])["webhook"]
