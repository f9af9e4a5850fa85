"""Telegram: updates of the Bot API, the same from a webhook and from polling."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, ConfigDict, Field, SecretStr, StrictBool, StrictInt, StrictStr

from apps.sources.adapters.base import (
    Finding,
    Inbox,
    Payload,
    Received,
    Refused,
    Request,
    Surroundings,
    Unreadable,
    check_secret,
    reason_of,
)
from apps.sources.adapters.body import json_object
from apps.sources.envelope import ChatKind, ChatReference, Envelope, from_epoch
from tasktracker.lib.workflow import GiveUp

#: The kinds of updates that carry a message; all others are none of our business.
MESSAGE_UPDATES = ("message", "edited_message", "channel_post", "edited_channel_post")

#: Bot API field -> the kind of the message; the first one present wins (an animation is also a document).
MEDIA = (
    "animation",
    "audio",
    "document",
    "paid_media",
    "photo",
    "sticker",
    "story",
    "video",
    "video_note",
    "voice",
    "checklist",
    "contact",
    "dice",
    "game",
    "poll",
    "venue",
    "location",
)

CHAT_KINDS: dict[str, ChatKind] = {
    "private": "private",
    "group": "group",
    "supergroup": "supergroup",
    "channel": "channel",
}


class _User(BaseModel):
    id: StrictInt
    is_bot: StrictBool = False
    first_name: StrictStr = ""
    last_name: StrictStr = ""

    @property
    def name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip()


class _Chat(BaseModel):
    id: StrictInt
    type: StrictStr = ""
    title: StrictStr = ""
    first_name: StrictStr = ""
    last_name: StrictStr = ""

    @property
    def name(self) -> str:
        return self.title or f"{self.first_name} {self.last_name}".strip()


class _Origin(BaseModel):
    """`forward_origin`: a user, a hidden user, a chat or a channel."""

    sender_user: _User | None = None
    sender_user_name: StrictStr = ""
    sender_chat: _Chat | None = None
    chat: _Chat | None = None

    @property
    def name(self) -> str:
        known = self.sender_user or self.sender_chat or self.chat
        return known.name if known else self.sender_user_name


class _Reply(BaseModel):
    """The answered message, one level deep; `chat` may be another one."""

    message_id: StrictInt | None = None
    chat: _Chat | None = None
    forum_topic_created: dict[str, Any] | None = None


class _Poll(BaseModel):
    question: StrictStr = ""


class _Message(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    message_id: StrictInt
    date: StrictInt
    chat: _Chat
    sender: _User | None = Field(None, alias="from")
    sender_chat: _Chat | None = None
    edit_date: StrictInt | None = None
    text: StrictStr | None = None
    caption: StrictStr | None = None
    poll: _Poll | None = None
    message_thread_id: StrictInt | None = None
    is_topic_message: StrictBool = False
    reply_to_message: _Reply | None = None
    external_reply: _Reply | None = None
    forward_origin: _Origin | None = None
    # Before Bot API 7.0
    forward_from: _User | None = None
    forward_from_chat: _Chat | None = None
    forward_sender_name: StrictStr = ""


class Telegram:
    label: ClassVar[Any] = _("Telegram bot")
    asks_first: ClassVar[bool] = True
    longest_text: ClassVar[int] = 4096
    forgets_after: ClassVar[timedelta] = timedelta(hours=24)  # updates that nobody fetched
    secret_header: ClassVar[str] = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 (the header's name)
    pushed: ClassVar[Mapping[str, Any]] = {"mode": "webhook"}

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid")

        bot_token: SecretStr = SecretStr("")
        mode: Literal["polling", "webhook"] = "polling"

    def __init__(self, config: Config, *, source_id: int) -> None:
        self.config = config
        self.source_id = source_id

    def envelopes(self, payload: Mapping[str, Any]) -> list[Envelope]:
        """The message of one Update; nothing for service messages and other kinds of updates."""
        found = []
        for kind in MESSAGE_UPDATES:
            if payload.get(kind) is None:
                continue
            raw = payload[kind]
            if not isinstance(raw, Mapping):
                raise Unreadable(f"{kind} is not an object")
            try:
                envelope = self._envelope(dict(raw))
            except ValueError as error:
                raise Unreadable(f"{kind}: {reason_of(error)}") from error
            if envelope is not None:
                found.append(envelope)
        return found

    def check(self, *, api_url: str) -> list[Finding]:
        """The token, the bot's privacy mode and its webhook. See `base.Checker`."""
        from apps.sources.adapters.telegram_check import check
        from apps.sources.adapters.telegram_sending import list_commands

        found = check(self.token, is_pushed=self.is_pushed, api_url=api_url)
        return [*found, list_commands(self.token, api_url=api_url)]

    def examine(self, around: Surroundings, *, api_url: str) -> list[Finding]:
        """Also whether everything is as we want it, here and in the groups. See `base.Examiner`."""
        from apps.sources.adapters.telegram_check import examine

        return examine(
            self.token,
            around,
            is_pushed=self.is_pushed,
            source_id=self.source_id,
            api_url=api_url,
        )

    def next_steps(self) -> list[str]:
        """What a person does until messages come. See `base.Guide`."""
        steps = [
            gettext("Switch privacy mode off at @BotFather: /setprivacy, the bot, Disable."),
            gettext(
                "Add the bot to the group of your team; after a change of privacy mode, again."
            ),
        ]
        if self.is_pushed:
            steps.insert(
                0, gettext("Press Webhook above and set the address of this installation.")
            )
        return steps

    def set_webhook(self, url: str, secret: str, *, api_url: str) -> None:
        """See `base.Hooked`."""
        from apps.sources.adapters.telegram_webhook import set_webhook

        set_webhook(self.token, url, secret, api_url=api_url)

    def delete_webhook(self, *, api_url: str) -> None:
        """See `base.Hooked`."""
        from apps.sources.adapters.telegram_webhook import delete_webhook

        delete_webhook(self.token, api_url=api_url)

    def webhook_told(self, *, api_url: str) -> dict[str, Any]:
        """What getWebhookInfo says. See `base.Hooked`."""
        from apps.sources.adapters.telegram_webhook import webhook_told

        return webhook_told(self.token, api_url=api_url)

    def deviations(self, told: Mapping[str, Any], *, wanted: str) -> list[Finding]:
        """See `base.Hooked`."""
        from apps.sources.adapters.telegram_webhook import deviations

        return deviations(told, is_pushed=self.is_pushed, wanted=wanted, source_id=self.source_id)

    def chat_title(self, chat_id: str, *, api_url: str) -> str | None:
        """See `base.Hooked`."""
        from apps.sources.adapters.telegram_webhook import chat_title

        return chat_title(self.token, chat_id, api_url=api_url)

    def account(self) -> str:
        """The bot, which is the number before the colon of its token. See `base.Listener`."""
        if self.config.mode != "polling":
            return ""
        bot, _colon, _rest = self.token.partition(":")
        if not bot:
            raise GiveUp(gettext("There is no bot token, so nothing can be polled."))
        return bot

    async def listen(self, inbox: Inbox, *, api_url: str, patience: int) -> None:
        """Poll. See `base.Listener`."""
        from apps.sources.adapters.telegram_polling import listen

        await listen(self.token, inbox, api_url=api_url, patience=patience)

    def receive(self, request: Request) -> Received:
        """One Update, from whoever knows the secret. See `base.Receiver`."""
        check_secret(request.headers.get(self.secret_header, ""), request.secret)
        update = json_object(request.body)
        number = update.get("update_id")
        if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 2**63:
            raise Refused(400, gettext("The update has no whole number as its update_id."))
        return Received([Payload(update, number)])

    def send(self, chat_id: str, text: str, *, api_url: str, **how: Any) -> str:
        """Post plain text without a sound; the message's id. See `base.Sender`."""
        # The library is slow to load, and reading a message does not need it.
        from apps.sources.adapters.telegram_sending import send_text

        return send_text(self.token, chat_id, text, api_url=api_url, **how)

    def name(self, *, api_url: str) -> str:
        """The bot's username. See `base.Answerer`."""
        from apps.sources.adapters.telegram_sending import username_of

        return username_of(self.token, api_url)

    def is_administrator(self, chat_id: str, author_id: str, *, api_url: str) -> bool:
        """Also an anonymous one, who speaks as the chat. See `base.Answerer`."""
        from apps.sources.adapters.telegram_sending import is_administrator

        return author_id == chat_id or is_administrator(
            self.token, chat_id, author_id, api_url=api_url
        )

    @property
    def is_pushed(self) -> bool:
        return self.config.mode == "webhook"

    @property
    def token(self) -> str:
        return self.config.bot_token.get_secret_value()

    def _envelope(self, raw: dict[str, Any]) -> Envelope | None:
        kind = _kind(raw)
        message = _Message.model_validate(raw)
        if kind is None:
            return None
        author_id, author_name = _author(message)
        return Envelope(
            source_id=self.source_id,
            external_id=f"{message.chat.id}:{message.message_id}",
            edit=message.edit_date or 0,
            chat=ChatReference(
                external_id=str(message.chat.id),
                title=message.chat.name,
                kind=CHAT_KINDS.get(message.chat.type, "other"),
            ),
            topic=str(message.message_thread_id or "") if message.is_topic_message else "",
            author_id=author_id,
            author_name=author_name,
            text=_text(message),
            kind=kind,
            sent_at=from_epoch(message.date),
            reply_to=_reply_to(message),
            forwarded_from=_forwarded_from(message),
            is_from_bot=bool(message.sender and message.sender.is_bot and not message.sender_chat),
            raw=raw,
        )


