"""Uploads come in beside everything else, once, and go on after every interruption."""

import io
import json
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command

from apps.messages import history, imports, pacing
from apps.messages.imports import import_next, import_uploads
from apps.messages.ingest import store
from apps.messages.models import Message
from apps.messages.pacing import NoRoom, Pace
from apps.sources.adapters.base import Skipped
from apps.sources.archives import NoArchive, check_archive
from apps.sources.intake import forget_stored_archives
from apps.sources.models import Chat, Gap, HistoryImport, Source
from apps.sources.uploads import store_upload, sweep_uploads
from tasktracker.lib import bus, loop
from tests.lib.jetstream import empty_the_stream

pytestmark = pytest.mark.django_db(transaction=True)

DONE, FAILED, WAITING = "done", "failed", "waiting"


def bytes_of_stream():
    async def size():
        connection = await bus._connection()
        return (await connection.stream.stream_info(bus.STREAM)).state.bytes

    return loop.run(size(), timeout=10)


@pytest.fixture(autouse=True)
def _empty_stream(settings, tmp_path):
    settings.UPLOAD_DIR = tmp_path / "uploads"
    empty_the_stream()


@pytest.fixture(autouse=True)
def _stores_what_comes(monkeypatch):
    """The ingester, whenever an import waits for it."""
    monkeypatch.setattr(Pace, "wait", wait)


def wait(pace):
    pace.on_wait()
    call_command("ingest_messages", once=True)


def lines(count, **changes):
    rows = ({"id": n, "text": f"message {n}", "chat": "Dev", **changes} for n in range(count))
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


def telegram(*messages, kind="private_supergroup"):
    rows = [
        {"type": "message", "from": "Olena", "from_id": "user5", "text": "hello", **message}
        for message in messages
    ]
    return json.dumps({"name": "Dev", "type": kind, "id": 5, "messages": rows}).encode()


@pytest.fixture
def upload(source):
    def make(content, to=None, **changes):
        row = HistoryImport(source=to or source, original_name="result.json", **changes)
        store_upload(SimpleUploadedFile("result.json", content), row)
        return row

    return make


def run(row):
    assert import_next()
    row.refresh_from_db()
    return row


def test_an_upload_comes_in_and_its_file_goes(upload):
    row = upload(lines(3) + b'{"words": 1}\n')

    run(row)

    assert (row.status, row.done, row.has_file) == (DONE, row.size, False)
    assert (row.counts["published"], row.counts["invalid"]) == (3, 1)
    assert "line 4" in row.problems[0]
    assert Message.objects.filter(is_history=True).count() == 3
    assert not import_next()


def test_what_is_there_already_is_counted_so(upload):
    run(upload(lines(3)))

    row = run(upload(lines(5)))

    assert (row.counts["published"], row.counts["already_stored"]) == (2, 3)


def test_messages_count_as_live_ones_only_when_asked(upload):
    run(upload(lines(2), is_live=True))

    assert set(Message.objects.values_list("is_history", flat=True)) == {False}


def test_after_a_kill_another_process_begins_again_and_counts_once(upload, monkeypatch):
    monkeypatch.setattr(history, "CHUNK", 2)
    row = upload(lines(6))
    # Killed: nothing but the row and what was stored is left.
    (claimed,) = HistoryImport.claim([row.pk], WAITING)
    claimed.keep(timedelta(seconds=60), counts={"published": 4})
    with row.path.open("rb") as file:
        for envelope in list(history.reader_of(row.source).read(file))[:4]:
            store(envelope)
    assert not import_next()  # its lease runs
    HistoryImport.objects.update(leased_until="2026-01-01T00:00:00Z")

    run(row)

    assert (row.status, row.counts["published"], row.counts["already_stored"]) == (DONE, 6, 0)
    assert Message.objects.count() == 6


