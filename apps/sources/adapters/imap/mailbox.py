"""One connection to a mailbox, opened to be read only. The door to imap-tools, which blocks.

Everything here runs in a thread of its own; only `wake` may be called from another one.
"""

import imaplib
import re
import socket
import ssl
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Literal, Self

from django.utils.translation import gettext as _
from imap_tools import BaseMailBox
from imap_tools.errors import (
    ImapToolsError,
    MailboxFolderSelectError,
    MailboxFolderStatusError,
    MailboxLoginError,
)

from apps.sources.adapters.imap.connecting import Access, client_of
from tasktracker.lib.addresses import Forbidden
from tasktracker.lib.workflow import GiveUp, TryLater

MAX_MAIL = 1_000_000  # bytes; what is beyond them is attachments
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ABOUT = re.compile(rb"\bUID (\d+)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")


@dataclass(frozen=True)
class Folder:
    """A folder as it was when it was opened."""

    name: str
    validity: int  # UIDVALIDITY: with another one, all numbers of mails are others
    next_uid: int
    count: int


@dataclass(frozen=True)
class Letter:
    """A mail as the server has it."""

    uid: int
    content: bytes = field(repr=False)
    size: int
    stored_at: datetime


class _Box(BaseMailBox):
    """The library's mailbox over a connection of ours."""

    def __init__(self, access: Access) -> None:
        self._access = access
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        return client_of(self._access)


