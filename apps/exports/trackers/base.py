"""What every tracker takes and gives. Plain Python: no ORM, no settings, no sibling.

A tracker must `create`, `find` and `check`; the protocols below that are parts that it may have besides.
Its errors say what the caller should do: see `Tracker.create`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar, Protocol
from uuid import UUID

from pydantic import BaseModel, JsonValue

from apps.exports.trackers.template import BODY, TITLE
from apps.sources.adapters.base import Finding as Finding  # what `check` gives
from apps.sources.adapters.base import Refused as Refused
from apps.sources.adapters.base import Request as Request  # what `receive` takes
from tasktracker.lib.workflow import GiveUp, NotNow, TryLater


class Doubtful(TryLater):
    """The call may have worked, and nobody knows: `find` is asked before the next one."""


class Gone(GiveUp):
    """What was to be changed is not there any more: somebody deleted it."""


class Limited(NotNow):
    """The tracker is well and asks us to wait; that is no failure of anybody."""


class OwnLimit(Limited):
    """We count the calls ourselves: nobody was called."""


class Unasked(GiveUp):
    """Something of ours is missing: nobody was called."""


@dataclass(frozen=True)
class Quote:
    """One message that reports the issue, verbatim."""

    text: str  # may be empty: of a screenshot, a file, a voice message
    author: str
    chat: str
    sent_at: datetime
    external_id: str
    url: str = ""  # of the message itself, where its platform has one
    kind: str = "text"  # or what came with it: photo, document, video, voice ...
    files: tuple[str, ...] = ()  # names, where the platform tells them


@dataclass(frozen=True)
class Wishes:
    """What the project's policy says about its tasks in one tracker, in the tracker's own ids."""

    title: str = TITLE  # templates: `template.filled`
    body: str = BODY
    #: What placeholders stand for that only we know: category, priority ... in the project's language.
    words: Mapping[str, str] = field(default_factory=dict)
    priority: str = ""  # empty: as the tracker itself maps ours
    labels: tuple[str, ...] = ()  # besides those of the tracker's settings
    fields: Mapping[str, str] = field(default_factory=dict)  # id of a field there to its value
    assignee: str = ""  # empty: as the tracker's settings say


@dataclass(frozen=True)
class IssuePayload:
    """An issue as a tracker sees it."""

    id: int
    project: str
    title: str
    description: str
    category: str
    priority: str
    confidence: float | None
    status: str
    language: str
    reported_at: datetime
    entities: dict[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    quotes: tuple[Quote, ...] = ()
    due_on: date | None = None
    url: str = ""  # of its page here
    wishes: Wishes = field(default_factory=Wishes)


@dataclass(frozen=True)
class ExternalIssue:
    """What the tracker made: the id that people know it by, and where it is seen."""

    id: str
    url: str
    #: What a person should know about it, as what the tracker left out.
    remark: str = field(default="", compare=False)
    #: Ours, under which it was made; None: not known.
    key: UUID | None = field(default=None, compare=False)


Pairs = Mapping[str, Sequence[Sequence[str]]]


@dataclass(frozen=True)
class Means:
    """What a tracker is given besides its settings."""

    folder: Path  # of its own, for one that writes files
    api_url: str = ""  # of a vendor with one address for all
    #: Told (account, calls per hour) before each call of a vendor that counts them; raises Limited.
    count_call: Callable[[str, int], None] = lambda account, per_hour: None
    #: Told (account, calls per minute) before each call where only we set the pace; raises Limited.
    pace: Callable[[str, int], None] = lambda account, per_minute: None
    #: What a person granted there (`Connector`), if anybody did; another one than that which the vendor has just
    #: refused, if it has. Raises GiveUp and TryLater.
    token: Callable[[str], str] = lambda refused: ""
    #: Told how long the vendor wants no call, when an answer that worked says so.
    wait: Callable[[timedelta], None] = lambda delay: None
    #: What was learned of the vendor before, as pairs by name; for calls, which must not ask.
    known: Pairs = field(default_factory=dict)
    #: Told what is to be known from now on.
    learn: Callable[[Pairs], None] = lambda pairs: None


class Tracker(Protocol):
    """A vendor's plug-in: made from the tracker's settings, for one piece of work.

    With `looks_first = True` it says that its vendor takes a key twice: then nobody else creates the same
    issue from before `find` to after `create`, and `create` looks itself before it makes anything.

    `place` names the settings that say which installation it is, or whose. With others the ids of issues may be
    those of strangers: a tracker that can be asked (`Mirror`) must find there what it has made before they change.
    """

    Config: ClassVar[type[BaseModel]]

    def __init__(self, config: Any, means: Means) -> None: ...

    def create(self, issue: IssuePayload, *, key: UUID) -> ExternalIssue:
        """Create the issue, with the key in or on it so that `find` finds it.

        Raises Doubtful when it may have been made. Limited, any other TryLater and GiveUp say that it
        surely was not: try later, or a person must change something, as the sentence says.
        """

    def find(self, key: UUID) -> ExternalIssue | None:
        """What an earlier `create` with this key made, if anything; raises TryLater or GiveUp."""

    def check(self) -> list[Finding]:
        """Who we are there and what is missing; raises GiveUp or TryLater when not even that is known."""


class Completer(Protocol):
    """A tracker that adds to an issue what `create` alone cannot."""

    def complete(self, made: ExternalIssue, issue: IssuePayload, *, key: UUID) -> None:
        """Add it; a repeat must change nothing. Raises TryLater or GiveUp."""


@dataclass(frozen=True)
class Choice:
    """Something of the tracker's own that a setting may name."""

    id: str
    label: str