def _kind(raw: Mapping[str, Any]) -> str | None:
    """None for a service message: somebody joined, a topic was created, a title changed."""
    for field in MEDIA:
        if raw.get(field) is not None:
            return field
    if _is_command(raw):
        return "command"
    return "text" if raw.get("text") is not None or raw.get("caption") is not None else None


def _is_command(raw: Mapping[str, Any]) -> bool:
    """Whether it begins with one; a command amid the words is only words."""
    entities = raw.get("entities")
    first = entities[0] if isinstance(entities, list) and entities else None
    is_first = isinstance(first, Mapping) and first.get("offset") == 0
    return is_first and first.get("type") == "bot_command"  # type: ignore[union-attr]


def _text(message: _Message) -> str:
    return message.text or message.caption or (message.poll.question if message.poll else "")


def _author(message: _Message) -> tuple[str, str]:
    # Anonymous admins and channels come with a made-up `from`; `sender_chat` is who speaks.
    speaker = message.sender_chat or message.sender
    if speaker is not None:
        return str(speaker.id), speaker.name
    if message.chat.type == "channel":
        return str(message.chat.id), message.chat.name
    return "", ""


def _reply_to(message: _Message) -> str:
    reply = message.reply_to_message
    # Every message of a topic "answers" the one that created the topic, unless it answers another.
    if reply and reply.message_id and reply.forum_topic_created is None:
        return f"{message.chat.id}:{reply.message_id}"
    external = message.external_reply
    if external and external.message_id and external.chat:
        return f"{external.chat.id}:{external.message_id}"
    return ""


def _forwarded_from(message: _Message) -> str:
    origin = message.forward_origin
    if origin is not None:
        return origin.name
    older = message.forward_from or message.forward_from_chat
    return older.name if older else message.forward_sender_name
