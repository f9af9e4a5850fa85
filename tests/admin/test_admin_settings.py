"""Sources and trackers: settings come from the plug-in, and a saved secret is never shown again."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from rest_framework.authtoken.models import TokenProxy

from apps.exports.models import Tracker
from apps.sources.models import DeadLetter, Project, Source

ADD = "admin:sources_source_add"
TOKEN = "123456:telegram-secret"


@pytest.fixture
def telegram(project: Project) -> Source:
    return Source.objects.create(
        project=project, kind="telegram", name="Bot", config={"bot_token": TOKEN, "mode": "webhook"}
    )


def change(client: Client, row: Any, **data: Any) -> Any:
    options = row._meta
    address = reverse(f"admin:{options.app_label}_{options.model_name}_change", args=[row.pk])
    values = {"project": row.project_id, "name": row.name, "is_active": "on"}
    return client.post(address, {**values, **data}, follow=True)


def test_a_new_source_takes_the_settings_of_its_kind(operator: Client, project: Project):
    operator.post(
        reverse(ADD),
        {
            "project": project.pk,
            "kind": "telegram",
            "name": "Bot",
            "is_active": "on",
            "telegram__bot_token": TOKEN,
            "telegram__mode": "polling",
        },
    )

    source = Source.objects.get()
    assert source.config == {"bot_token": TOKEN, "mode": "polling"}


@pytest.mark.parametrize(("mode", "is_shown"), [("polling", False), ("webhook", True)])
def test_a_webhook_address_is_shown_only_where_somebody_posts_to_it(
    operator: Client, telegram: Source, mode: str, is_shown: bool
):
    telegram.config["mode"] = mode
    telegram.save()
    page = operator.get(reverse("admin:sources_source_change", args=[telegram.pk]))

    assert (f">{telegram.webhook_path}<" in page.content.decode()) is is_shown


def test_the_settings_lie_encrypted_in_the_database(telegram: Source):
    with connection.cursor() as cursor:
        cursor.execute("SELECT config FROM sources_source WHERE id = %s", [telegram.pk])
        stored = cursor.fetchone()[0]

    assert TOKEN not in stored


@pytest.mark.parametrize("role", ["administrator", "operator", "viewer"])
def test_a_saved_secret_is_never_shown(
    client_of: Callable[[str], Client], telegram: Source, role: str
):
    client = client_of(role)
    for address in (
        reverse("admin:sources_source_change", args=[telegram.pk]),
        reverse("admin:sources_source_changelist"),
    ):
        content = client.get(address).content.decode()
        assert TOKEN not in content
        assert telegram.webhook_secret not in content


def test_an_empty_secret_keeps_the_saved_one(operator: Client, telegram: Source):
    change(operator, telegram, name="Renamed", saved__bot_token="", saved__mode="polling")

    telegram.refresh_from_db()
    assert telegram.name == "Renamed"
    assert telegram.config == {"bot_token": TOKEN, "mode": "polling"}


def test_a_new_secret_replaces_the_saved_one(operator: Client, telegram: Source):
    change(operator, telegram, saved__bot_token="999:new", saved__mode="webhook")

    telegram.refresh_from_db()
    assert telegram.config["bot_token"] == "999:new"


@pytest.fixture
def mailbox(project: Project) -> Source:
    saved = {"host": "imap.example.com", "username": "team", "password": "kept"}
    return Source.objects.create(project=project, kind="imap", name="Mail", config=saved)


SAME = {"saved__host": "imap.example.com", "saved__username": "team", "saved__encryption": "ssl"}


@pytest.mark.parametrize(
    "changes",
    [
        {"saved__host": "imap.attacker.example"},
        {"saved__port": "1143"},
        {"saved__encryption": "none"},
    ],
)
def test_a_kept_secret_is_not_told_to_another_address(
    operator: Client, mailbox: Source, changes: dict[str, str]
):
    page = change(operator, mailbox, **{**SAME, "saved__older_days": "0", **changes})

    mailbox.refresh_from_db()
    assert "imap.attacker" not in str(mailbox.config)
    assert "saved__password" in page.context["adminform"].form.errors


def test_a_kept_secret_stays_where_it_was_told(operator: Client, mailbox: Source):
    change(operator, mailbox, **{**SAME, "saved__older_days": "7"})

    mailbox.refresh_from_db()
    assert (mailbox.config["password"], mailbox.config["older_days"]) == ("kept", "7")


def test_settings_that_do_not_fit_are_refused_with_a_reason(operator: Client, telegram: Source):
    page = change(operator, telegram, saved__bot_token="999:new", saved__mode="carrier pigeon")

    telegram.refresh_from_db()
    assert page.status_code == 200
    assert telegram.config["bot_token"] == TOKEN
    assert "999:new" not in page.content.decode()
    assert "errornote" in page.content.decode() or "correct the error" in page.content.decode()


@pytest.mark.parametrize("kind", ["", "nonsense"])
def test_an_unknown_kind_is_refused(operator: Client, project: Project, kind: str):
    data = {"project": project.pk, "kind": kind, "name": "Bot"}

    assert operator.post(reverse(ADD), data).status_code == 200
    assert not Source.objects.exists()


def test_a_name_is_used_once_in_a_project(operator: Client, telegram: Source):
    data = {"project": telegram.project_id, "kind": "file_import", "name": telegram.name}
    page = operator.post(reverse(ADD), data)

    assert page.status_code == 200
    assert Source.objects.count() == 1


def test_settings_that_no_key_opens_are_told_and_are_no_error(
    operator: Client, telegram: Source, settings: Any
):
    settings.FIELD_ENCRYPTION_KEYS = ["bm90LXRoZS1rZXktdGhhdC13YXMtdXNlZC1iZWZvcmU="]
    address = reverse("admin:sources_source_change", args=[telegram.pk])
    changelist = operator.get(reverse("admin:sources_source_changelist"))
    page = operator.get(address, follow=True)

    assert changelist.status_code == 200
    assert page.status_code == 200
    assert "FIELD_ENCRYPTION_KEYS" in page.content.decode()


def test_a_source_that_no_key_opens_can_be_deleted(
    administrator: Client, telegram: Source, settings: Any
):
    settings.FIELD_ENCRYPTION_KEYS = ["bm90LXRoZS1rZXktdGhhdC13YXMtdXNlZC1iZWZvcmU="]
    administrator.post(reverse("admin:sources_source_delete", args=[telegram.pk]), {"post": "yes"})

    assert not Source.objects.exists()


def test_settings_that_no_key_opens_are_not_written_over(
    operator: Client, telegram: Source, settings: Any
):
    keys = settings.FIELD_ENCRYPTION_KEYS
    settings.FIELD_ENCRYPTION_KEYS = ["bm90LXRoZS1rZXktdGhhdC13YXMtdXNlZC1iZWZvcmU="]
    page = change(operator, telegram, name="Renamed", saved__mode="polling")
    settings.FIELD_ENCRYPTION_KEYS = keys

    telegram.refresh_from_db()
    assert "FIELD_ENCRYPTION_KEYS" in page.content.decode()
    assert (telegram.name, telegram.config["bot_token"]) == ("Bot", TOKEN)


def test_checking_a_tracker_that_no_key_opens_says_why(
    operator: Client, tracker: Tracker, settings: Any
):
    settings.FIELD_ENCRYPTION_KEYS = ["bm90LXRoZS1rZXktdGhhdC13YXMtdXNlZC1iZWZvcmU="]
    page = operator.post(reverse("admin:exports_tracker_check", args=[tracker.pk]), follow=True)

    assert page.status_code == 200
    assert "FIELD_ENCRYPTION_KEYS" in page.content.decode()


def test_check_settings_asks_the_tracker(
    operator: Client, tracker: Tracker, settings: Any, tmp_path: Any
):
    settings.EXPORT_DIR = tmp_path / "exports"
    address = reverse("admin:exports_tracker_check", args=[tracker.pk])
    works = operator.post(address, follow=True).content.decode()
    (tmp_path / "file").write_text("in the way")
    settings.EXPORT_DIR = tmp_path / "file"
    fails = operator.post(address, follow=True).content.decode()

    assert "The settings work." in works
    assert "The settings do not work" in fails


def test_a_dead_letter_that_is_still_broken_says_why(operator: Client, rows: dict[type, Any]):
    letter = rows[DeadLetter]
    page = operator.post(
        reverse("admin:sources_deadletter_replay", args=[letter.pk]), follow=True
    ).content.decode()

    letter.refresh_from_db()
    assert "still cannot be read" in page
    assert letter.replayed_at is None


@pytest.mark.parametrize("page", ["changelist", "change"])
def test_a_dead_letter_says_why_in_the_language_of_its_reader(
    operator: Client, source: Source, page: str
):
    letter = DeadLetter.objects.create(
        source=source,
        subject="webhook.1",
        payload=b"{}",
        reason="message 2: There is nothing at the path of the text.\nIt is a list, not a text.",
    )
    address = reverse(
        f"admin:sources_deadletter_{page}", args=[letter.pk] if page == "change" else []
    )
    told = operator.get(address, headers={"Accept-Language": "uk"}).content.decode()

    assert "Повідомлення 2: За шляхом тексту нічого немає. Це не текст: там список." in told


def test_a_readable_dead_letter_is_replayed(
    operator: Client,
    source: Source,
    make_envelope: Callable[..., Any],
    stream: Callable[[], list[Any]],
):
    letter = DeadLetter.objects.create(
        source=source,
        subject="",
        payload=make_envelope().to_bytes(),
        reason="the database was away",
    )
    page = operator.post(
        reverse("admin:sources_deadletter_replay", args=[letter.pk]), follow=True
    ).content.decode()

    letter.refresh_from_db()
    assert "1 message sent again." in page
    assert letter.replayed_at is not None
    assert len(stream()) == 1


def test_the_key_of_a_token_is_shown_once(administrator: Client, people: dict[str, User]):
    page = administrator.post(
        reverse("admin:authtoken_tokenproxy_add"), {"user": people["viewer"].pk}, follow=True
    ).content.decode()
    key = TokenProxy.objects.get().key
    later = administrator.get(reverse("admin:authtoken_tokenproxy_changelist")).content.decode()

    assert page.count(key) == 1
    assert key not in later


@pytest.mark.parametrize(
    "name",
    [
        "authtoken_tokenproxy_change",
        "authtoken_tokenproxy_delete",
        "authtoken_tokenproxy_history",
        "auth_user_delete",
    ],
)
def test_no_page_of_a_token_or_its_user_shows_the_key(
    administrator: Client, people: dict[str, User], name: str
):
    user = people["viewer"]
    administrator.post(reverse("admin:authtoken_tokenproxy_add"), {"user": user.pk}, follow=True)
    key = TokenProxy.objects.get().key

    page = administrator.get(reverse(f"admin:{name}", args=[user.pk]))

    assert page.status_code == 200
    assert key not in page.content.decode()
    assert not LogEntry.objects.filter(object_repr__contains=key).exists()


def test_a_token_stays_with_its_user(administrator: Client, people: dict[str, User]):
    token = TokenProxy.objects.create(user=people["viewer"])
    address = reverse("admin:authtoken_tokenproxy_change", args=[people["viewer"].pk])
    administrator.post(address, {"user": people["operator"].pk})

    assert TokenProxy.objects.get().user == people["viewer"]
    assert TokenProxy.objects.get().key == token.key


def test_what_is_wrong_with_a_setting_is_said_in_words_of_ours(operator: Client, project: Project):
    Source.objects.create(project=project, kind="imap", name="Mail")
    page = operator.post(
        reverse(ADD),
        {
            "project": project.pk,
            "kind": "imap",
            "name": "Mail",
            "imap__host": "http://mail.example/",
            "imap__encryption": "ssl",
            "imap__port": "99999",
            "imap__older_days": "soon",
        },
    ).content.decode()

    assert "There is a character in it that cannot be there." in page
    assert "The largest number is 65535." in page
    assert "This is no whole number." in page
    assert "The project has one of this name already." in page
