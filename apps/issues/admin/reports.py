"""What the page of an issue says of each of its reports: why it is here, and what it is without a text."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.issues.admin.words import reason_in_words
from apps.issues.models import Change, Evidence, Issue
from apps.messages.models import Message

ATTACHMENTS = {
    "photo": gettext_lazy("photo"),
    "document": gettext_lazy("file"),
    "video": gettext_lazy("video"),
    "video_note": gettext_lazy("video message"),
    "voice": gettext_lazy("voice message"),
    "audio": gettext_lazy("audio"),
    "animation": gettext_lazy("animation"),
    "sticker": gettext_lazy("sticker"),
}


class Report(NamedTuple):
    """One report, in words."""

    row: Evidence
    reasons: Sequence[str]
    came_with: str  # the merge that brought it
    attachment: str  # what it is, where it has no text


def in_full(issue: Issue, evidence: Iterable[tuple[Evidence, Sequence[str]]]) -> list[Report]:
    brought = _brought(issue)
    return [
        Report(row, reasons, brought.get(_form(row.message), ""), _attachment(row.message))
        for row, reasons in evidence
    ]


def _form(message: Message) -> tuple[int, str]:
    """What a message and its edits have in common."""
    return message.source_id, message.external_id


def _attachment(message: Message) -> str:
    return "" if message.text.strip() else str(ATTACHMENTS.get(message.kind, _("without a text")))


def _brought(issue: Issue) -> dict[tuple[int, str], str]:
    """The last merge that brought each message, by whom and why."""
    rows = issue.changes.filter(kind=Change.Kind.MERGED, details__has_key="taken")
    told = {
        number: _merge_in_words(change)
        for change in rows.select_related("user")
        for number in change.details.get("messages", ())
    }
    messages = Message.objects.only("source", "external_id").in_bulk(list(told))
    return {_form(messages[number]): words for number, words in told.items() if number in messages}


def _merge_in_words(change: Change) -> str:
    told = _("Came with issue #%(id)s, which was merged by %(who)s")
    if change.reason:
        told = _("Came with issue #%(id)s, which was merged by %(who)s: %(reason)s")
    return told % {
        "id": change.details["taken"],
        "who": change.user or _("the system"),
        "reason": reason_in_words(change),
    }
