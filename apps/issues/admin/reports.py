"""What the page of an issue says of each of its reports: why it is here, and what it is without a text."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.utils.translation import gettext as _

from apps.issues.admin.words import reason_in_words
from apps.issues.models import Change, Evidence, Issue
from apps.messages.models import Message
from apps.sources.envelope import ATTACHED


class Edited(NamedTuple):
    """What the tracker was told, and what the chat says now."""

    before: Message
    after: Message


class Report(NamedTuple):
    """One report, in words."""

    row: Evidence
    reasons: Sequence[str]
    came_with: str  # the merge that brought it
    attachment: str  # what it is, where it has no text
    album: int  # how much more was sent together with it
    edited: Edited | None  # since the issue went to a tracker


def in_full(issue: Issue, evidence: Iterable[tuple[Evidence, Sequence[str]]]) -> list[Report]:
    brought, edited = _brought(issue), _edited(issue)
    return [
        Report(
            row,
            reasons,
            brought.get(_form(row.message), ""),
            _attachment(row.message),
            row.message.rest_of_album().count() if row.message.album else 0,
            edited.get(_form(row.message)),
        )
        for row, reasons in evidence
    ]


def _edited(issue: Issue) -> dict[tuple[int, str], Edited]:
    """Reports whose words are others than those that the first tracker was given."""
    exported = issue.changes.filter(Change.EXPORTED).order_by("pk").first()
    if exported is None:
        return {}
    edits = issue.changes.filter(
        kind=Change.Kind.EVIDENCE, details__level=Evidence.Level.EDIT, pk__gt=exported.pk
    )
    pairs = [
        (row.details.get("replaced"), row.details.get("message")) for row in edits.order_by("pk")
    ]
    messages = Message.objects.in_bulk([number for pair in pairs for number in pair if number])
    found: dict[tuple[int, str], Edited] = {}
    for before, after in pairs:
        if before in messages and after in messages:
            form = _form(messages[after])
            first = found[form].before if form in found else messages[before]
            found[form] = Edited(first, messages[after])
    return found


def _form(message: Message) -> tuple[int, str]:
    """What a message and its edits have in common."""
    return message.source_id, message.external_id


def _attachment(message: Message) -> str:
    return "" if message.text.strip() else str(ATTACHED.get(message.kind, _("without a text")))


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
