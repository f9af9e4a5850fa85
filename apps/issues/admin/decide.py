"""Buttons of the review queue: which an issue offers, and pressing one for many issues."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.issues import corrections, decisions
from apps.issues.models import Issue
from tasktracker.lib.workflow import LostRace, WrongTransition


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
        chosen.decide(issue, by=request.user, reason=reason)

    run(request, issues, press)


def merge_all(
    request: HttpRequest, issues: Iterable[Issue], *, into: Issue, reason: str = ""
) -> int:
    def press(issue: Issue) -> None:
        decisions.merge(issue, into=into, by=request.user, reason=reason)

    return run(request, issues, press)


def run(request: HttpRequest, issues: Iterable[Issue], press: Callable[[Issue], None]) -> int:
    done = 0
    for issue in issues:
        try:
            press(issue)
        except WrongTransition:
            text = _("Issue %(id)s is “%(status)s”: this cannot be done with it now.")
            details = {"id": issue.pk, "status": issue.get_status_display()}
            messages.warning(request, text % details)
        except LostRace:
            text = _("Issue %(id)s was changed by somebody else in the meantime.")
            messages.warning(request, text % {"id": issue.pk})
        except ValueError as error:  # CannotMerge, CannotSplit: a sentence for people
            text = _("Issue %(id)s: %(reason)s")
            messages.warning(request, text % {"id": issue.pk, "reason": error})
        else:
            done += 1
    if done:
        text = ngettext("%(n)d issue changed.", "%(n)d issues changed.", done)
        messages.success(request, text % {"n": done})
    return done
