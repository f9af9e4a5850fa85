"""Archives come in by the way of live messages, once, whatever happens on the way."""

import json
import pickle
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.exports.models import TaskExport
from apps.issues.models import Issue
from apps.messages import history, pacing
from apps.messages.ingest import store
from apps.messages.models import Message
from apps.sources.models import Chat, DeadLetter, Project, Source
from tasktracker.lib import bus
from tasktracker.management.commands import load_demo
from tasktracker.models import Heartbeat
from tests.lib.jetstream import empty_the_stream, jetstream_away

DEMO = Path(__file__).parents[2] / "data" / "demo" / "result.json"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _empty_stream():
    empty_the_stream()


@pytest.fixture
def lines(tmp_path):
    def write(*values):
        path = tmp_path / "chat.jsonl"
        path.write_text("".join(f"{json.dumps(value, ensure_ascii=False)}\n" for value in values))
        return path

    return write


def import_file(path, capsys, *, name="Dev chat", wait=False, **options):
    call_command("import_messages", str(path), source=name, wait=wait, json=True, **options)
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def ingest():
    call_command("ingest_messages", once=True)


def test_the_demo_chat_is_stored_once(project, capsys):
    first = import_file(DEMO, capsys)
    ingest()
    second = import_file(DEMO, capsys)
    ingest()

    assert (first["read"], first["published"], first["service"]) == (440, 440, 6)
    assert (second["read"], second["published"], second["already_stored"]) == (440, 0, 440)
    assert Message.objects.count() == 440
    assert set(Message.objects.values_list("is_history", flat=True)) == {True}


def test_an_import_that_was_interrupted_goes_on(project, capsys, lines, monkeypatch):
    monkeypatch.setattr(history, "CHUNK", 2)
    values = [{"id": number, "text": f"message {number}"} for number in range(5)]
    import_file(lines(*values[:3]), capsys)
    ingest()

    summary = import_file(lines(*values), capsys)
    ingest()

    assert (summary["already_stored"], summary["published"]) == (3, 2)
    assert Message.objects.count() == 5


def test_what_the_ingester_refuses_is_counted_to_the_last(project, lines, monkeypatch):
    monkeypatch.setattr(history, "CHUNK", 2)
    source = Source.objects.create(project=project, kind="file_import", name="Dev chat")
    Chat.objects.create(source=source, external_id="quiet", state="off")
    path = lines(*({"id": n, "text": "x", "chat": "quiet" if n % 3 else "Dev"} for n in range(9)))

    summary = history.publish_history(path, source, lambda done, total: None)
    ingest()
    Message.objects.update(status="noise", due_at=None)
    history.wait_until_finished(source, summary, lambda done, total: None)

    assert (summary.published, summary.not_stored, Message.objects.count()) == (9, 6, 3)


def test_what_is_under_way_takes_little_memory(project, lines):
    source = Source.objects.create(project=project, kind="file_import", name="Dev chat")
    path = lines(
        *({"id": number, "text": "x", "chat_id": "-1002148830671"} for number in range(2000))
    )

    summary = history.publish_history(path, source, lambda done, total: None)

    assert sum(chunk.count for chunk in summary.outstanding) == 2000
    assert len(pickle.dumps(summary)) < 10 * 2000


def test_a_file_that_is_cut_off_brings_in_what_is_whole(project, capsys, tmp_path):
    path = tmp_path / "result.json"
    path.write_bytes(DEMO.read_bytes()[:100_000])

    with pytest.raises(CommandError, match="ends in the middle"):
        import_file(path, capsys)

    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    ingest()
    assert summary["truncated"]
    assert Message.objects.count() == summary["read"] > 200


def test_a_bad_line_is_named_and_the_others_come_in(project, capsys, lines):
    path = lines({"text": "one"}, {"words": "two"}, {"text": "three"})

    call_command("import_messages", str(path), source="Dev chat", wait=False)

    captured = capsys.readouterr()
    assert "line 2" in captured.err
    assert "2 messages read" in captured.out
    ingest()
    assert Message.objects.count() == 2


def test_a_file_without_any_message_is_an_error(project, capsys, lines):
    with pytest.raises(CommandError, match="Nothing in the file"):
        import_file(lines({"words": "two"}), capsys)