def test_a_process_that_is_to_end_leaves_the_rest_to_the_next_one(upload):
    row = upload(lines(3))
    assert import_next(lambda: True)
    row.refresh_from_db()
    assert (row.status, row.has_file) == (WAITING, True)

    run(row)

    assert row.status == DONE


def test_a_cancelled_import_stops_and_can_be_resumed(upload, monkeypatch):
    monkeypatch.setattr(history, "CHUNK", 1)
    row = upload(lines(3))
    monkeypatch.setattr(imports, "TELL_EVERY", 0)
    keep = HistoryImport.keep

    def cancel_then_keep(self, *args, **values):
        HistoryImport.objects.get(pk=self.pk).cancel()
        return keep(self, *args, **values)

    monkeypatch.setattr(HistoryImport, "keep", cancel_then_keep)
    assert run(row).status == "cancelled"
    assert row.can_resume
    monkeypatch.setattr(HistoryImport, "keep", keep)

    row.resume()
    run(row)

    assert (row.status, Message.objects.count()) == (DONE, 3)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (telegram({"id": 1, "date_unixtime": "1762152793"})[:-3], "broken"),
        (b'{"words": 1}\n', "Nothing in the file"),
    ],
)
def test_a_broken_file_fails_with_a_sentence_and_is_not_kept(upload, content, sentence):
    row = run(upload(content))

    assert row.status == FAILED
    assert sentence in row.last_error
    assert not row.can_resume


def test_a_file_that_is_gone_fails_with_a_sentence(upload):
    row = upload(lines(1))
    row.path.unlink()

    assert "cannot be read" in run(row).last_error


def test_whoever_lost_its_lease_keeps_nothing(upload):
    row = upload(lines(1))
    (first,) = HistoryImport.claim([row.pk], WAITING, lease=timedelta(seconds=-1))
    assert first.keep(timedelta(seconds=-1))
    (second,) = HistoryImport.claim([row.pk], WAITING)

    assert not first.keep(timedelta(seconds=60))
    assert second.keep(timedelta(seconds=60))


def test_an_import_that_is_cancelled_while_it_fails_disturbs_nobody(upload):
    row = upload(lines(1))

    def cancel_and_fail():
        HistoryImport.objects.get().cancel()
        raise OSError(5, "broken disk")

    assert import_next(cancel_and_fail)

    row.refresh_from_db()
    assert row.status == "cancelled"


def test_trouble_of_any_kind_does_not_end_the_runner(settings, caplog):
    settings.UPLOAD_DIR = None
    looks = iter([False, True, True])

    import_uploads(lambda: next(looks))

    assert "imports wait" in caplog.text


def test_an_import_is_done_though_the_stream_cannot_be_cleared(upload, monkeypatch):
    def fail():
        raise bus.BusUnavailable("away")

    monkeypatch.setattr(imports, "forget_stored_archives", fail)

    row = run(upload(lines(1)))

    assert (row.status, row.last_error) == (DONE, "")


def test_what_gives_no_message_moves_on_too(upload, monkeypatch):
    monkeypatch.setattr(history, "CHUNK", 2)
    row = upload(b'{"words": 1}\n' * 6)
    told = []

    history.publish_history(row.path, row.source, lambda done, total: told.append(done))

    assert len(told) == 4


def test_what_is_told_of_a_problem_can_be_stored():
    summary = history.Summary()

    summary.skip(Skipped("invalid", where="message \0" + "9" * 500, reason="\0x"))
    summary.skip(Skipped("truncated", reason="a\0b"))

    assert summary.problems == [f"message {'9' * 92}: x"]
    assert summary.truncated == "ab"


def test_an_import_closes_the_gap_of_its_chat(upload, project):
    bot = Source.objects.create(project=project, kind="telegram", name="Bot")
    chat = Chat.objects.create(source=bot, external_id="-1005")
    gap = Gap.objects.create(
        source=bot, chat=chat, since="2025-11-03T10:00:00Z", until="2025-11-03T12:00:00Z"
    )
    days = ("1762100000", "1762190000")
    content = telegram(*({"id": n, "date_unixtime": day} for n, day in enumerate(days)))

    row = run(upload(content, to=bot))

    gap.refresh_from_db()
    assert gap.closed_by == row