#: `json_schema_extra` of a setting that is chosen from `choices` and never typed in a form.
OFFERED: dict[str, JsonValue] = {"is_offered": True}


class Batcher(Protocol):
    """A tracker that makes many issues in one call."""

    at_once: ClassVar[int]  # how many at most

    def create_many(self, issues: Mapping[UUID, IssuePayload]) -> Mapping[UUID, ExternalIssue]:
        """By our key; what is missing in the answer was surely not made. Raises as `create`, of all of them."""


class Chooser(Protocol):
    """A tracker that knows what its settings may be, so that nobody has to type ids."""

    def choices(self) -> Mapping[str, Sequence[Choice]]:
        """By name of the setting; raises GiveUp or TryLater."""


#: Names in `choices` that are no settings: what a project's policy may map to, where there is such.
PRIORITIES, LABELS, FIELDS = "priorities", "labels", "fields"
#: The setting of this name, where a tracker offers it: a policy may choose another person for a task.
ASSIGNEE = "assignee"


@dataclass(frozen=True)
class Filled:
    """One field of a task before it is made, for people."""

    label: str
    value: str
    choice: str = ""  # the name in `choices`, when the value is an id from there


@dataclass(frozen=True)
class Preview:
    """A task before it is made."""

    title: str
    body: str
    sent: Mapping[str, Any]  # exactly what `create` sends, with the title and the body in it
    fields: tuple[Filled, ...] = ()


class Previewer(Protocol):
    """A tracker that can show what it would make; `create` must send the same."""

    def preview(self, issue: IssuePayload, *, key: UUID) -> Preview:
        """Asks nobody; raises GiveUp when the settings do not suffice."""


class Replacer(Protocol):
    """A tracker that can also put an issue's present words in the place of what it has."""

    def replace(self, issue: IssuePayload, *, key: UUID) -> ExternalIssue:
        """Leave nothing of the earlier words there; raises TryLater and GiveUp."""


class Closer(Protocol):
    """A tracker whose issue can be ended there, because another tracker has it."""

    def close(self, made: ExternalIssue, *, key: UUID) -> None:
        """Close it; a repeat changes nothing. Raises TryLater and GiveUp."""


class Linker(Protocol):
    """A tracker whose issue can name the same one in another tracker."""

    def link(self, made: ExternalIssue, other: ExternalIssue, words: str, *, key: UUID) -> None:
        """Put the other one on it under these words, once. Raises TryLater and GiveUp."""


