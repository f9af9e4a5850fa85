"""Our one note on an issue: written once, then edited where this Redmine lets us."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from apps.exports.trackers.redmine import marks
from apps.exports.trackers.redmine.api import Broken, RedmineApi, without_emoji
from tasktracker.lib.workflow import GiveUp

PARTS = "journals"  # of an issue that is to be told something


def write(
    api: RedmineApi,
    issue: Mapping[str, Any],
    text: str,
    *,
    key: UUID,
    note_id: str,
    text_format: str,
) -> str:
    """Its id. What stands there already is not written again, whoever died in between."""
    wanted = marks.with_mark(text, key, text_format)
    ours = [
        one
        for one in issue.get("journals") or ()
        if str(one["id"]) == note_id or marks.signed(one.get("notes")) == key
    ]
    for one in ours:
        if _is_same(one, wanted):
            return str(one["id"])
    if ours and _edit(api, ours[-1], wanted):
        return str(ours[-1]["id"])
    return _add(api, int(issue["id"]), wanted)


def take_back(api: RedmineApi, journals: Sequence[Mapping[str, Any]], text_format: str) -> None:
    """Of our notes only that there were some is left; raises GiveUp where they cannot be edited."""
    refusal: GiveUp | None = None
    for one in journals:
        key = marks.signed(one.get("notes"))
        if key is None:
            continue
        empty = marks.with_mark(_("This note was taken back."), key, text_format)
        if not _is_same(one, empty):
            try:
                api.put(f"/journals/{one['id']}.json", {"journal": {"notes": empty}})
            except GiveUp as error:
                refusal = error  # the others go all the same
    if refusal:
        raise refusal


def journals_of(api: RedmineApi, number: int) -> list[dict[str, Any]]:
    return list(api.issue(number, include=PARTS).get("journals") or ())


def keeps_words(journal: Mapping[str, Any]) -> bool:
    """Whether the history has a subject or a description that the issue had once."""
    return any(
        one.get("property") == "attr" and one.get("name") in ("subject", "description")
        for one in journal.get("details") or ()
    )


def _add(api: RedmineApi, number: int, wanted: str) -> str:
    """Redmine may have failed after it wrote the note, or for its emoji; failing twice it fails for the note."""
    failure: Broken | None = None
    for words in (wanted, without_emoji(wanted)):
        try:
            api.put_once(f"/issues/{number}.json", {"issue": {"notes": words}})
        except Broken as error:
            failure = error
        for one in journals_of(api, number):
            if _is_same(one, wanted):
                return str(one["id"])
        if failure is None:
            break
    if failure:
        raise GiveUp(str(failure)) from failure
    raise GiveUp(
        _(
            "Redmine left out the note, without a word: the account may not add notes in this project."
        )
    )


def _edit(api: RedmineApi, journal: Mapping[str, Any], wanted: str) -> bool:
    """False where a note cannot be edited: before Redmine 5.0, or without the right."""
    failure = None
    for words in (wanted, without_emoji(wanted)):
        try:
            api.put_once(f"/journals/{journal['id']}.json", {"journal": {"notes": words}})
        except Broken as error:
            failure = error
        except GiveUp:
            return False
        else:
            return True
    raise GiveUp(str(failure))


def _is_same(journal: Mapping[str, Any], wanted: str) -> bool:
    """A database without room for emoji has the words without them."""
    return _lines(without_emoji(journal.get("notes") or "")) == _lines(without_emoji(wanted))


def _lines(text: str) -> list[str]:
    """A line ends there as it pleases the database."""
    return [line.rstrip() for line in text.strip().splitlines()]