def test_a_file_that_does_not_exist_is_an_error(project, capsys, tmp_path):
    with pytest.raises(CommandError, match="no file"):
        import_file(tmp_path / "nothing.json", capsys)


def test_history_of_a_live_chat_meets_its_live_messages(project, capsys, tmp_path):
    source = Source.objects.create(project=project, kind="telegram", name="Bot")
    path = tmp_path / "result.json"
    message = {"id": 2, "type": "message", "date_unixtime": "1762152793", "text": "привіт"}
    path.write_text(json.dumps({"type": "private_supergroup", "id": 5, "messages": [message]}))

    import_file(path, capsys, name="Bot")
    ingest()

    stored = Message.objects.get()
    assert (stored.source, stored.external_id) == (source, "-1005:2")


def test_an_export_meets_the_last_of_two_edits_of_one_second(
    project, capsys, tmp_path, make_envelope
):
    bot = Source.objects.create(project=project, kind="telegram", name="Bot")
    Chat.objects.create(source=bot, external_id="-100500")
    for text in ("приві", "привіт"):
        store(make_envelope(text, source_id=bot.pk, external_id="-1005:2", edit=1762152800))
    path = tmp_path / "result.json"
    message = {"id": 2, "type": "message", "date_unixtime": "1762152793", "text": "привіт"}
    message["edited_unixtime"] = "1762152800"
    path.write_text(json.dumps({"type": "private_supergroup", "id": 5, "messages": [message]}))

    summary = import_file(path, capsys, name="Bot")

    assert (summary["already_stored"], summary["published"]) == (1, 0)


def test_a_source_without_history_says_so(project, capsys, lines):
    Source.objects.create(project=project, kind="api", name="Robots")

    with pytest.raises(CommandError, match="takes no history"):
        import_file(lines({"text": "one"}), capsys, name="Robots")


def test_with_several_projects_one_must_be_named(project, other_project, capsys, lines):
    path = lines({"text": "one"})

    with pytest.raises(CommandError, match="kvit, smachno"):
        import_file(path, capsys)

    assert import_file(path, capsys, project="kvit")["project"] == "kvit"


def test_without_a_project_a_first_one_is_made(transactional_db, capsys, lines):
    assert import_file(lines({"text": "one"}), capsys)["project"] == "default"
    assert Project.objects.get().name == "Default"


def test_without_jetstream_the_import_ends_with_a_sentence(project, capsys, lines, monkeypatch):
    monkeypatch.setattr(pacing, "BUS_PATIENCE", 0)

    with jetstream_away(), pytest.raises(CommandError, match="JetStream does not take"):
        import_file(lines({"text": "one"}), capsys)


def test_poison_in_the_stream_is_a_dead_letter_and_is_not_read_again(source):
    bus.publish(f"chat.{source.pk}", b"\x00garbage", message_id=f"{source.pk}/poison/0")

    ingest()
    ingest()

    assert DeadLetter.objects.get().source == source
    assert bus.pending() == 0


def test_the_ingester_tells_that_it_lives(transactional_db):
    ingest()

    assert Heartbeat.objects.filter(name="ingester").exists()


def test_issues_of_the_demo_chat_go_to_its_tracker(transactional_db, lines, monkeypatch):
    path = lines({"text": "Прод лежить, 502 на всіх сторінках, ніхто не може оплатити!"})
    monkeypatch.setattr(load_demo, "FILE", path)

    call_command("load_demo")

    assert Project.objects.get().approves_history
    assert TaskExport.objects.get().issue.status == "approved"


def test_without_running_processes_the_import_brings_its_own(project, capsys, lines):
    path = lines(
        {"text": "Прод лежить, 502 на всіх сторінках, ніхто не може оплатити!", "author": "Олена"},
        {"text": "дякую, бачу", "author": "Ігор"},
    )

    summary = import_file(path, capsys, wait=True)

    assert summary["not_stored"] == 0
    assert not Message.objects.filter(status__in=Message.WAITING, due_at__isnull=False).exists()
    assert Message.objects.count() == 2
    assert Issue.objects.count() == 1
    assert not Heartbeat.objects.exists()  # its processes are gone, and nobody believes otherwise
