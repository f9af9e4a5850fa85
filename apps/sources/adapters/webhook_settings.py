"""The settings of a generic webhook: the proof of its sender, and a path for each field of a message."""

import re
from typing import Annotated, Any, Literal

from django.utils.translation import gettext, gettext_noop
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_core import PydanticCustomError

from apps.sources.adapters.json_path import EACH, BadPath, steps_of

#: What a message is made of; each has a path.
FIELDS = (
    "text",
    "author",
    "author_name",
    "chat",
    "chat_title",
    "message",
    "sent_at",
    "thread",
    "reply_to",
    "url",
)
#: Where the proof is when nobody says where.
PLACES = {"signature": "X-Signature", "bearer": "Authorization", "body": "token"}
SHORTEST_SECRET = 8  # characters


def _stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _list_path(path: str) -> str:
    """Let pydantic, and so the form, say in our words what is wrong with it."""
    try:
        steps_of(path or "@")
    except BadPath as error:
        raise _refusal(str(error)) from error
    return path


def _path(path: str) -> str:
    if EACH in steps_of(_list_path(path) or "@"):
        raise _refusal(gettext("Only the messages and the text can be many: [*] is not for here."))
    return path


def _secret(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < SHORTEST_SECRET:
        text = gettext("A secret has at least %(n)d characters.")
        raise _refusal(text % {"n": SHORTEST_SECRET})
    return secret


def _place(place: str) -> str:
    if not re.fullmatch(r"[\w-]{0,100}", place, re.ASCII):
        raise _refusal(gettext("Only Latin letters, digits, - and _ are in a name like this."))
    return place


def _refusal(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("webhook", "{sentence}", {"sentence": sentence})


ListPath = Annotated[str, BeforeValidator(_stripped), AfterValidator(_list_path)]
Path = Annotated[str, BeforeValidator(_stripped), AfterValidator(_path)]


class Settings(BaseModel):
    """Who may post, and where in the body a message's values are."""

    model_config = ConfigDict(extra="forbid")

    protection: Literal["signature", "bearer", "body"] = Field(
        "signature",
        title=gettext_noop("Proof of the sender"),
        description=gettext_noop(
            "signature: HMAC-SHA256 of the raw body, in hex or base64, in a header. bearer: the secret itself in"
            " a header. body: the secret itself in a field of the body."
        ),
    )
    secret: Annotated[SecretStr, AfterValidator(_secret)] = Field(
        title=gettext_noop("Secret"),
        description=gettext_noop("The same as at the sender. 8 characters or more."),
    )
    place: Annotated[str, BeforeValidator(_stripped), AfterValidator(_place)] = Field(
        "",
        title=gettext_noop("Header or field of the proof"),
        description=gettext_noop(
            "Empty: X-Signature for signature, Authorization for bearer, token for body."
        ),
    )
    messages: ListPath = Field(
        "",
        title=gettext_noop("Messages"),
        description=gettext_noop(
            "Path of the list, when one body has several messages: items[*]. Empty: the body is one"
            " message. All other paths start at the message, or with $ at the body: $.channel."
        ),
    )
    text: ListPath = Field(
        "text",
        title=gettext_noop("Text"),
        description=gettext_noop(
            "Path of the text: event.text, messages[0].body, answers[*].text. Several texts become"
            " lines. A message without it is kept as a dead letter."
        ),
    )
    author: Path = Field(
        "",
        title=gettext_noop("Author"),
        description=gettext_noop("Path of the author's id at the sender."),
    )
    author_name: Path = Field(
        "",
        title=gettext_noop("Author's name"),
        description=gettext_noop("Path of the name that people read."),
    )
    chat: Path = Field(
        "",
        title=gettext_noop("Chat"),
        description=gettext_noop("Path of the chat's id. Missing: all messages are in one chat."),
    )
    chat_title: Path = Field(
        "",
        title=gettext_noop("Chat's title"),
        description=gettext_noop("Path of the name that people read."),
    )
    message: Path = Field(
        "",
        title=gettext_noop("Message id"),
        description=gettext_noop(
            "Path of the id in the chat: the same id again is the same message. Missing: made from"
            " the whole body."
        ),
    )
    sent_at: Path = Field(
        "",
        title=gettext_noop("Time"),
        description=gettext_noop(
            "Path of the time: ISO 8601, or seconds or milliseconds since 1970. Without a zone it is"
            " UTC. Missing: when it arrived."
        ),
    )
    thread: Path = Field(
        "",
        title=gettext_noop("Thread"),
        description=gettext_noop("Path of the id of the thread or topic."),
    )
    reply_to: Path = Field(
        "",
        title=gettext_noop("Reply to"),
        description=gettext_noop(
            "Path of the id of the message that this one answers, in the same chat."
        ),
    )
    url: Path = Field(
        "",
        title=gettext_noop("Address"),
        description=gettext_noop("Path of the address of the original. It is kept as text."),
    )

    @property
    def paths(self) -> dict[str, str]:
        """The path of every field of a message."""
        return {name: getattr(self, name) for name in FIELDS}