class Noter(Protocol):
    """A tracker that can be told what came after the issue was made."""

    def note(self, made: ExternalIssue, text: str, *, key: UUID, note_id: str = "") -> str:
        """Write our one note on the issue, or the new text in the place of `note_id`; give its id.

        `text` is what `markdown.news_of` gives, `key` is the note's own and the same at a repeat: a repeat
        writes nothing twice. Raises TryLater and GiveUp; Gone when `note_id` is not there any more.
        """


class Relater(Protocol):
    """A tracker that can say how two of its issues belong together."""

    def relate(self, made: ExternalIssue, other: ExternalIssue, kind: str, *, key: UUID) -> None:
        """`made` is a "duplicate" of the other, or "related"; a repeat changes nothing. Raises TryLater, GiveUp."""

    def unrelate(self, made: ExternalIssue, other: ExternalIssue, *, key: UUID) -> None:
        """Take back what `relate` made with this key, if it is there; raises TryLater and GiveUp."""


@dataclass(frozen=True)
class RemoteState:
    """What the tracker says about one of its issues now. Empty: it does not say."""

    id: str  # as in ExternalIssue
    updated_at: datetime  # by the tracker's clock
    key: UUID | None = None  # ours, where the tracker keeps it
    url: str = ""
    title: str = ""
    status: str = ""  # of an issue of ours: approved, in_progress, done or rejected
    status_name: str = ""  # as people there call it
    assignee: str = ""
    is_gone: bool = False  # deleted or in the bin


@dataclass(frozen=True)
class Changes:
    """What changed, oldest first."""

    states: Sequence[RemoteState]
    #: There is more: everything up to this moment was looked at. None: that was all.
    until: datetime | None = None


class Mirror(Protocol):
    """A tracker that can be asked what became of issues, for those that call nobody and as a net.

    With `keeps_ids = True` it says that the id of an issue never changes: what has our key and another id
    is somebody's copy.
    """

    def changed(self, since: datetime) -> Changes:
        """Issues changed at or after that moment, also closed ones; raises TryLater and GiveUp."""

    def states(self, made: Mapping[UUID, ExternalIssue]) -> Mapping[UUID, RemoteState | None]:
        """By our key; one that is not there any more has `is_gone`, and None is nothing that we may know.

        What is missing in the answer was not asked about for want of time. Raises TryLater and GiveUp.
        """


class Homing(Protocol):
    """A mirror that knows what was made there also when it shows it to nobody: its `place` may change then."""

    def made_here(self, made: Sequence[ExternalIssue]) -> bool:
        """Whether one of them was made in the installation that is set; raises TryLater and GiveUp."""


class Caller(Protocol):
    """A tracker that calls us when something changes there."""

    def receive(self, request: Request) -> Sequence[RemoteState]:
        """What a call says, once its signature is right; raises Refused.

        Calls about anything but issues are right and say nothing.
        """


class Subscriber(Protocol):
    """A caller that can be told itself where to call."""

    def subscribe(self, url: str, secret: str) -> str:
        """Have it call this address and sign with this secret, also at a repeat; the subscription's id.

        Raises GiveUp and TryLater, with a sentence that holds no secret.
        """

    def unsubscribe(self, subscription: str) -> None:
        """Have it call no more; a subscription that is gone is none. Raises GiveUp and TryLater."""


@dataclass(frozen=True)
class Tokens:
    """What lets us in for a while, and what gives the next pair."""

    access: str = field(repr=False)
    refresh: str = field(default="", repr=False)
    lasts: timedelta | None = None  # None: for good


class Connector(Protocol):
    """A tracker that a person can connect by OAuth 2 (a code, with PKCE), instead of typing a key.

    What it gives comes back as `Means.token`. All but `authorize_url` raise GiveUp and TryLater.
    """

    @property
    def can_connect(self) -> bool:
        """Whether the settings have what that takes."""

    def authorize_url(self, *, state: str, challenge: str, redirect: str) -> str:
        """The vendor's page that asks the person; `challenge` is the SHA-256 of a verifier (S256)."""

    def exchange(self, code: str, *, verifier: str, redirect: str) -> Tokens: ...

    def refresh(self, token: str) -> Tokens: ...

    def revoke(self, tokens: Tokens) -> None: ...
