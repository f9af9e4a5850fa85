"""What every adapter is, what it may be able to do besides, and how it says no. Plain Python.

`Adapter` is all that a platform must have. `Checker`, `Forgetful`, `Listener`, `Receiver` and `Sender`
are parts that it may have: whoever needs one asks the registry which kinds have its method.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar, Literal, Protocol

from django.utils.translation import gettext as _
from pydantic import BaseModel, ValidationError

from apps.sources.envelope import Envelope, Notice
from tasktracker.lib.workflow import GiveUp, TryLater

#: How far a source was read, as JSON in the words of its adapter; empty at first.
Position = Mapping[str, Any]


class Unreadable(ValueError):
    """The input is not what its platform documents; the text is a short reason without values."""


class Occupied(TryLater):
    """Somebody else listens in our place; asking too often would keep both from listening."""


class WrongAddress(GiveUp):
    """The platform would never post to this address."""


class Moved(GiveUp):
    """The chat has another id now."""

    def __init__(self, sentence: str, *, to: str) -> None:
        super().__init__(sentence)
        self.to = to


class Refused(Exception):
    """A request that gets this answer, and nothing of it is kept."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class Payload:
    """One thing that a platform said, as it said it, with the platform's own number for it."""

    data: Mapping[str, Any]
    number: int


@dataclass(frozen=True)
class Request:
    """What a platform posted; `secret` is the one that we made for this source."""

    headers: Mapping[str, str]  # their names in any case
    body: bytes = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True)
class Received:
    """What is to be kept of a request, and what the platform is told when it is safe."""

    payloads: Sequence[Payload] = ()
    answer: Mapping[str, Any] = field(default_factory=lambda: {"status": "ok"})


@dataclass(frozen=True)
class Finding:
    """One thing that a check found, in a sentence; with a remedy it is a trouble."""

    sentence: str
    remedy: str = ""


@dataclass(frozen=True)
class Surroundings:
    """What an installation knows around a source, for who examines it."""

    wanted_url: str = ""  # where the platform is to post to; empty when nobody has said
    chats: Sequence[tuple[str, str]] = ()  # (id, title) of monitored groups
    is_listened_to: bool = False  # by a collector of ours, at this moment
    last_error: str = ""


@dataclass(frozen=True)
class Skipped:
    """A part of an archive that gave no envelope."""

    why: Literal["service", "invalid", "truncated"]
    where: str = ""  # "line 12", "message 345"
    reason: str = ""


class Adapter(Protocol):
    """A platform's plug-in: made from the source's settings, turns its input into envelopes."""

    label: ClassVar[Any]
    Config: ClassVar[type[BaseModel]]
    #: Anybody may add us to a chat of this platform, so each new one waits for the operator's yes.
    asks_first: ClassVar[bool]
    source_id: int

    def envelopes(self, payload: Mapping[str, Any]) -> Sequence[Envelope | Notice]:
        """The messages and notices of one payload; raises Unreadable when it breaks the platform's format."""


class Checker(Protocol):
    """An adapter that can ask its platform whether the settings work."""

    def check(self, *, api_url: str) -> list[Finding]:
        """What is so, and what is wrong; without secrets.

        Raises GiveUp or TryLater when the platform would not even answer that.
        """


class Examiner(Protocol):
    """An adapter that knows everything that can be wrong between its platform and us."""

    def examine(self, around: Surroundings, *, api_url: str) -> list[Finding]:
        """As `check`, and more of it; what the platform would not answer is a finding, too."""


class Guide(Protocol):
    """An adapter that can say how to get from saved settings to a first message."""

    def next_steps(self) -> list[str]:
        """Sentences, in order; that one then writes a message is said by the page."""


class Hooked(Protocol):
    """An adapter whose platform must be told where to post, and can tell where it does.

    All raise GiveUp or TryLater, with a sentence that holds no secret.
    """

    #: The settings with which the platform posts; with any others it is listened to.
    pushed: ClassVar[Mapping[str, Any]]

    @property
    def pushed_account(self) -> str:
        """Whose webhook it is, also while the account is listened to; "" for nobody's."""

    def set_webhook(self, url: str, secret: str, *, api_url: str) -> None:
        """Have the platform post there; nothing that waits is lost."""

    def delete_webhook(self, *, api_url: str) -> None:
        """Have it post nowhere; nothing that waits is lost."""

    def webhook_told(self, *, api_url: str) -> dict[str, Any]:
        """What it says of its webhook, in its own words and without secrets."""

    def deviations(self, told: Mapping[str, Any], *, wanted: str) -> list[Finding]:
        """Where that is not what the settings ask for."""

    def nothing_waits(self, told: Mapping[str, Any], *, wanted: str) -> bool:
        """Whether it posts to us, and has posted all there is."""

    def chat_title(self, chat_id: str, *, api_url: str) -> str | None:
        """The name of a chat that it knows; None for one that it does not."""

    @staticmethod
    def chat_id_in_full(typed: str) -> str:
        """The id of a chat, as its messages have it, for the number that people see and copy."""


