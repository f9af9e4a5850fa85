"""A mail server that speaks IMAP over real sockets: as much of RFC 3501 and 2177 as a reader needs."""

import re
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

USER = "support@smachno.example"
PASSWORD = "app password that nobody may see"


@dataclass
class StubFolder:
    validity: int = 7
    next_uid: int = 1
    mails: dict[int, tuple[datetime, bytes]] = field(default_factory=dict)


class ImapServer:
    """Mails wait in folders; what was asked of it is in `commands`."""

    def __init__(self) -> None:
        self.port = 0
        self.knows_idle = True
        self.upgrade: ssl.SSLContext | None = None  # what STARTTLS leads to
        self.login_refusal = "[AUTHENTICATIONFAILED] Invalid credentials"
        self.folders: dict[str, StubFolder] = {"INBOX": StubFolder()}
        self.commands: list[str] = []
        self.logins = 0
        self.idling = 0
        self.drops_after: int | None = None  # commands until the next connection breaks off
        self.news = threading.Condition()
        self.ending = False

    def add(self, *mails: bytes, folder: str = "INBOX", at: datetime | None = None) -> None:
        """Deliver; who idles is told."""
        with self.news:
            place = self.folders.setdefault(folder, StubFolder())
            for mail in mails:
                place.mails[place.next_uid] = (at or datetime.now(UTC), mail)
                place.next_uid += 1
            self.news.notify_all()

    def renumber(self, folder: str = "INBOX") -> None:
        """What a restored backup does: another UIDVALIDITY, and other numbers."""
        place = self.folders[folder]
        place.validity += 1
        place.mails = {number + 1: mail for number, mail in enumerate(place.mails.values())}
        place.next_uid = len(place.mails) + 1

    def takes_command(self) -> bool:
        """Whether the connection lives on."""
        if self.drops_after is None:
            return True
        self.drops_after -= 1
        if self.drops_after > 0:
            return True
        self.drops_after = None
        return False


