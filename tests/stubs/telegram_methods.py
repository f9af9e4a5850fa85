"""The Bot API's methods, as far as we call them: from the form to the result."""

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.stubs.telegram_webhook import Posting

if TYPE_CHECKING:
    from tests.stubs.telegram import TelegramServer

Form = dict[str, str]  # what is no text in it is JSON

#: The kinds that come only when they are asked for by name.
ASKED_FOR = ("chat_member", "message_reaction", "message_reaction_count")
PORTS = (80, 88, 443, 8443)
RIGHTS = (
    "can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages",
    "can_manage_video_chats", "can_restrict_members", "can_promote_members", "can_change_info",
    "can_invite_users", "can_post_stories", "can_edit_stories", "can_delete_stories",
)  # fmt: skip


class HungUp(Exception):
    """Instead of an answer."""


class Refusal(Exception):
    """An answer that says no."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code = code
        self.answer: dict[str, Any] = {
            "ok": False,
            "error_code": code,
            "description": description,
            **({"parameters": parameters} if parameters else {}),
        }


def allowed(update: dict[str, Any], kinds: list[str] | None) -> bool:
    """Whether the bot gets it; None is a bot that has not said, and gets everything here."""
    if kinds is None:
        return True
    if not kinds:
        return not any(kind in update for kind in ASKED_FOR)
    return any(kind in update for kind in kinds)


# The webhook


def set_webhook(telegram: "TelegramServer", form: Form) -> bool:
    url = form.get("url", "")
    if not url:
        return delete_webhook(telegram, form)
    _check(url, form.get("secret_token"))
    with telegram.changed:
        telegram.webhook = {
            "url": url,
            "has_custom_certificate": False,
            "pending_update_count": 0,
            "max_connections": min(max(int(form.get("max_connections", 40)), 1), 100),
            "ip_address": form.get("ip_address", "127.0.0.1"),
        }
        telegram.webhook_secret = form.get("secret_token", "")
        if "allowed_updates" in form:
            telegram.allowed_updates = json.loads(form["allowed_updates"])
        _drop_pending(telegram, form)
        telegram.end_polls()
        if telegram.posting is None:
            telegram.posting = Posting(telegram)
            telegram.posting.start()
    return True


def _check(url: str, secret: str | None) -> None:
    """Raise Refusal for what Telegram would not post to."""
    address = urlsplit(url)
    is_local = address.scheme == "http" and address.hostname == "127.0.0.1"
    if address.scheme != "https" and not is_local:
        raise Refusal(400, "Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
    if (address.port or 443) not in PORTS and not is_local:
        raise Refusal(
            400,
            "Bad Request: bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443",
        )
    if secret is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,256}", secret):
        raise Refusal(400, "Bad Request: secret token contains unallowed characters")


def delete_webhook(telegram: "TelegramServer", form: Form) -> bool:
    with telegram.changed:
        telegram.webhook = {
            "url": "",
            "has_custom_certificate": False,
            "pending_update_count": 0,
        }
        _drop_pending(telegram, form)
        telegram.changed.notify_all()
    return True


def _drop_pending(telegram: "TelegramServer", form: Form) -> None:
    if form.get("drop_pending_updates", "").lower() in ("true", "1"):
        telegram.updates = []


def get_webhook_info(telegram: "TelegramServer", form: Form) -> dict[str, Any]:
    with telegram.changed:
        waiting = telegram.webhook["pending_update_count"] or len(telegram.updates)
        told = {**telegram.webhook, "pending_update_count": waiting}
        if telegram.allowed_updates:
            told.setdefault("allowed_updates", telegram.allowed_updates)
        return told


# Who is who


def get_me(telegram: "TelegramServer", form: Form) -> dict[str, Any]:
    return telegram.bot


def get_chat(telegram: "TelegramServer", form: Form) -> dict[str, Any]:
    chat = telegram.chats.get(form.get("chat_id", ""))
    if chat is None:
        raise Refusal(400, "Bad Request: chat not found")
    if "migrate_to" in chat:
        raise Refusal(
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            migrate_to_chat_id=chat["migrate_to"],
        )
    return chat


def get_chat_member(telegram: "TelegramServer", form: Form) -> dict[str, Any]:
    get_chat(telegram, form)
    member = telegram.members.get((form["chat_id"], form.get("user_id", "")))
    if member is None:
        raise Refusal(400, "Bad Request: PARTICIPANT_ID_INVALID")
    rights = dict.fromkeys(RIGHTS, False) if member["status"] == "administrator" else {}
    if member["status"] == "creator":
        rights = {"is_anonymous": False}
    return {**rights, **member}


def get_chat_administrators(telegram: "TelegramServer", form: Form) -> list[dict[str, Any]]:
    get_chat(telegram, form)
    return [
        get_chat_member(telegram, {"chat_id": chat, "user_id": user})
        for (chat, user), member in telegram.members.items()
        if chat == form["chat_id"] and member["status"] in ("creator", "administrator")
    ]


# Files


def get_user_profile_photos(telegram: "TelegramServer", form: Form) -> dict[str, Any]:
    photos = telegram.photos.get(form.get("user_id", ""), [])
    start, limit = int(form.get("offset", 0)), int(form.get("limit", 100))
    return {
        "total_count": len(photos),
        "photos": [
            [{**_file(telegram, photo), "width": 160, "height": 160}]
            for photo in photos[start : start + limit]
        ],
    }


def get_file(telegram: "TelegramServer", form: Form) -> dict[str, Any]:
    file_id = form.get("file_id", "")
    if file_id not in telegram.files:
        raise Refusal(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
    return {**_file(telegram, file_id), "file_path": f"photos/{file_id}"}


def _file(telegram: "TelegramServer", file_id: str) -> dict[str, Any]:
    size = len(telegram.files[file_id])
    return {"file_id": file_id, "file_unique_id": f"unique-{file_id}", "file_size": size}


# What the bot writes


def send_message(telegram: "TelegramServer", form: Form) -> dict[str, Any]:
    chat_id = form["chat_id"]
    if chat_id in telegram.chats:
        get_chat(telegram, form)  # which may have become another one
    telegram.sent.append(form)
    number = str(700 + len(telegram.sent))
    telegram.messages[chat_id, number] = form
    return _message(chat_id, number, form["text"])


def edit_message_text(telegram: "TelegramServer", form: Form) -> dict[str, Any]:
    key = form.get("chat_id", ""), form.get("message_id", "")
    before = telegram.messages.get(key)
    if before is None:
        raise Refusal(400, "Bad Request: message to edit not found")
    if all(form.get(name, "") == before.get(name, "") for name in ("text", "reply_markup")):
        raise Refusal(
            400,
            "Bad Request: message is not modified: specified new message content and reply markup "
            "are exactly the same as a current content and reply markup of the message",
        )
    telegram.edited.append(form)
    telegram.messages[key] = {**before, "text": form["text"]}
    telegram.messages[key]["reply_markup"] = form.get("reply_markup", "")
    return {**_message(*key, form["text"]), "edit_date": 1_772_442_060}


def _message(chat_id: str, number: str, text: str) -> dict[str, Any]:
    chat = {"id": int(chat_id), "type": "supergroup", "title": "Dev chat"}
    return {"message_id": int(number), "date": 1_772_442_000, "chat": chat, "text": text}


def answer_callback_query(telegram: "TelegramServer", form: Form) -> bool:
    telegram.answered.append(form)
    return True


def set_my_commands(telegram: "TelegramServer", form: Form) -> bool:
    telegram.commands.append(form)
    return True


METHODS: dict[str, Callable[["TelegramServer", Form], Any]] = {
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "getMe": get_me,
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getChatAdministrators": get_chat_administrators,
    "getUserProfilePhotos": get_user_profile_photos,
    "getFile": get_file,
    "sendMessage": send_message,
    "editMessageText": edit_message_text,
    "answerCallbackQuery": answer_callback_query,
    "setMyCommands": set_my_commands,
    "setChatMenuButton": lambda telegram, form: True,
}
