"""Buttons of the review queue: which an issue offers, and pressing one for many issues."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.issues import corrections, decisions
from apps.issues.admin.words import tasks_that_stay, what_stays
from apps.issues.merging import ToldApart, exports_of
from apps.issues.models import Change, Issue
from apps.sources.admin.display import link
from apps.sources.admin.scope import page_of
from tasktracker.lib.workflow import LostRace, WrongTransition

MOST_CHECKED = 100  # the address of a page must not become too long


class Verb(NamedTuple):
    """One decision: how it is called, and from which statuses it can be taken."""

    title: Any
    icon: str
    decide: Callable[..., None]
    statuses: frozenset[str]
    look: str = "default"


_S = Issue.Status
VERBS = {
    "approve": Verb(
        gettext_lazy("Approve"), "check", decisions.approve, frozenset({_S.NEW}), "primary"
    ),
    "reject": Verb(
        gettext_lazy("Reject"),
        "close",
        decisions.reject,
        frozenset({_S.NEW, _S.APPROVED}),
        "danger",
    ),
    "not_an_issue": Verb(
        gettext_lazy("Not an issue"),
        "block",
        corrections.not_an_issue,
        frozenset({_S.NEW, _S.APPROVED}),
        "danger",
    ),
    "start": Verb(
        gettext_lazy("Start work"), "play_arrow", decisions.start, frozenset({_S.APPROVED})
    ),
    "finish": Verb(
        gettext_lazy("Done"),
        "done_all",
        decisions.finish,
        frozenset({_S.APPROVED, _S.IN_PROGRESS}),
    ),
    "reopen": Verb(
        gettext_lazy("Reopen"), "undo", decisions.reopen, frozenset({_S.REJECTED, _S.DONE})
    ),
    "undo_merge": Verb(
        gettext_lazy("Undo the merge"),
        "call_split",
        decisions.undo_merge,
        frozenset({_S.DUPLICATE}),
    ),
}


def offered(issue: Issue) -> list[tuple[str, Verb]]:
    return [(name, verb) for name, verb in VERBS.items() if issue.status in verb.statuses]


def can_be_merged(issue: Issue) -> bool:
    return Issue.Status.DUPLICATE in Issue.TRANSITIONS[issue.status]


def decide(request: HttpRequest, issues: Iterable[Issue], verb: str, *, reason: str = "") -> None:
    """Press the button for each issue; say how many changed, and why the others did not."""
    chosen = VERBS[verb]

    def press(issue: Issue) -> None:
        if issue.status not in chosen.statuses:
            raise WrongTransition(verb)
        original = issue.duplicate_of
        chosen.decide(issue, by=request.user, reason=reason)
        if original is not None:
            _tell_what_stays(request, issue, original)

    run(request, issues, press)


def merge_all(
    request: HttpRequest,
    issues: Iterable[Issue],
    *,
    into: Issue,
    reason: str = "",
    is_back: bool = False,
    despite: bool = False,
) -> list[Issue]:
    """Merge them and say what stays; those that somebody had told apart come back undone.

    With `despite` that word is taken back first.
    """
    apart: list[Issue] = []
    merged: list[Issue] = []

    def press(issue: Issue) -> None:
        with transaction.atomic():
            if despite:
                decisions.take_back(issue, into, by=request.user, reason=reason)
            decisions.merge(issue, into=into, by=request.user, reason=reason, is_back=is_back)
        merged.append(issue)

    def press_or_ask(issue: Issue) -> None:
        try:
            press(issue)
        except ToldApart:
            apart.append(issue)
            raise

    run(request, issues, press_or_ask, is_told=False)
    _tell_merged(request, merged, into)
    return apart


def _tell_what_stays(request: HttpRequest, issue: Issue, original: Issue) -> None:
    """What an undone merge could not take away from the issue that had stayed."""
    given = original.changes.filter(kind=Change.Kind.SPLIT, details__given=issue.pk).last()
    for told in what_stays(given.details.get("stays") if given else None):
        text = _("Issue %(id)s: %(reason)s") % {"id": original.pk, "reason": told}
        messages.warning(request, text)


def _undoing(merged: list[Issue], into: Issue) -> str:
    """The page of the issue that stays, with what was merged just now checked in its list."""
    numbers = ",".join(str(issue.pk) for issue in merged[:MOST_CHECKED])
    return f"{page_of(into)}?merged={numbers}#duplicates-title"


def _tell_merged(request: HttpRequest, merged: list[Issue], into: Issue) -> None:
    """Which one stays, what that means for dates, and what happens to tasks in trackers."""
    if not merged:
        return
    told = ngettext(
        "#%(into)s stays, with %(n)d duplicate more.",
        "#%(into)s stays, with %(n)d duplicates more.",
        len(merged),
    )
    done = told % {"into": into.pk, "n": len(merged)}
    messages.success(
        request, format_html("{} {}", done, link(_undoing(merged, into), _("Look, or undo it")))
    )
    if any(issue.created_at < into.created_at for issue in merged):
        text = _("The newer one stays because you chose it; it counts from the first report now.")
        messages.info(request, text)
    for issue in merged:
        for task in tasks_that_stay(exports_of(issue)):
            messages.warning(
                request, _("Issue %(id)s: %(reason)s") % {"id": issue.pk, "reason": task}
            )
    if into.status in Issue.CLOSED:
        text = _("#%(id)s is “%(status)s” and stays so; reopen it if the problem is back.")
        messages.warning(request, text % {"id": into.pk, "status": into.get_status_display()})


def tell_lost(request: HttpRequest, issue: Issue) -> None:
    text = _("Issue %(id)s was changed by somebody else in the meantime.")
    messages.warning(request, text % {"id": issue.pk})


def run(
    request: HttpRequest,
    issues: Iterable[Issue],
    press: Callable[[Issue], None],
    *,
    is_told: bool = True,
) -> int:
    """Press for each; say why it did not work, and with `is_told` how many changed."""
    done = 0
    for issue in issues:
        try:
            press(issue)
        except WrongTransition:
            text = _("Issue %(id)s is “%(status)s”: this cannot be done with it now.")
            details = {"id": issue.pk, "status": issue.get_status_display()}
            messages.warning(request, text % details)
        except LostRace:
            tell_lost(request, issue)
        except ValueError as error:  # CannotMerge, CannotSplit, CannotRelate: a sentence for people
            text = _("Issue %(id)s: %(reason)s")
            messages.warning(request, text % {"id": issue.pk, "reason": error})
        else:
            done += 1
    if done and is_told:
        text = ngettext("%(n)d issue changed.", "%(n)d issues changed.", done)
        messages.success(request, text % {"n": done})
    return done
