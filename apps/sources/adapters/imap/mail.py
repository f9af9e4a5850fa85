"""A mail out of its bytes: who wrote what, when, in answer to what, with which files."""

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.header import decode_header
from email.message import Message
from email.policy import Compat32
from email.utils import collapse_rfc2231_value, getaddresses, parsedate_to_datetime
from typing import Any

from apps.sources.adapters.charsets import decoded
from apps.sources.adapters.imap.mail_html import text_of
from apps.sources.adapters.imap.mail_text import is_forward

MAX_PARTS = 200  # of one mail that are looked at
MAX_BODY = 200_000  # characters of a text before it is cut
#: What the standard library reads of headers takes quadratic time.
MAX_HEADER = 4_000  # characters
MAX_PARAMETERS = 50  # of Content-Type and the like

_ID = re.compile(r"<([^<>\s]{1,900})>")
_ROBOT = re.compile(
    r"(?:mailer-daemon|postmaster|bounces?|(?:no|do-?not)[-_.]?reply|notifications?)(?:[+=-].*)?",
    re.IGNORECASE,
)
#: What the headers say when no person has pressed "Send" for this mail.
_AUTOMATIC_HEADERS = ("X-Autoreply", "X-Autorespond", "X-Failed-Recipients")


class _Short(Compat32):
    """Cuts every header before anything looks into it."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        parts = value[:MAX_HEADER].split(";")
        is_content = name.lower().startswith("content-")
        return name, ";".join(parts[:MAX_PARAMETERS] if is_content else parts)


_SHORT = _Short()


@dataclass(frozen=True)
class Mail:
    """What a mail says of itself; a missing header is empty."""

    subject: str = ""
    author_address: str = ""
    author_name: str = ""
    recipients: str = ""
    sent_at: datetime | None = None
    message_id: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    list_id: str = ""
    list_name: str = ""
    is_automatic: bool = False
    text: str = ""
    files: tuple[str, ...] = field(default=())

    @property
    def root(self) -> str:
        """The first mail of its thread; empty when it begins one."""
        return self.references[0] if self.references else self.in_reply_to


def read_mail(content: bytes) -> Mail:
    """Read whatever can be read. Raises ValueError for what has none of the headers of a mail."""
    try:
        message = email.message_from_bytes(content, policy=_SHORT)
        if not any(name in message for name in ("From", "Date", "Subject", "Message-ID")):
            raise ValueError("it has none of the headers that every mail has")
        return _mail(message)
    except (LookupError, AttributeError, TypeError, RecursionError) as error:
        # The standard library's parser raises these for some mails that are malformed enough.
        raise ValueError(f"the mail is malformed: {type(error).__name__}") from error


def _mail(message: Message) -> Mail:
    subject = _words(message, "Subject")
    name, address = _author(message)
    list_name, list_id = _mailing_list(message)
    in_reply_to = _ids(message, "In-Reply-To")
    text, files = _content(message, is_forward(subject))
    return Mail(
        subject=subject,
        author_address=address,
        author_name=name or address,
        recipients=_words(message, "To"),
        sent_at=_date(message),
        message_id=next(iter(_ids(message, "Message-ID")), ""),
        in_reply_to=next(iter(in_reply_to), ""),
        references=tuple(_ids(message, "References")),
        list_id=list_id,
        list_name=list_name,
        is_automatic=_is_automatic(message, address),
        text=text,
        files=files,
    )


# Headers


def _words(message: Message, name: str) -> str:
    """A header on one line, decoded."""
    return " ".join(_decoded_header(message.get(name)).split())


def _decoded_header(value: Any) -> str:
    if value is None:
        return ""
    try:
        parts = decode_header(value)
    except ValueError:
        return str(value)
    words = []
    for part, charset in parts:
        if isinstance(part, str):
            words.append(part)
        else:
            known = "" if charset == "unknown-8bit" else charset or ""
            words.append(decoded(part, known))
    return "".join(words)


def _author(message: Message) -> tuple[str, str]:
    raw: Any = message.get("From") or message.get("Sender") or ""
    # Taken apart before it is decoded: a name may hold a comma or an "<".
    value = raw if isinstance(raw, str) else _decoded_header(raw)
    pairs = getaddresses([value])
    name, address = pairs[0] if pairs else ("", "")
    if "@" not in address:
        words = re.split(r"[\s<>\"',;]+", _decoded_header(raw))
        address = next((word for word in words if "@" in word[1:-1]), "")
    return " ".join(_decoded_header(name).split()), address.lower()


def _ids(message: Message, name: str) -> list[str]:
    return _ID.findall(_words(message, name))


def _mailing_list(message: Message) -> tuple[str, str]:
    value = _words(message, "List-Id")
    name, bracket, rest = value.partition("<")
    list_id = (rest.partition(">")[0] if bracket else value).strip().lower()
    return name.strip(' "') or list_id, list_id


def _date(message: Message) -> datetime | None:
    try:
        moment = parsedate_to_datetime(_words(message, "Date"))
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _is_automatic(message: Message, address: str) -> bool:
    """An answering machine, a bounce, a notification: nobody to ask anything."""
    if _words(message, "Auto-Submitted").lower() not in ("", "no"):
        return True
    if any(name in message for name in _AUTOMATIC_HEADERS):
        return True
    precedence = _words(message, "Precedence").lower()
    if precedence in ("auto_reply", "junk") or (precedence == "bulk" and "List-Id" not in message):
        return True
    is_bounce = _words(message, "Return-Path") == "<>" or (
        message.get_content_type() == "multipart/report"
    )
    return is_bounce or bool(_ROBOT.fullmatch(address.partition("@")[0]))


# Body


def _content(message: Message, keeps_quotes: bool) -> tuple[str, tuple[str, ...]]:
    plain: list[str] = []
    html: list[str] = []
    files: list[str] = []
    for part in _parts(message):
        if _is_file(part):
            files.append(_file_name(part))
        elif part.get_content_type() == "text/html":
            html.append(_text(part))
        elif part.get_content_type() == "text/plain":
            plain.append(_text(part))
    text = "\n".join(plain).strip()
    if not text:
        text = "\n".join(text_of(part, keeps_quotes=keeps_quotes) for part in html)
    return text[:MAX_BODY], tuple(name for name in files if name)[:100]


def _parts(message: Message) -> Iterator[Message]:
    """The leaves, in order; what is attached as a mail is a leaf, and its text not ours."""
    waiting = [message]
    for _count in range(MAX_PARTS):
        if not waiting:
            return
        part = waiting.pop()
        inner = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(inner, list):
            waiting += reversed([item for item in inner if isinstance(item, Message)])
        else:
            yield part


def _is_file(part: Message) -> bool:
    if part.get_content_disposition() == "attachment" or part.get_filename():
        return True
    return part.get_content_maintype() not in ("text", "multipart")


def _file_name(part: Message) -> str:
    raw = part.get_filename()
    if raw:
        name = _decoded_header(collapse_rfc2231_value(raw))
        return " ".join(_without_surrogates(name).split()).replace("/", "_")
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload()
        first = inner[0] if isinstance(inner, list) and inner else None
        subject = _words(first, "Subject") if isinstance(first, Message) else ""
        return f"{subject}.eml" if subject else ""
    return ""


def _without_surrogates(text: str) -> str:
    """Raw bytes in a header are kept by the parser as lone surrogates."""
    return decoded(text.encode("utf-8", "surrogateescape"))


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    return decoded(payload[: 4 * MAX_BODY], part.get_content_charset() or "")
