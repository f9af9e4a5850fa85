"""E-mail: the mails of some folders of a mailbox, which stays as it is."""

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from apps.sources.adapters.base import Finding, Inbox, Unreadable, reason_of
from apps.sources.adapters.imap.mail import Mail, read_mail
from apps.sources.adapters.imap.mail_text import bare_subject, is_forward, own_words
from apps.sources.envelope import MAX_TEXT, ChatReference, Envelope
from tasktracker.lib.plugins import TOLD_SECRETS
from tasktracker.lib.workflow import GiveUp

PORTS = {"ssl": 993, "starttls": 143, "none": 143}
MAX_KEY = 200  # characters of an id
A_DAY = timedelta(days=1)


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    host: str = Field(
        "",
        max_length=253,
        pattern=r"^[\w.:-]*$",
        title=gettext_noop("IMAP server"),
        description=gettext_noop("Its name, such as imap.gmail.com."),
        json_schema_extra=TOLD_SECRETS,
    )
    encryption: Literal["ssl", "starttls", "none"] = Field(
        "ssl",
        title=gettext_noop("Encryption"),
        description=gettext_noop("none is for a server on this machine only."),
        json_schema_extra=TOLD_SECRETS,
    )
    port: int | None = Field(
        None,
        ge=1,
        le=65535,
        title=gettext_noop("Port"),
        description=gettext_noop("Empty: 993 for ssl, 143 for the others."),
        json_schema_extra=TOLD_SECRETS,
    )
    username: str = Field(
        "",
        max_length=254,
        title=gettext_noop("User name"),
        description=gettext_noop("Often the whole address."),
    )
    password: SecretStr = Field(
        SecretStr(""),
        title=gettext_noop("Password"),
        description=gettext_noop("Gmail and many others want an app password here."),
    )
    folders: str = Field(
        "INBOX",
        max_length=1000,
        title=gettext_noop("Folders"),
        description=gettext_noop(
            "Separated by commas. The server tells of new mails in the first one at once."
        ),
    )
    older_days: int = Field(
        0,
        ge=0,
        le=3650,
        title=gettext_noop("Read also older"),
        description=gettext_noop(
            "Days before the first reading. 0: only mails that come from then on."
        ),
    )

    @field_validator("password")
    @classmethod
    def _without_line_ends(cls, password: SecretStr) -> SecretStr:
        # Google shows app passwords in groups of four; a line end would end the command.
        value = password.get_secret_value().strip()
        if any(ord(character) < 32 for character in value):
            raise ValueError(gettext("There is a control character in it."))
        return SecretStr(value)

    @property
    def folder_names(self) -> list[str]:
        names = [name.strip() for name in self.folders.split(",")]
        return list(dict.fromkeys(name for name in names if name)) or ["INBOX"]


class Imap:
    label: ClassVar[Any] = _("E-mail (IMAP)")
    asks_first: ClassVar[bool] = False
    Config: ClassVar[type[Settings]] = Settings

    def __init__(self, config: Settings, *, source_id: int) -> None:
        self.config = config
        self.source_id = source_id

    def envelopes(self, payload: Mapping[str, Any]) -> list[Envelope]:
        """The mail of one payload, as `listening` makes them."""
        try:
            content = payload["mail"].encode("utf-8", "surrogateescape")
            return [self._envelope(read_mail(content), content, payload)]
        except KeyError as error:
            raise Unreadable(f"{error.args[0]} is missing") from error
        except (ValueError, AttributeError, TypeError) as error:
            reason = reason_of(error) if isinstance(error, ValueError) else "the mail is malformed"
            raise Unreadable(reason) from error

    def check(self, *, api_url: str) -> list[Finding]:
        """Whether we are let in, and what is there. See `base.Checker`."""
        from apps.sources.adapters.imap.check import check

        self.account()
        return check(self._access(), self.config.folder_names)

    def account(self) -> str:
        """The mailbox and its folders. See `base.Listener`."""
        config = self.config
        if not (config.host and config.username and config.password.get_secret_value()):
            raise GiveUp(gettext("The server, the user name or the password is missing."))
        folders = ",".join(sorted(config.folder_names))
        return f"{config.username.lower()}@{config.host.lower()}/{folders}"

    async def listen(self, inbox: Inbox, *, api_url: str, patience: int) -> None:
        """Wait for new mails. See `base.Listener`."""
        from apps.sources.adapters.imap.listening import listen

        await listen(
            self._access(),
            self.config.folder_names,
            inbox,
            older_days=self.config.older_days,
            patience=patience,
        )

    def _access(self) -> Any:
        from apps.sources.adapters.imap.connecting import Access

        config = self.config
        port = config.port or PORTS[config.encryption]
        password = config.password.get_secret_value()
        return Access(config.host, port, config.encryption, config.username, password)

    def _envelope(self, mail: Mail, content: bytes, payload: Mapping[str, Any]) -> Envelope:
        # Without a Message-ID the bytes themselves tell: they stay the same when all UIDs change.
        own_key = _key(mail.message_id or f"sha256:{hashlib.sha256(content).hexdigest()}")
        stored_at = datetime.fromisoformat(payload["stored_at"])
        text = _text(mail)
        return Envelope(
            source_id=self.source_id,
            external_id=own_key,
            chat=self._chat(mail, payload["folder"]),
            topic=_key(mail.root) or own_key,
            author_id=_key(mail.author_address),
            author_name=mail.author_name,
            text=text,
            kind="text" if text or not mail.files else "document",
            sent_at=_sent_at(mail, stored_at),
            reply_to=_key(mail.in_reply_to or mail.root),
            files=mail.files,
            is_from_bot=mail.is_automatic,
            is_history=bool(payload.get("is_history")),
            raw=_original(mail, payload),
        )

    def _chat(self, mail: Mail, folder: str) -> ChatReference:
        """The mailing list that brought it, or the folder in which it lies."""
        if mail.list_id:
            return ChatReference(
                external_id=_key(f"list:{mail.list_id}"), title=mail.list_name, kind="group"
            )
        user = self.config.username
        title = user if folder.upper() == "INBOX" else f"{user} / {folder}"
        return ChatReference(external_id=_key(folder), title=title)


def _key(name: str) -> str:
    if len(name) <= MAX_KEY:
        return name
    return f"sha256:{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()}"


def _text(mail: Mail) -> str:
    """The subject, unless it only repeats the one that is answered, and what the author has written."""
    body = own_words(mail.text, keeps_quotes=is_forward(mail.subject))
    is_answer = bool(mail.root)
    if not body and not is_answer:
        body = mail.text.strip()
    if is_answer and body:
        return body
    return "\n\n".join(part for part in (bare_subject(mail.subject), body) if part)


def _sent_at(mail: Mail, stored_at: datetime) -> datetime:
    """When its author says; a clock that is wrong is not believed."""
    said = mail.sent_at
    if said is None or not 1980 <= said.year <= 2200 or said > stored_at + A_DAY:
        return stored_at
    return said


def _original(mail: Mail, payload: Mapping[str, Any]) -> dict[str, Any]:
    """What a person needs to find and to judge it again; of an answer not the words of others below it."""
    headers = {
        "subject": mail.subject,
        "from": mail.author_address,
        "to": mail.recipients,
        "message_id": mail.message_id,
        "in_reply_to": mail.in_reply_to,
        "list_id": mail.list_id,
    }
    place = {name: payload[name] for name in ("folder", "uidvalidity", "uid", "size")}
    kept = {name: value[:1000] for name, value in headers.items() if value}
    text = own_words(mail.text) if mail.root else mail.text
    return {**kept, **place, "text": text[:MAX_TEXT]}