class Mailbox:
    """Use it as a context, in one thread. Raises TryLater and GiveUp, with sentences for the admin."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._box: BaseMailBox | None = None

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *error: object) -> None:
        self.close()

    def open(self) -> Self:
        access = self._access
        with _Told(access):
            self._box = _Box(access)
            try:
                if access.username.isascii() and access.password.isascii():
                    self._box.login(access.username, access.password, initial_folder=None)
                else:
                    self._box.login_utf8(access.username, access.password, initial_folder=None)
                # Some servers name all that they can do only to those who are let in.
                answer = self._client.capability()[1]
                self._capabilities = _words(answer)
            except BaseException:
                self.close()
                raise
        return self

    def close(self) -> None:
        """Say good-bye when that is possible; never raises."""
        box, self._box = self._box, None
        if box is None:
            return
        with suppress(ImapToolsError, imaplib.IMAP4.error, OSError):
            box.client.sock.settimeout(1)
            box.logout()
        with suppress(imaplib.IMAP4.error, OSError):
            box.client.shutdown()

    def wake(self) -> None:
        """End whatever the connection waits for. The one call for other threads."""
        box = self._box
        if box is not None:
            with suppress(OSError):
                socket.socket.shutdown(box.client.sock, socket.SHUT_RDWR)

    @property
    def can_idle(self) -> bool:
        return "IDLE" in self._capabilities

    def folders(self) -> list[str]:
        with _Told(self._access):
            return [folder.name for folder in self._opened.folder.list()]

    def examine(self, name: str) -> Folder:
        """Open the folder so that nothing in it can change."""
        with _Told(self._access, folder=name):
            box = self._opened
            box.folder.set(name, readonly=True)
            status = {
                word: self._number(box.client.response(word)[1])
                for word in ("UIDVALIDITY", "UIDNEXT", "EXISTS")
            }
            next_uid = status["UIDNEXT"] or box.folder.status(name, ["UIDNEXT"])["UIDNEXT"]
        return Folder(name, status["UIDVALIDITY"], next_uid, status["EXISTS"])

    def uids_since(self, last_uid: int, day: date) -> list[int]:
        """Mails of the open folder that came after this number and not before this day."""
        since = f"{day.day}-{_MONTHS[day.month - 1]}-{day.year}"
        with _Told(self._access):
            found = self._opened.uids(f"UID {last_uid + 1}:* SINCE {since}", charset=None)
        # "8:*" is also the last mail when that is number 7.
        return sorted(uid for uid in map(int, found) if uid > last_uid)

    def letters(self, uids: Iterable[int]) -> list[Letter]:
        """The mails that are still there; of a large one, its beginning. None of them becomes read."""
        wanted = ",".join(map(str, uids))
        with _Told(self._access):
            what = f"(UID RFC822.SIZE INTERNALDATE BODY.PEEK[]<0.{MAX_MAIL}>)"
            status, answer = self._client.uid("FETCH", wanted, what)
            if status != "OK":
                raise imaplib.IMAP4.error(f"FETCH: {answer!r}"[:200])
        return sorted(_letters(answer), key=lambda letter: letter.uid)

    def idle(self, seconds: float) -> None:
        """Return when something happens in the open folder, or after so many seconds."""
        with _Told(self._access):
            client: Any = self._client
            tag = client._command("IDLE")  # noqa: SLF001 - imaplib has no IDLE of its own
            is_news = False
            # What happened since the last command may be told before the server agrees to wait.
            while client._get_response() is not None:  # noqa: SLF001
                is_news = True
                if client.tagged_commands[tag]:
                    raise imaplib.IMAP4.error("the server does not accept IDLE")
            if not is_news:
                self._opened.idle.poll(seconds)
            client.send(b"DONE\r\n")
            self._opened.consume_until_tagged_response(tag)

    @property
    def _opened(self) -> BaseMailBox:
        if self._box is None:
            raise OSError("the connection is closed")
        return self._box

    @property
    def _client(self) -> imaplib.IMAP4:
        return self._opened.client

    def _number(self, answer: list[Any]) -> int:
        found = re.search(rb"\d+", answer[-1] or b"") if answer else None
        return int(found[0]) if found else 0


def _letters(answer: Iterable[Any]) -> Iterable[Letter]:
    """Each is a pair of what is said about it and its bytes; more may be said behind them."""
    parts = list(answer)
    for position, part in enumerate(parts):
        if not isinstance(part, tuple):
            continue
        behind = parts[position + 1] if position + 1 < len(parts) else b""
        about = part[0] + b" " + (behind if isinstance(behind, bytes) else b"")
        uid, size = _ABOUT.search(about), _SIZE.search(about)
        if uid is None:
            continue
        yield Letter(
            int(uid[1]), part[1], int(size[1]) if size else len(part[1]), _stored_at(about)
        )


def _stored_at(about: bytes) -> datetime:
    local = imaplib.Internaldate2tuple(about)
    if local is None:
        return datetime.now(UTC)
    return datetime(*local[:6]).astimezone(UTC)


def _words(answer: Iterable[Any]) -> set[str]:
    text = b" ".join(part for part in answer if isinstance(part, bytes))
    return {word.upper() for word in text.decode("ascii", "replace").split()}


class _Told:
    """Turns what goes wrong into sentences; none holds a password, which servers do repeat."""

    def __init__(self, access: Access, *, folder: str = "") -> None:
        self.access = access
        self.folder = folder

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> Literal[False]:
        if isinstance(error, Forbidden):
            raise GiveUp(str(error)) from None
        if isinstance(error, ImapToolsError | imaplib.IMAP4.error | OSError | ValueError):
            raise trouble_of(error, self.access, folder=self.folder) from None
        return False


def trouble_of(error: Exception, access: Access, *, folder: str) -> GiveUp | TryLater:
    """The library's error as what to do."""
    place = {"host": access.host, "port": access.port, "folder": folder}
    match error:
        case ssl.SSLCertVerificationError():
            text = _(
                "The certificate of %(host)s is not valid for it (%(reason)s). Give the name that is in the"
                " certificate as the host, or let the server's people renew it."
            )
            return GiveUp(text % {**place, "reason": error.verify_message})
        case ssl.SSLError():
            text = _(
                "%(host)s does not speak TLS at port %(port)d: 993 is for ssl, 143 for starttls."
            )
            return GiveUp(text % place)
        case socket.gaierror():
            return TryLater(_("There is no server named %(host)s. Check the host.") % place)
        case MailboxLoginError():
            return GiveUp(_login_sentence(error, access))
        case MailboxFolderSelectError() | MailboxFolderStatusError():
            return GiveUp(
                _("There is no folder “%(folder)s”. The check names the folders that are there.")
                % place
            )
        case TimeoutError():
            return TryLater(_("%(host)s does not answer at port %(port)d.") % place)
        case ConnectionRefusedError():
            return TryLater(_("Nobody listens at %(host)s, port %(port)d.") % place)
        case imaplib.IMAP4.abort() | OSError():
            return TryLater(_("The connection to %(host)s has broken off.") % place)
        case _:
            return TryLater(_("%(host)s does not answer as IMAP servers do.") % place)


def _login_sentence(error: MailboxLoginError, access: Access) -> str:
    said = str(error).lower()
    place = {"host": access.host, "user": access.username}
    if "gmail" in access.host or "google" in access.host or "application-specific" in said:
        text = _(
            "Gmail does not let %(user)s in. It wants an app password: switch on 2-step verification, make one"
            " at myaccount.google.com/apppasswords, and save it here."
        )
    elif "outlook" in access.host or "office365" in access.host or "basicauth" in said:
        text = _(
            "Microsoft does not let %(user)s in: it takes no passwords over IMAP any more. Forward the mails to"
            " a mailbox elsewhere."
        )
    else:
        text = _(
            "%(host)s does not let %(user)s in. Check the user name (often the whole address) and the password;"
            " many providers want an app password."
        )
    return text % place
