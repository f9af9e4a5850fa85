"""The collector against a server that speaks IMAP: every mail once, and the mailbox stays as it was."""

import asyncio
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from asgiref.sync import sync_to_async
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.management import call_command
from django.db import connections

from apps.messages.models import Message
from apps.sources.collect import Listening, inlets
from apps.sources.models import DeadLetter, Source
from tasktracker.lib import bus
from tasktracker.lib.workflow import GiveUp
from tests.sources.conftest import FIXTURES
from tests.stubs.imap import PASSWORD, USER, StubFolder, imap_server

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def server():
    with imap_server() as stub:
        yield stub


@pytest.fixture
def stub(server):
    server.folders = {"INBOX": StubFolder()}
    server.commands.clear()
    server.knows_idle, server.drops_after, server.logins = True, None, 0
    server.login_refusal = "[AUTHENTICATIONFAILED] Invalid credentials"
    return server


@pytest.fixture
def mailbox(project, stub):
    config = {
        "host": "127.0.0.1",
        "port": stub.port,
        "encryption": "none",
        "username": USER,
        "password": PASSWORD,
    }
    return Source.objects.create(project=project, kind="imap", name="Mail", config=config)


def set_up(source, **config):
    source.config = {**source.config, **config}
    source.full_clean()
    source.save()


def mail(number, text="Прод лежить", **headers):
    lines = [
        "From: Olena <olena@client.example>",
        f"Message-ID: <{number}@client.example>",
        f"Subject: {number}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + f"\r\n\r\n{text} {number}\r\n").encode()


def collect():
    call_command("collect_messages", once=True)


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


@pytest.mark.parametrize(
    ("config", "refusal", "sentence"),
    [
        ({"password": "wrong"}, "", "does not let"),
        ({"password": "wrong"}, "Application-specific password required", "app password"),
        ({"password": "wrong"}, "BasicAuthBlocked", "Microsoft"),
        ({"folders": "Nowhere"}, "", "no folder “Nowhere”"),
        ({"port": 1}, "", "Nobody listens"),
        ({"encryption": "ssl"}, "", "does not speak TLS"),
        ({"password": ""}, "", "is missing"),
    ],
)
def test_trouble_shows_at_the_source_in_plain_words(mailbox, stub, config, refusal, sentence):
    stub.login_refusal = refusal or stub.login_refusal
    set_up(mailbox, **config)
    collect()

    mailbox.refresh_from_db()
    assert sentence in mailbox.last_error
    assert "wrong" not in mailbox.last_error


def test_a_check_says_what_is_there(mailbox, stub):
    stub.add(mail(1), mail(2))
    stub.knows_idle = False
    set_up(mailbox, folders="INBOX, Spam")
    found = mailbox.adapter().check(api_url="")

    said = [finding.sentence for finding in found]
    assert f"127.0.0.1 lets {USER} in." in said
    assert "The folder “INBOX” has 2 mails." in said
    assert any("does not know IDLE" in sentence for sentence in said)
    (missing,) = [finding for finding in found if "Spam" in finding.sentence]
    assert "“INBOX”" in missing.remedy


def test_a_check_of_settings_that_lack_something_says_so(mailbox):
    set_up(mailbox, host="")

    with pytest.raises(GiveUp, match="missing"):
        mailbox.adapter().check(api_url="")


def test_a_certificate_of_nobody_is_not_trusted(mailbox, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "both.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.load_cert_chain(file)
    with imap_server(trust=trust) as stub:
        set_up(mailbox, port=stub.port, encryption="ssl")
        with pytest.raises(GiveUp, match="certificate"):
            mailbox.adapter().check(api_url="")

    assert stub.logins == 0


def test_a_thousand_mails_come_once_whatever_breaks(mailbox, stub, settings, monkeypatch):
    """Connections drop, JetStream is away, the listener is cancelled, the numbers change."""
    monkeypatch.setattr("apps.sources.collect._jittered", lambda longest, failures: 0.01)
    nats_url = settings.NATS_URL
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
    bus.close()
    settings.NATS_URL = "nats://127.0.0.1:1"
    collect()
    mailbox.refresh_from_db()
    assert (mailbox.position, "JetStream" in mailbox.last_error) == (before, True)
    settings.NATS_URL = nats_url
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
