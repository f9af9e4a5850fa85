"""Uploads in the admin: what is taken, what is refused and why, and what the pages tell."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.sources.admin.scope import page_of
from apps.sources.models import Chat, Gap, HistoryImport, Project, Source

DEMO = Path(__file__).parents[2] / "data" / "demo" / "result.json"
ADD = "admin:sources_historyimport_add"
LINE = b'{"text": "hello"}\n'


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.UPLOAD_DIR = tmp_path
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path)


@pytest.fixture
def bot(project: Project) -> Source:
    return Source.objects.create(project=project, kind="telegram", name="Bot")


def send(client: Client, content: bytes, **values: Any) -> str:
    data = {"upload": SimpleUploadedFile("result.json", content), **values}
    return client.post(reverse(ADD), data, follow=True).content.decode()


def do(client: Client, verb: str, row: Any) -> str:
    address = reverse(f"admin:sources_{row._meta.model_name}_{verb}", args=[row.pk])
    return client.post(address, follow=True).content.decode()


def test_the_page_of_a_source_leads_to_the_form_with_that_source(operator: Client, bot: Source):
    address = f"{reverse(ADD)}?source={bot.pk}"

    assert (
        address
        in operator.get(reverse("admin:sources_source_change", args=[bot.pk])).content.decode()
    )
    assert reverse(ADD) in operator.get(reverse("admin:sources_source_changelist")).content.decode()
    assert f'<option value="{bot.pk}" selected' in operator.get(address).content.decode()


def test_an_export_is_taken_and_waits(operator: Client, bot: Source):
    page = send(operator, DEMO.read_bytes(), source=bot.pk)

    row = HistoryImport.objects.get()
    assert "The file is here" in page
    assert (row.source, row.original_name, row.is_live) == (bot, "result.json", False)
    assert row.created_by.get_username() == "operator"
    assert row.path.read_bytes() == DEMO.read_bytes()
    assert "data-running" in page


def test_a_new_source_is_made_for_archives(operator: Client, project: Project):
    send(operator, LINE, project=project.pk, name="Old chat", is_live="on")

    row = HistoryImport.objects.get()
    assert (row.source.name, row.source.kind, row.is_live) == ("Old chat", "file_import", True)


def test_who_may_not_add_sources_makes_none_here(operator: Client, project: Project, bot: Source):
    Permission.objects.get(codename="add_source").group_set.clear()

    assert 'name="project"' not in operator.get(reverse(ADD)).content.decode()
    send(operator, LINE, project=project.pk, name="Old chat")
    assert not HistoryImport.objects.exists()
    send(operator, LINE, source=bot.pk)

    assert HistoryImport.objects.get().source == bot


def test_a_large_file_is_not_copied(
    operator: Client, bot: Source, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 0
    monkeypatch.setattr(TemporaryUploadedFile, "chunks", None)

    send(operator, LINE, source=bot.pk)

    assert HistoryImport.objects.get().path.read_bytes() == LINE


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b"hello", "neither a Telegram Desktop export"),
        (b'{"a": 1}', "No line of this file is a message: Line 1: "),
        (b"\xff\xd8\x01,a\r\x02,b\nc", "this is no JSON"),
        ("Назва,Хто\nщось,Олена\n".encode(), "What there is: “Назва”, “Хто”"),
        ("Назва,Хто\nщось,Олена\n".encode(), "set their names on the page of a source"),
        (LINE * 1000, "larger than"),
    ],
)
def test_what_cannot_be_imported_is_refused_with_a_reason(
    operator: Client, bot: Source, settings: Any, content: bytes, sentence: str
):
    settings.UPLOAD_MAX_BYTES = 10_000

    assert sentence in send(operator, content, source=bot.pk)
    assert not HistoryImport.objects.exists()


def test_without_a_source_the_form_says_so(operator: Client, project: Project, source: Source):
    api = Source.objects.create(project=project, kind="api", name="Robots")

    assert "Choose a source" in send(operator, LINE)
    assert "takes no history" in send(operator, LINE, project=project.pk, name=api.name)
    assert "Select a valid choice" in send(operator, LINE, source=api.pk)
    assert not HistoryImport.objects.exists()


def test_nobody_imports_into_what_is_not_theirs(
    operator: Client, viewer: Client, other_project: Project, bot: Source
):
    foreign = Source.objects.create(project=other_project, kind="telegram", name="Theirs")
    row = HistoryImport.objects.create(source=foreign, original_name="x")
    own = HistoryImport.objects.create(source=bot, original_name="x")

    send(operator, LINE, source=foreign.pk)
    send(operator, LINE, project=other_project.pk, name="New")
    send(viewer, LINE, source=bot.pk)
    do(operator, "cancel", row)
    do(viewer, "cancel", own)

    assert set(HistoryImport.objects.values_list("status", flat=True)) == {"waiting"}
    assert HistoryImport.objects.count() == 2


def test_how_far_an_import_is_stands_in_counts_that_can_be_read(operator: Client, bot: Source):
    counts = {"read": 181_204, "published": 177_911}
    row = HistoryImport.objects.create(
        source=bot,
        original_name="result.json",
        size=10,
        counts=counts,
        leased_until=timezone.now() + timedelta(minutes=1),
    )
    page = operator.get(page_of(row)).content.decode()
    listed = operator.get(reverse("admin:sources_historyimport_changelist")).content.decode()

    assert ("181,204" in page, "177,911" in page, "177,911" in listed) == (True, True, True)
    assert "The file is being read" in page
    assert ("Under way" in page, "Under way" in listed) == (True, True)


def test_an_import_that_nobody_reads_waits(operator: Client, bot: Source):
    row = HistoryImport.objects.create(
        source=bot,
        original_name="result.json",
        size=10,
        leased_until=timezone.now() - timedelta(minutes=1),
    )
    page = operator.get(page_of(row)).content.decode()

    assert "Waits for the collector" in page
    assert "Under way" not in page


def test_an_import_is_cancelled_and_resumed(operator: Client, bot: Source):
    send(operator, LINE, source=bot.pk)
    row = HistoryImport.objects.get()

    assert "Resume" in do(operator, "cancel", row)
    assert "Cancel" in do(operator, "resume", row)
    assert "moved on" in do(operator, "resume", row)


def test_a_gap_shows_what_to_do_and_is_closed_by_hand(
    operator: Client, viewer: Client, bot: Source, client_of: Callable[[str], Client]
):
    chat = Chat.objects.create(source=bot, external_id="-1", title="Dev chat")
    gap = Gap.objects.create(
        source=bot, chat=chat, since="2026-03-02T09:00:00Z", until="2026-03-02T12:00:00Z"
    )
    pages = reverse("admin:sources_gap_changelist")

    page = operator.get(pages).content.decode()
    assert f"{reverse(ADD)}?source={bot.pk}" in page
    assert "3 hours" in page
    assert "Gaps in chats" in operator.get(reverse("admin:index")).content.decode()
    do(viewer, "dismiss", gap)
    gap.refresh_from_db()
    assert gap.closed_at is None
    do(operator, "dismiss", gap)

    gap.refresh_from_db()
    assert gap.dismissed_by.get_username() == "operator"
    assert "Closed by operator" in operator.get(pages).content.decode()
