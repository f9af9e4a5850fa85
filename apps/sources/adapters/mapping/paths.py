"""Where in what comes in a message's values are: a path for each, typed by an operator."""

from typing import Annotated, Any

from django.utils.translation import gettext, gettext_noop
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from apps.sources.adapters.mapping.json_path import EACH, BadPath, steps_of

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


def stripped(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _list_path(path: str) -> str:
    """Let pydantic, and so the form, say in our words what is wrong with it."""
    try:
        steps_of(path or "@")
    except BadPath as error:
        raise refusal(str(error)) from error
    return path


def _path(path: str) -> str:
    if EACH in steps_of(_list_path(path) or "@"):
        raise refusal(gettext("Only the messages and the text can be many: [*] is not for here."))
    return path


def refusal(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("mapping", "{sentence}", {"sentence": sentence})


ListPath = Annotated[str, BeforeValidator(stripped), AfterValidator(_list_path)]
Path = Annotated[str, BeforeValidator(stripped), AfterValidator(_path)]


class Paths(BaseModel):
    """The same for whatever holds messages as JSON or as a table."""

    model_config = ConfigDict(extra="forbid")

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