class Forgetful(Protocol):
    """An adapter whose platform cannot be asked later for what we missed: gaps are shown to people."""

    forgets_after: ClassVar[timedelta]  # how long the platform keeps what we did not fetch


class Inbox(Protocol):
    """Where a listener puts what it hears."""

    async def position(self) -> Position:
        """How far this source was read; raises when we may listen no longer.

        Who holds a connection on which nothing comes asks now and then.
        """

    async def take(self, payloads: Sequence[Payload], position: Position) -> None:
        """Return when all messages are safe and the position is stored after them.

        Taking nothing says that the platform answered: whatever was wrong before has passed.
        """


class Listener(Protocol):
    """An adapter that asks its platform for messages, or holds a connection to it."""

    def account(self) -> str:
        """Whom only one collector may listen to at a time: a bot, a mailbox.

        Empty when this source is not listened to; raises GiveUp when its settings lack something.
        """

    async def listen(self, inbox: Inbox, *, api_url: str, patience: int) -> None:
        """Put everything into the inbox, in order, until cancelled or the connection ends.

        The platform may keep a question open for `patience` seconds; with 0, take what is there and
        return. Raises TryLater, Occupied or GiveUp, with a sentence that holds no secret.
        """


class Receiver(Protocol):
    """An adapter whose platform posts its messages to us."""

    #: The header that brings our own secret along and so names the source; empty when the platform signs
    #: instead, and only an address with the source's number will do.
    secret_header: ClassVar[str]

    def receive(self, request: Request) -> Received:
        """First make sure that the platform has sent it, then read it.

        Raises Refused for what is not genuine or no message of the platform at all. Whatever is genuine
        and of no use to us is no payload.
        """


@dataclass(frozen=True)
class Button:
    """A link below a text of ours; `is_app` opens it inside the platform's client."""

    label: str
    url: str
    is_app: bool = False


class Sender(Protocol):
    """An adapter that can also write into its chats."""

    longest_text: ClassVar[int]  # UTF-16 units, as platforms count

    def send(
        self,
        chat_id: str,
        text: str,
        *,
        api_url: str,
        topic: str = "",
        reply_to: str = "",
        button: Button | None = None,
    ) -> str:
        """Post plain text once, quietly; the id of the message. `reply_to` is an envelope's external_id.

        Raises TryLater when the platform surely has not taken it, Moved when the chat has another id, and
        GiveUp when it never will or when nobody can tell whether it has.
        """


class Answerer(Sender, Protocol):
    """A sender that also edits what it wrote, and answers commands: it knows who may give them."""

    def edit(self, chat_id: str, message_id: str, text: str, *, api_url: str) -> None:
        """Put this text in the place of one of ours; the same text again is no error.

        Raises TryLater when it may be tried again, and GiveUp when the message is gone.
        """

    def name(self, *, api_url: str) -> str:
        """What the bot is called in its chats."""

    def is_administrator(self, chat_id: str, author_id: str, *, api_url: str) -> bool:
        """Whether this person may decide for the chat."""


class Portraitist(Protocol):
    """An adapter that can fetch pictures of people."""

    def picture(self, author_id: str, *, api_url: str) -> bytes:
        """The person's picture, or nothing; raises TryLater and GiveUp, without a secret."""


def check_secret(given: str, wanted: str) -> None:
    """Raise Refused when it is not the secret; how long that takes tells nothing about it."""
    if not given:
        raise Refused(401, _("The secret header is missing."))
    if not wanted or not hmac.compare_digest(given.encode(), wanted.encode()):
        raise Refused(403, _("The secret is not the one of an active source of this kind."))


def reason_of(error: ValueError) -> str:
    """What is wrong and where, without the values, which may be private."""
    if not isinstance(error, ValidationError):
        return str(error)[:500]
    problems = error.errors(include_input=False, include_url=False, include_context=False)[:5]
    return "; ".join(
        f"{'.'.join(str(part) for part in problem['loc']) or 'payload'}: {without_label(problem['msg'])}"
        for problem in problems
    )


def without_label(words: str) -> str:
    """A sentence of a validator of ours, before which pydantic puts words of its own, in English."""
    return words.removeprefix("Value error, ")
