"""Telegram: updates of the Bot API, the same from a webhook and from polling."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, ConfigDict, SecretStr

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
from apps.sources.adapters.telegram.message import read_message
from apps.sources.adapters.telegram.notices import NOTICE_UPDATES, read_service
from apps.sources.envelope import Envelope, Notice
from tasktracker.lib.workflow import GiveUp

#: The kinds of updates that carry a message.
MESSAGE_UPDATES = ("message", "edited_message", "channel_post", "edited_channel_post")

SUPERGROUP = "-100"  # what the Bot API puts before the number that Telegram's own programs show
BARE_DIGITS = 10  # of such a number; older groups have fewer and no prefix


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

    def envelopes(self, payload: Mapping[str, Any]) -> list[Envelope | Notice]:
        """What one Update tells; nothing for most service messages and other kinds of updates."""
        found: list[Envelope | Notice] = []
        for kind in (*MESSAGE_UPDATES, *NOTICE_UPDATES):
            if payload.get(kind) is None:
                continue
            raw = payload[kind]
            if not isinstance(raw, Mapping):
                raise Unreadable(f"{kind} is not an object")
            try:
                told = self._told(kind, dict(raw), str(payload.get("update_id", "")))
            except ValueError as error:
                raise Unreadable(f"{kind}: {reason_of(error)}") from error
            if told is not None:
                found.append(told)
        return found

    def check(self, *, api_url: str) -> list[Finding]:
        """The token, the bot's privacy mode and its webhook. See `base.Checker`."""
        from apps.sources.adapters.telegram.check import check
        from apps.sources.adapters.telegram.sending import list_commands

        found = check(self.token, is_pushed=self.is_pushed, api_url=api_url)
        return [*found, list_commands(self.token, api_url=api_url)]

    def examine(self, around: Surroundings, *, api_url: str) -> list[Finding]:
        """Also whether everything is as we want it, here and in the groups. See `base.Examiner`."""
        from apps.sources.adapters.telegram.check import examine

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
        from apps.sources.adapters.telegram.webhook import set_webhook

        set_webhook(self.token, url, secret, api_url=api_url)

    def delete_webhook(self, *, api_url: str) -> None:
        """See `base.Hooked`."""
        from apps.sources.adapters.telegram.webhook import delete_webhook

        delete_webhook(self.token, api_url=api_url)

    def webhook_told(self, *, api_url: str) -> dict[str, Any]:
        """What getWebhookInfo says. See `base.Hooked`."""
        from apps.sources.adapters.telegram.webhook import webhook_told

        return webhook_told(self.token, api_url=api_url)

    def deviations(self, told: Mapping[str, Any], *, wanted: str) -> list[Finding]:
        """See `base.Hooked`."""
        from apps.sources.adapters.telegram.webhook import deviations

        return deviations(told, is_pushed=self.is_pushed, wanted=wanted, source_id=self.source_id)

    def nothing_waits(self, told: Mapping[str, Any], *, wanted: str) -> bool:
        """See `base.Hooked`."""
        from apps.sources.adapters.telegram.webhook import is_expected, is_one_of_ours

        url = str(told.get("url", ""))
        # Set by hand, perhaps: then nobody has said under which host the internet knows us.
        is_ours = (
            is_expected(url, wanted=wanted, source_id=self.source_id)
            if wanted
            else bool(url) and is_one_of_ours(url)
        )
        return is_ours and not told.get("pending_update_count")

    def chat_title(self, chat_id: str, *, api_url: str) -> str | None:
        """See `base.Hooked`."""
        from apps.sources.adapters.telegram.webhook import chat_title

        return chat_title(self.token, chat_id, api_url=api_url)

    @staticmethod
    def chat_id_in_full(typed: str) -> str:
        """-2988379206, as people copy it, is -1002988379206 for the Bot API. See `base.Hooked`."""
        is_bare = typed.startswith("-") and not typed.startswith(SUPERGROUP)
        return SUPERGROUP + typed[1:] if is_bare and len(typed) > BARE_DIGITS else typed

    def account(self) -> str:
        """The bot, which is the number before the colon of its token. See `base.Listener`."""
        if self.config.mode != "polling":
            return ""
        if not self.pushed_account:
            raise GiveUp(gettext("There is no bot token, so nothing can be polled."))
        return self.pushed_account

    async def listen(self, inbox: Inbox, *, api_url: str, patience: int) -> None:
        """Poll. See `base.Listener`."""
        from apps.sources.adapters.telegram.polling import listen

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
        from apps.sources.adapters.telegram.sending import send_text

        return send_text(self.token, chat_id, text, api_url=api_url, **how)

    def edit(self, chat_id: str, message_id: str, text: str, *, api_url: str) -> None:
        """See `base.Answerer`."""
        from apps.sources.adapters.telegram.sending import edit_text

        edit_text(self.token, chat_id, message_id, text, api_url=api_url)

    def name(self, *, api_url: str) -> str:
        """The bot's username. See `base.Answerer`."""
        from apps.sources.adapters.telegram.sending import username_of

        return username_of(self.token, api_url)

    def is_administrator(self, chat_id: str, author_id: str, *, api_url: str) -> bool:
        """Also an anonymous one, who speaks as the chat. See `base.Answerer`."""
        from apps.sources.adapters.telegram.sending import is_administrator

        return author_id == chat_id or is_administrator(
            self.token, chat_id, author_id, api_url=api_url
        )

    def picture(self, author_id: str, *, api_url: str) -> bytes:
        """See `base.Portraitist`."""
        from apps.sources.adapters.telegram.sending import picture_of

        return picture_of(self.token, author_id, api_url=api_url)

    @property
    def is_pushed(self) -> bool:
        return self.config.mode == "webhook"

    @property
    def pushed_account(self) -> str:
        """See `base.Hooked`."""
        return self.token.partition(":")[0]

    @property
    def token(self) -> str:
        return self.config.bot_token.get_secret_value()

    def _told(self, kind: str, raw: dict[str, Any], number: str) -> Envelope | Notice | None:
        if kind in NOTICE_UPDATES:
            return NOTICE_UPDATES[kind](raw, number, self.source_id)
        return read_message(raw, self.source_id) or read_service(raw, number, self.source_id)
