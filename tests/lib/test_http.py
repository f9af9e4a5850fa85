"""The door to other systems' HTTP tells what was surely not sent from what nobody knows."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import SHUT_RDWR, create_server, socket

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tasktracker.lib import http
from tasktracker.lib.http import Door, Forbidden, NoAnswer, Unreachable

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\nX-Left: 7\r\n\r\n" + b'{"id": "A"}'


class Server:
    """Listens on a free port; `reply` gets the connection when a request has come."""

    def __init__(self) -> None:
        self.listener = create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.requests: list[bytes] = []
        self.reply: Callable[[socket], object] = lambda connection: connection.sendall(OK)
        self.tls: ssl.SSLContext | None = None
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            try:
                with (
                    self.tls.wrap_socket(connection, server_side=True)
                    if self.tls
                    else connection as talk
                ):
                    self.requests.append(talk.recv(65536))
                    self.reply(talk)
            except OSError:
                connection.close()  # who asked has gone

    def close(self) -> None:
        with suppress(OSError):
            self.listener.shutdown(SHUT_RDWR)  # closing alone would leave `accept` waiting
        self.thread.join()
        self.listener.close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def allowed(settings):
    settings.OUTBOUND_PRIVATE_HOSTS = ["127.0.0.1", "localhost"]


@pytest.mark.usefixtures("allowed")
def test_an_answer_has_its_status_its_headers_and_its_value(server):
    answer = Door(server.url, headers={"Authorization": "key"}).post("/issues", value={"a": "ї"})

    assert (answer.status, answer.headers["x-left"], answer.json()) == (200, "7", {"id": "A"})
    assert server.requests[0].startswith(b"POST /issues HTTP/1.1\r\n")
    assert b"Authorization: key" in server.requests[0]


@pytest.mark.usefixtures("allowed")
def test_an_error_is_an_answer_too(server):
    server.reply = lambda talk: talk.sendall(b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nno")

    answer = Door(server.url).ask("GET")

    assert (answer.status, answer.json()) == (500, None)


@pytest.mark.usefixtures("allowed")
def test_a_redirect_is_not_followed(server):
    server.reply = lambda talk: talk.sendall(
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    )

    assert Door(server.url).ask("GET").status == 302


@pytest.mark.usefixtures("allowed")
def test_a_closed_port_is_unreachable(server):
    server.close()

    with pytest.raises(Unreachable, match=f"Nothing listens on port {server.port} of 127.0.0.1"):
        Door(server.url).post(value={})


@pytest.mark.usefixtures("allowed")
def test_a_host_without_an_address_is_unreachable():
    with pytest.raises(Unreachable, match="There is no host nowhere"):
        Door("https://nowhere.invalid").ask("GET")


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize(
    "reply",
    [
        lambda talk: talk.close(),
        lambda talk: talk.sendall(OK[:-3]),
        lambda talk: talk.sendall(b"nonsense\r\n\r\n"),
    ],
    ids=["closed", "cut", "nonsense"],
)
def test_what_was_sent_and_not_answered_is_in_doubt(server, reply):
    server.reply = reply

    with pytest.raises(NoAnswer, match="broke off without a whole answer"):
        Door(server.url).post(value={})


@pytest.mark.usefixtures("allowed")
def test_an_answer_in_drops_ends_with_the_deadline(server):
    dry = threading.Event()

    def drip(talk: socket) -> None:
        talk.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        while not dry.wait(0.02):
            talk.sendall(b" ")

    server.reply = drip
    door = Door(server.url, deadline=0.3)

    with pytest.raises(NoAnswer, match="did not answer in time"):
        door.post(value={})
    with pytest.raises(Unreachable, match="deadline"):
        door.post(value={})
    dry.set()


@pytest.mark.usefixtures("allowed")
def test_an_answer_without_an_end_is_in_doubt(server, monkeypatch):
    monkeypatch.setattr(http, "MAX_BODY", 10)

    with pytest.raises(NoAnswer, match="too long"):
        Door(server.url).ask("GET")


def test_a_private_address_is_not_connected_to(server, settings):
    settings.OUTBOUND_PRIVATE_HOSTS = []

    for host in ("127.0.0.1", "localhost"):
        with pytest.raises(Forbidden, match="OUTBOUND_PRIVATE_HOSTS"):
            Door(f"https://{host}:{server.port}").ask("GET")
    assert server.requests == []


def test_nothing_goes_out_without_tls(settings):
    settings.OUTBOUND_PRIVATE_HOSTS = ["127.0.0.1"]

    with pytest.raises(Forbidden, match="TLS"):
        Door("http://example.com").ask("GET")


@pytest.mark.parametrize("address", ["", "ftp://127.0.0.1", "https://", "https://me:pw@127.0.0.1"])
def test_what_is_no_web_address_is_refused(address):
    with pytest.raises(Forbidden):
        Door(address).ask("GET")


@pytest.mark.usefixtures("allowed")
def test_a_certificate_is_verified_with_its_name(server, tmp_path, monkeypatch):
    certificate = self_signed(tmp_path, "localhost")
    server.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.tls.load_cert_chain(certificate)

    http._tls.cache_clear()
    with pytest.raises(Unreachable, match="renew it there, or name its authority"):
        Door(f"https://localhost:{server.port}").ask("GET")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    http._tls.cache_clear()
    assert Door(f"https://localhost:{server.port}").ask("GET").status == 200
    with pytest.raises(Unreachable, match="certificate"):
        Door(f"https://127.0.0.1:{server.port}").ask("GET")
    http._tls.cache_clear()


@pytest.mark.usefixtures("allowed")
def test_a_server_without_tls_is_told_from_a_broken_certificate(server):
    server.reply = lambda talk: talk.sendall(b"HTTP/1.1 400 No\r\n\r\n")

    with pytest.raises(Unreachable, match="does not speak TLS") as caught:
        Door(f"https://127.0.0.1:{server.port}").ask("GET")
    assert "_ssl.c" not in str(caught.value)


def self_signed(folder: Path, name: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path
