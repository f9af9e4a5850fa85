"""What a merge must not do, and what it takes along: reports, urgency, approval, word of exports."""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from apps.issues.models import Issue, Person, Relation
from apps.issues.relations import between
from apps.issues.suggestions import best_match
from apps.issues.urgency import MORE_URGENT, most_urgent, rise

IT_IS_BACK = "it is back"
_STEPS = (Issue.Status.NEW, Issue.Status.APPROVED, Issue.Status.IN_PROGRESS)


class CannotMerge(ValueError):
    """These two cannot become one; the sentence says why."""


class ToldApart(CannotMerge):
    """Somebody said that they are not duplicates; that has to be taken back first."""

    def __init__(self, issue: Issue, into: Issue, relation: Relation) -> None:
        self.issue, self.into = issue, into
        details = {
            "who": relation.user or _("somebody"),
            "id": issue.pk,
            "other": into.pk,
            "when": date_format(localtime(relation.created_at), "SHORT_DATETIME_FORMAT"),
            "reason": relation.reason,
        }
        told = _("%(who)s said on %(when)s that #%(id)s and #%(other)s are not duplicates.")
        if relation.reason:
            told = _(
                "%(who)s said on %(when)s that #%(id)s and #%(other)s are not duplicates: %(reason)s"
            )
        super().__init__(told % details)


def check_merge(issue: Issue, into: Issue) -> None:
    """Raise CannotMerge where one of these may not become the other."""
    if issue.pk == into.pk:
        raise CannotMerge(_("An issue cannot be merged into itself."))
    if issue.project_id != into.project_id:
        raise CannotMerge(_("Issues of different projects cannot be merged."))
    if into.status == Issue.Status.DUPLICATE:
        raise CannotMerge(
            _("Issue %(id)s is itself a duplicate of %(other)s.")
            % {"id": into.pk, "other": into.duplicate_of_id}
        )
    if Issue.Status.DUPLICATE not in Issue.TRANSITIONS.get(issue.status, frozenset()):
        raise CannotMerge(
            _("An issue that is %(status)s cannot be merged.")
            % {"status": issue.get_status_display().lower()}
        )
    said = between(issue, into).first()
    if said is not None:
        raise ToldApart(issue, into, said)


def carry_over(issue: Issue, into: Issue, was: str, *, by: Person) -> None:
    """Give the issue that stays the urgency, the date and the approval of the one that goes.

    `was` is the status that the one that goes had: what was approved must not vanish from the
    trackers because it was merged into something that nobody had approved.
    """
    if issue.reported_at < into.reported_at:
        into.be_reported_at(issue.reported_at)
    urgent = most_urgent([into.priority, issue.priority])
    into.edit({"priority": urgent}, by=by, reason=MORE_URGENT)
    rise(into, into.project)
    if was not in _STEPS:
        return
    details = {"carried_from": issue.pk}
    if was != Issue.Status.NEW and into.status == Issue.Status.REJECTED:
        into.change_status(Issue.Status.NEW, by=by, details=details)
    if was != Issue.Status.NEW and into.status == Issue.Status.DONE:
        into.change_status(Issue.Status.APPROVED, by=by, details=details)
    while into.status in _STEPS and _STEPS.index(into.status) < _STEPS.index(was):
        into.change_status(_STEPS[_STEPS.index(into.status) + 1], by=by, details=details)


def exports_of(issue: Issue) -> list[dict[str, str]]:
    """The issue's tasks in trackers at this moment, for the history: a merge does not undo them."""
    rows: QuerySet[Any] = issue.exports.select_related("tracker")
    return [
        {
            "tracker": export.tracker.name,
            "status": export.status,
            "id": export.external_id,
            "url": export.external_url,
        }
        for export in rows.defer("tracker__config")
    ]


def what_search_thought(issue: Issue, other: Issue) -> Mapping[str, Any]:
    """Level, score and threshold of that moment, for the history of what a person decided."""
    match = best_match(issue, other)
    if match is None:
        return {}
    return {"level": match.level, "score": match.score, "threshold": match.threshold}
