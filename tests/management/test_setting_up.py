"""Set-up without clicking: by name, repeatable, with the admin's checks, without a secret in sight."""

import json

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from rest_framework.authtoken.models import Token

from apps.exports.models import Tracker
from apps.sources.models import Project, Source

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(capsys):
    def call(*words):
        call_command(*words, "--json")
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return call


@pytest.fixture
def olena():
    return get_user_model().objects.create_user("olena")


def test_a_project_is_made_once_and_then_changed(run, olena):
    first = run("add_project", "Kvit Bank", "--language", "en", "--auto-approve-above", "0.8")
    second = run("add_project", "Kvit Bank", "--member", "olena", "--timezone", "Europe/London")

    assert (first["created"], second["created"], first["id"]) == (True, False, second["id"])
    project = Project.objects.get()
    assert (project.slug, project.language, project.timezone) == (
        "kvit-bank",
        "en",
        "Europe/London",
    )
    assert (project.auto_approve_above, list(project.members.all())) == (0.8, [olena])


def test_a_threshold_can_be_taken_back(run):
    run("add_project", "Kvit", "--auto-approve-above", "0.8")
    run("add_project", "Kvit", "--auto-approve-above", "off")

    assert Project.objects.get().auto_approve_above is None


def test_the_policy_may_be_asked_to_approve_a_history(run):
    run("add_project", "Kvit", "--approves-history")

    assert Project.objects.get().approves_history


def test_a_name_without_latin_letters_gets_a_slug(run):
    assert run("add_project", "Смачно")["slug"] == "project-1"
    assert run("add_project", "Банк")["slug"] == "project-2"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--timezone", "Mars/Base"], "time zone"),
        (["--language", "fr"], "language"),
        (["--auto-approve-above", "7"], "auto_approve_above"),
        (["--auto-approve-above", "much"], "neither a number nor off"),
        (["--member", "nobody"], "no user nobody"),
        (["--slug", "with space"], "slug"),
        (["--duplicate-window-hours", "8761"], "8760"),
        (["--open-issue-days", "999999"], "3650"),
        (["--closed-issue-days", "2147483647"], "3650"),
        (["--run-minutes", "1441"], "1440"),
        (["--raise-priority-from", "1001"], "1000"),
        (["--merge-threshold", "0.2", "--suggest-threshold", "0.9"], "at least as sure"),
        (["--suggest-threshold", "0.99"], "at least as sure"),
        (["--merge-threshold", "0.0001"], "at least as sure"),
        (["--merge-threshold", "0", "--suggest-threshold", "0"], "At 0"),
    ],
)
def test_a_project_that_the_admin_would_refuse_is_refused(run, words, sentence):
    with pytest.raises(CommandError, match=sentence):
        run("add_project", "Kvit", *words)

    assert not Project.objects.exists()


def test_a_telegram_source_tells_its_webhook(run, project):
    made = run("add_source", "telegram", "--name", "Bot", "--set", "bot_token=1:secret")

    source = Source.objects.get()
    assert made["webhook_secret"] == source.webhook_secret
    assert made["webhook_path"] == f"/webhook/telegram/{source.pk}"
    assert (made["created"], made["project"]) == (True, "smachno")


@pytest.mark.parametrize(("mode", "is_told"), [("polling", False), ("webhook", True)])
def test_only_a_bot_that_is_called_has_something_to_give_to_telegram(
    capsys, project, mode, is_told
):
    call_command("add_source", "telegram", name="Bot", set=["bot_token=1:secret", f"mode={mode}"])

    assert (Source.objects.get().webhook_secret in capsys.readouterr().out) is is_told


def test_a_source_that_both_asks_and_is_called_tells_its_address(capsys, project):
    call_command("add_source", "slack", name="Slack", set=["bot_token=xoxb-1"])

    assert Source.objects.get().webhook_path in capsys.readouterr().out


def test_a_generic_webhook_tells_its_address_and_its_secret_is_the_one_that_was_given(run, project):
    made = run("add_source", "webhook", "--name", "Desk", "--set", "secret=a-long-secret")

    source = Source.objects.get()
    assert made["webhook_path"] == f"/webhook/webhook/{source.pk}"
    assert "webhook_secret" not in made
    assert source.config == {"secret": "a-long-secret"}


def test_a_source_is_made_once_and_keeps_what_is_not_given(run, project):
    first = run("add_source", "telegram", "--name", "Bot", "--set", "bot_token=1:secret")
    second = run("add_source", "telegram", "--name", "Bot", "--set", "mode=webhook", "--no-active")

    assert (first["id"], second["created"]) == (second["id"], False)
    assert first["webhook_secret"] == second["webhook_secret"]
    source = Source.objects.get()
    assert source.config == {"bot_token": "1:secret", "mode": "webhook"}
    assert not source.is_active


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["carrier_pigeon", "--name", "A"], "no kind carrier_pigeon"),
        (["telegram", "--name", "A", "--set", "mode=telepathy"], "mode"),
        (["telegram", "--name", "A", "--set", "tokn=1:secret"], "tokn"),
        (["telegram", "--name", "A", "--set", "1:secret"], "key=value"),
        (["telegram", "--name", "A", "--set", "bot_token=[secret"], "bot_token is not valid JSON"),
        (["telegram", "--name", "A", "--project", "moon"], "no project moon"),
        (["telegram", "--name", "", "--set", "bot_token=1:secret"], "name"),
    ],
)
def test_a_source_that_cannot_work_is_refused_without_its_secret(run, project, words, sentence):
    with pytest.raises(CommandError, match=sentence) as error:
        run("add_source", *words)

    assert "secret" not in str(error.value)
    assert not Source.objects.exists()


def test_a_source_does_not_change_its_kind(run, project):
    run("add_source", "api", "--name", "Robots")

    with pytest.raises(CommandError, match="of the kind api"):
        run("add_source", "telegram", "--name", "Robots")


def test_a_secret_is_not_echoed(project, capsys):
    call_command("add_source", "telegram", "--name", "Bot", "--set", "bot_token=1:hidden")

    captured = capsys.readouterr()
    assert "hidden" not in captured.out + captured.err


def test_a_tracker_is_made_once(run, project):
    first = run("add_tracker", "json", "--name", "Files")
    second = run("add_tracker", "json", "--name", "Files", "--no-active")

    assert (first["created"], second["created"], first["id"]) == (True, False, second["id"])
    assert not Tracker.objects.get().is_active


def test_a_tracker_of_an_unknown_kind_is_refused(run, project):
    with pytest.raises(CommandError, match="no kind fax"):
        run("add_tracker", "fax", "--name", "Files")


def test_a_token_is_the_same_each_time(run, olena, project):
    first = run("create_token", "olena", "--project", "smachno")
    second = run("create_token", "olena")

    assert first["token"] == second["token"] == Token.objects.get(user=olena).key
    assert (first["created"], second["created"]) == (True, False)
    assert second["projects"] == ["smachno"]


def test_an_unknown_user_is_made_only_when_asked_for(run):
    with pytest.raises(CommandError, match="--create"):
        run("create_token", "robot")

    run("create_token", "robot", "--create", "--staff")

    robot = get_user_model().objects.get()
    assert (robot.username, robot.is_staff, robot.has_usable_password()) == ("robot", True, False)
