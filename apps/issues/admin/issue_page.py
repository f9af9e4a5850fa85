"""Everything that the page of one issue shows around its form."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from apps.issues.admin.decide import can_be_merged, offered
from apps.issues.admin.explanation import explained
from apps.issues.admin.opinion_words import opinion_in_short, opinion_in_words, opinion_of
from apps.issues.admin.pairs import addresses_of
from apps.issues.admin.words import (
    field_name,
    in_words,
    reason_in_words,
    tasks_that_stay,
    who_in_words,
)
from apps.issues.models import Issue, Relation
from apps.issues.relations import relations_of
from apps.issues.suggestions import Suggestion, suggestions_for
from apps.issues.wording import draft_of, may_be_asked_for

REPORTS = 200  # shown; more are in the inbox
CHANGES = 100  # shown at once


def context_of(issue: Issue, *, may_decide: bool, before: str = "") -> dict[str, Any]:
    """With `before`, the number of a change, the history is what was earlier."""
    rows = issue.evidence.select_related("message", "message__chat", "like")
    evidence = list(rows[:REPORTS])
    said = relations_of(issue)
    return {
        "verbs": offered(issue),
        "locks": [(name, field_name(name)) for name in issue.locked_fields],
        "may_decide": may_decide,
        "can_be_merged": can_be_merged(issue),
        "merge_address": f"{reverse('admin:issues_issue_merge')}?ids={issue.pk}",
        "draft": draft_of(issue),
        "may_ask_for_words": may_be_asked_for(issue),
        "evidence": [(row, explained(row.explanation)) for row in evidence],
        "report_count": len(evidence) if len(evidence) < REPORTS else issue.evidence.count(),
        "suggestions": shown(issue, suggestions_for([issue]).get(issue.pk, [])),
        "related": [each for each in said if each.relation.kind == Relation.Kind.RELATED],
        "told_apart": [each for each in said if each.relation.kind == Relation.Kind.APART],
        **_history(issue, before),
        "exports": issue.exports.select_related("tracker").defer("tracker__config"),
        "replies": issue.replies.select_related("chat"),
        **_merged(issue),
    }


def _history(issue: Issue, before: str) -> dict[str, Any]:
    """An alert that repeats itself makes thousands of changes: the newest of them."""
    rows = issue.changes.select_related("user").order_by("-pk")
    is_earlier = before.isdecimal() and len(before) < 19
    if is_earlier:
        rows = rows.filter(pk__lt=int(before))
    changes = list(rows[:CHANGES])[::-1]
    return {
        "changes": [
            (change, in_words(change), who_in_words(change), reason_in_words(change))
            for change in changes
        ],
        "earlier": rows.count() - len(changes) if len(changes) == CHANGES else 0,
        "is_earlier": is_earlier,
    }


def _merged(issue: Issue) -> dict[str, Any]:
    """What was merged into the issue, each with what became of its tasks in trackers."""
    duplicates = issue.duplicates.all()
    task = ("exports__tracker__name", "exports__status", "exports__external_id")
    tasks: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for pk, *told in duplicates.filter(exports__isnull=False).values_list("pk", *task):
        tasks[pk].append(dict(zip(("tracker", "status", "id"), told, strict=True)))
    found = list(duplicates[:REPORTS])
    return {
        "duplicates": [(one, tasks_that_stay(tasks[one.pk])) for one in found],
        "duplicate_count": len(found) if len(found) < REPORTS else duplicates.count(),
    }


def shown(issue: Issue, found: Collection[Suggestion]) -> list[dict[str, Any]]:
    """Suggestions with their reasons in words and the addresses of their buttons."""
    addresses = addresses_of(issue, [each.issue for each in found])
    return [
        {
            "match": each.match,
            "issue": each.issue,
            "is_back": each.is_back,
            "reasons": reasons,
            "told": "; ".join(reasons),
            "opinion": opinion_in_words(opinion) if opinion else "",
            "opinion_in_short": opinion_in_short(opinion) if opinion else "",
            "addresses": buttons,
        }
        for each, buttons in zip(found, addresses, strict=True)
        for reasons in [explained(each.match.explanation)]
        for opinion in [opinion_of(each.match)]
    ]


def in_a_row(issue: Issue, found: Collection[Suggestion], *, may_decide: bool) -> SafeString | str:
    """The suggestions of one row of the queue; its buttons post the list's own form."""
    if not found:
        return ""
    context = {"issue": issue, "suggestions": shown(issue, found), "may_decide": may_decide}
    return render_to_string("admin/issues/issue/row_suggestions.html", context)