def test_in_a_basic_group_live_messages_are_known_by_who_said_what_when(
    upload, project, make_envelope
):
    bot = Source.objects.create(project=project, kind="telegram", name="Bot")
    Chat.objects.create(source=bot, external_id="-100500")
    live = make_envelope(
        "hello",
        source_id=bot.pk,
        external_id="-5:9",
        author_id="5",
        sent_at="2025-11-03T06:53:13Z",
    )
    store(live)
    content = telegram(
        {"id": 9, "date_unixtime": "1762152800", "text": "another message with the number 9"},
        {"id": 10, "date_unixtime": "1762152793"},
        kind="private_group",
    )

    row = run(upload(content, to=bot))

    assert (row.counts["published"], row.counts["already_stored"]) == (1, 1)
    assert Message.objects.filter(external_id="-5:exported-9").exists()


def test_archives_leave_room_in_a_small_stream(upload, settings, monkeypatch):
    monkeypatch.setattr(history, "CHUNK", 100)
    settings.NATS_MAX_BYTES = 400_000
    bus.close()
    fullest = 0

    def watch(pace):
        nonlocal fullest
        fullest = max(fullest, bytes_of_stream())
        wait(pace)

    monkeypatch.setattr(Pace, "wait", watch)
    try:
        row = run(upload(lines(1500, author="A" * 100)))
    finally:
        settings.NATS_MAX_BYTES = 2 * 1024**3
        bus.close()

    assert (row.status, Message.objects.count()) == (DONE, 1500)
    assert fullest < 400_000 * 0.75
    assert bytes_of_stream() == 0


def test_what_is_not_stored_stays_in_the_stream(source):
    for number, subject in enumerate(("chat.1", "chat.1.archive")):
        bus.publish(subject, b"{}", message_id="")
        if not number:
            bus.acknowledge(bus.fetch(1, timeout=1))

    forget_stored_archives()

    assert bus.pending() == 1
    assert bytes_of_stream() > 0


def test_who_does_not_wait_forever_gives_up(monkeypatch):
    monkeypatch.setattr(pacing, "BUS_PATIENCE", -1)
    with pytest.raises(NoRoom):
        Pace(longest_queue=0).hand_over(lambda: None)


def test_files_that_nobody_needs_are_removed(upload, settings, monkeypatch):
    row, cancelled = upload(lines(1)), upload(lines(1))
    cancelled.cancel()
    HistoryImport.objects.filter(pk=cancelled.pk).update(ended_at="2026-01-01T00:00:00Z")
    orphan = settings.UPLOAD_DIR / "orphan"
    orphan.touch()

    sweep_uploads()
    assert orphan.exists()
    monkeypatch.setattr("apps.sources.uploads.YOUNG", -1)
    sweep_uploads()

    assert [row.has_file, cancelled.has_file, orphan.exists()] == [True, False, False]


def test_the_runner_ends_when_it_is_told(upload):
    row = upload(lines(1))
    looks = iter([False] * 8 + [True] * 100)

    import_uploads(lambda: next(looks))

    row.refresh_from_db()
    assert row.status in (DONE, WAITING)


@pytest.mark.parametrize("content", [b"", b"  \n", b"\x89PNG\r\n\x1a\n" + bytes(500), b"[1, 2]"])
def test_what_is_no_archive_is_told_at_once(source, content):
    with pytest.raises(NoArchive, match="neither a Telegram Desktop export"):
        check_archive(io.BytesIO(content), source)


def test_a_beginning_too_long_to_tell_is_accepted(source, monkeypatch):
    monkeypatch.setattr("apps.sources.archives.PEEK", 1000)

    check_archive(io.BytesIO(b'{"about": "' + b"x" * 5000 + b'"}'), source)
