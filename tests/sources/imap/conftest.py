"""A mailbox at a server that speaks IMAP."""

import pytest
from django.core.management import call_command

from apps.sources.models import Source
from tests.stubs.imap import PASSWORD, USER, StubFolder, imap_server


@pytest.fixture(scope="module")
def server():
    with imap_server() as stub:
        yield stub


@pytest.fixture
def stub(server, settings):
    settings.OUTBOUND_PRIVATE_HOSTS = ["127.0.0.1"]
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