class _Connection(socketserver.StreamRequestHandler):
    server: Any

    def handle(self) -> None:
        self.stub: ImapServer = self.server.stub
        self.folder: StubFolder | None = None
        self.told = 0
        self._say("* OK stub ready")
        try:
            while line := self.rfile.readline():
                tag, _space, rest = line.decode().rstrip("\r\n").partition(" ")
                command, _space, words = rest.partition(" ")
                self.stub.commands.append(rest.replace(PASSWORD, "***"))
                if not self.stub.takes_command() or not self._answer(tag, command.upper(), words):
                    return
        except OSError:
            pass  # who asked has ended

    def _speak_tls(self, trust: ssl.SSLContext) -> None:
        self.rfile.close()
        self.connection = trust.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")
        self.wfile = self.connection.makefile("wb", buffering=0)

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def _answer(self, tag: str, command: str, words: str) -> bool:
        if command == "LOGOUT":
            self._say("* BYE see you", f"{tag} OK LOGOUT")
            return False
        if command == "LOGIN":
            is_known = f'"{USER}" "{PASSWORD}"' in words
            self.stub.logins += is_known
            self._say(f"{tag} OK in" if is_known else f"{tag} NO {self.stub.login_refusal}")
        elif command == "CAPABILITY":
            idle = " IDLE" if self.stub.knows_idle else ""
            tls = " STARTTLS" if self.stub.upgrade else ""
            self._say(f"* CAPABILITY IMAP4rev1{idle}{tls}", f"{tag} OK done")
        elif command == "STARTTLS" and self.stub.upgrade:
            self._say(f"{tag} OK begin")
            self._speak_tls(self.stub.upgrade)
        elif command == "LIST":
            names = [f'* LIST (\\HasNoChildren) "/" "{name}"' for name in self.stub.folders]
            self._say(*names, f"{tag} OK done")
        elif command == "EXAMINE":
            self._examine(tag, words.strip('"'))
        elif command == "UID" and words.startswith("SEARCH"):
            self._search(tag, words)
        elif command == "UID" and words.startswith("FETCH"):
            self._fetch(tag, words)
        elif command == "IDLE" and self.stub.knows_idle:
            return self._idle(tag)
        else:  # also everything that would change the mailbox
            self._say(f"{tag} BAD not here: {command}")
        return True

    def _examine(self, tag: str, name: str) -> None:
        folder = self.stub.folders.get(name)
        if folder is None:
            self._say(f"{tag} NO [NONEXISTENT] Unknown Mailbox: {name}")
            return
        self.folder, self.told = folder, len(folder.mails)
        self._say(
            f"* {self.told} EXISTS",
            f"* OK [UIDVALIDITY {folder.validity}] valid",
            f"* OK [UIDNEXT {folder.next_uid}] next",
            f"{tag} OK [READ-ONLY] done",
        )

    def _search(self, tag: str, words: str) -> None:
        assert self.folder is not None
        found = re.search(r"UID (\d+):\* SINCE (\S+?)\)?$", words)
        assert found, words
        day = datetime.strptime(found[2], "%d-%b-%Y").replace(tzinfo=UTC)
        uids = {uid for uid in self.folder.mails if uid >= int(found[1])}
        uids |= {max(self.folder.mails)} if self.folder.mails else set()
        fitting = [uid for uid in sorted(uids) if self.folder.mails[uid][0] >= day]
        self._say(" ".join(["* SEARCH", *map(str, fitting)]), f"{tag} OK done")

    def _fetch(self, tag: str, words: str) -> None:
        assert self.folder is not None
        assert "BODY.PEEK[]<0." in words, words
        limit = int(words.rpartition("<0.")[2].partition(">")[0])
        for number, uid in enumerate(sorted(self.folder.mails), start=1):
            if str(uid) not in words.split()[1].split(","):
                continue
            stored_at, mail = self.folder.mails[uid]
            part = mail[:limit]
            moment = stored_at.strftime("%d-%b-%Y %H:%M:%S +0000")
            about = f'UID {uid} RFC822.SIZE {len(mail)} INTERNALDATE "{moment}"'
            self.wfile.write(f"* {number} FETCH ({about} BODY[]<0> {{{len(part)}}}\r\n".encode())
            self.wfile.write(part + b")\r\n")
        self._say(f"{tag} OK done")

    def _idle(self, tag: str) -> bool:
        """Tell of new mails until DONE comes."""
        assert self.folder is not None
        stub, done = self.stub, threading.Event()
        if len(self.folder.mails) != self.told:  # before the server agrees, as some do
            self._tell()
        self._say("+ idling")
        stub.idling += 1

        def wait_for_done() -> None:
            try:
                self.rfile.readline()
            except OSError:
                pass
            done.set()
            with stub.news:
                stub.news.notify_all()

        waiting = threading.Thread(target=wait_for_done)
        waiting.start()
        with stub.news:
            while not done.is_set() and not stub.ending:
                if len(self.folder.mails) != self.told:
                    self._tell()
                stub.news.wait()
        stub.idling -= 1
        if stub.ending:
            self.connection.close()
        waiting.join()
        self._say(f"{tag} OK IDLE terminated")
        return True

    def _tell(self) -> None:
        assert self.folder is not None
        self.told = len(self.folder.mails)
        self._say(f"* {self.told} EXISTS")

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = True

    def __init__(self, stub: ImapServer, trust: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.stub = stub
        self.trust = trust

    def get_request(self) -> Any:
        connection, address = super().get_request()
        if self.trust is None:
            return connection, address
        return self.trust.wrap_socket(connection, server_side=True), address

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # who asked went away, or does not trust our certificate


@contextmanager
def imap_server(*, trust: ssl.SSLContext | None = None) -> Iterator[ImapServer]:
    """A running server; with `trust` it speaks TLS from the first byte."""
    stub = ImapServer()
    server = _Server(stub, trust)
    stub.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield stub
    finally:
        stub.ending = True
        with stub.news:
            stub.news.notify_all()
        server.shutdown()
        thread.join()
        server.server_close()
