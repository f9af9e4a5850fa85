"""The collector against a server that speaks IMAP: every mail once, and the mailbox stays as it was."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from asgiref.sync import sync_to_async
from django.core.management import call_command
from django.db import connections

from apps.messages.models import Message
from apps.sources.collect import Listening, inlets
from apps.sources.models import DeadLetter
from tests.lib.jetstream import jetstream_away
from tests.sources.conftest import FIXTURES
from tests.sources.imap.conftest import collect, mail, set_up
from tests.stubs.imap import StubFolder

pytestmark = pytest.mark.django_db(transaction=True)


def subjects(taken):
    return [envelope["text"].split()[0] for _, envelope in taken]


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in other threads
            await asyncio.sleep(0.005)


@asynccontextmanager
async def listening_to(*, patience):
    """A listener that is cancelled at the end, as the collector cancels it, and ends at once."""
    (inlet,) = await sync_to_async(inlets)()
    task = asyncio.create_task(Listening(inlet, patience=patience).run())
    try:
        yield task
    finally:
        task.cancel()
        async with asyncio.timeout(10):
            await asyncio.gather(task, return_exceptions=True)
        await sync_to_async(connections.close_all)()


def test_only_what_comes_after_the_first_look_is_read(mailbox, stub, stream):
    stub.add(mail(1), mail(2))
    collect()
    stub.add(mail(3))
    collect()

    assert subjects(stream()) == ["3"]
    mailbox.refresh_from_db()
    assert (mailbox.position["INBOX"][:2], mailbox.last_error) == ([7, 3], "")
    assert not any("STORE" in command or "SELECT" in command for command in stub.commands)


def test_older_mails_are_read_when_asked_and_are_history(mailbox, stub, stream):
    now = datetime.now(UTC)
    stub.add(mail(1), at=now - timedelta(days=40))
    stub.add(mail(2), at=now - timedelta(days=3))
    set_up(mailbox, older_days=7)
    collect()
    stub.add(mail(3))
    collect()

    taken = stream()
    assert subjects(taken) == ["2", "3"]
    assert [envelope["is_history"] for _, envelope in taken] == [True, False]


def test_other_numbers_bring_nothing_twice(mailbox, stub, stream):
    collect()
    without_id = (FIXTURES / "imap" / "without_id.eml").read_bytes()
    stub.add(mail(1), mail(2), without_id)
    collect()
    stub.renumber()
    stub.add(mail(3))
    collect()
    call_command("ingest_messages", once=True)

    assert Message.objects.count() == 4
    mailbox.refresh_from_db()
    assert mailbox.position["INBOX"][:2] == [8, 4]


def test_every_folder_is_read_and_a_mail_in_two_is_one(mailbox, stub, stream):
    stub.folders["Баги"] = StubFolder()
    set_up(mailbox, folders="INBOX, Баги")
    stub.folders["&BBEEMAQzBDg-"] = stub.folders["Баги"]
    collect()
    stub.add(mail(1))
    stub.add(mail(1), mail(2), folder="Баги")
    collect()

    assert subjects(stream()) == ["1", "2"]


def test_a_mail_that_nobody_can_read_does_not_stop_the_mailbox(mailbox, stub, stream):
    collect()
    stub.add(mail(1), b"\x00\xff no mail at all", b"", mail(2))
    collect()

    assert subjects(stream()) == ["1", "2"]
    assert {letter.source for letter in DeadLetter.objects.all()} == {mailbox}


def test_of_a_huge_mail_the_beginning_is_fetched(mailbox, stub, stream):
    collect()
    stub.add(mail(1, "рядок\r\n" * 400_000))
    collect()

    ((_, envelope),) = stream()
    assert len(envelope["text"]) == 20_000
    assert envelope["raw"]["size"] > 4_000_000


@pytest.mark.parametrize("knows_idle", [True, False])
def test_a_running_listener_takes_what_comes_and_ends_at_once(mailbox, stub, stream, knows_idle):
    stub.knows_idle = knows_idle

    def has_asked_after_the_mail():
        fetched = [place for place, said in enumerate(stub.commands) if "BODY.PEEK" in said]
        return bool(fetched) and fetched[0] + 1 < len(stub.commands)

    async def run():
        async with listening_to(patience=600 if knows_idle else 1):
            await until(lambda: stub.idling if knows_idle else len(stub.commands) > 3)
            stub.add(mail(1))
            await until(has_asked_after_the_mail)
            if knows_idle:
                await until(lambda: stub.idling)

    asyncio.run(run())

    assert subjects(stream()) == ["1"]


def test_a_thousand_mails_come_once_whatever_breaks(mailbox, stub, monkeypatch):
    """Connections drop, JetStream is away, the listener is cancelled, the numbers change."""
    monkeypatch.setattr("apps.sources.collect._jittered", lambda longest, failures: 0.01)
    collect()
    wanted = {str(number) for number in range(1000)}
    for number in range(500):
        stub.add(mail(number))

    async def listen_until(condition):
        async with listening_to(patience=1) as task:
            await until(lambda: condition() or task.done())

    def fetches():
        return sum("BODY.PEEK" in command for command in stub.commands)

    for after in (5, 6, 9):  # the connection drops between two questions
        stub.drops_after = after
        collect()
    stub.commands.clear()
    asyncio.run(listen_until(lambda: fetches() > 3))  # cancelled in the middle
    mailbox.refresh_from_db()
    before = mailbox.position
    with jetstream_away():
        collect()
    mailbox.refresh_from_db()
    assert (mailbox.position, "JetStream" in mailbox.last_error) == (before, True)
    stub.renumber()
    for number in range(500, 1000):
        stub.add(mail(number))
    stub.commands.clear()
    asyncio.run(listen_until(lambda: fetches() > 6))
    stub.drops_after = 12
    collect()
    collect()
    call_command("ingest_messages", once=True)

    stored = list(Message.objects.values_list("external_id", flat=True))
    assert {name.partition("@")[0] for name in stored} == wanted
    assert len(stored) == 1000
    assert not DeadLetter.objects.exists()
