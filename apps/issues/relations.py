"""What people said of two issues: never the same problem, or related. Every later decision obeys."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db import connection
from django.db.models import F, Q, QuerySet

from apps.issues.models import Issue, Person, Relation
from apps.messages.models import Message

SHOWN = 50  # relations of one issue

# An alert may have been repeated ten thousand times: what stands where is found by the database.
_FORMS = """
    SELECT form.id FROM chat_messages_message said
    JOIN chat_messages_message form USING (source_id, external_id)
    WHERE said.id = ANY(%(ids)s)
"""
_ISSUES_OF = """
    SELECT DISTINCT e.issue_id FROM chat_messages_message said
    JOIN chat_messages_message form USING (source_id, external_id)
    JOIN issues_evidence e ON e.message_id = form.id
    WHERE said.id = ANY(%(ids)s)
"""
_APART_FROM = """
WITH alike AS MATERIALIZED (
    SELECT id, source_id = %(source)s AND external_id = %(external_id)s AS is_form
    FROM chat_messages_message
    WHERE (source_id = %(source)s AND external_id = %(external_id)s)
        OR (project_id = %(project)s AND text_hash = %(hash)s AND %(hash)s <> '')
), ids AS MATERIALIZED (
    SELECT array_agg(id) || %(number)s::bigint AS alike,
        array_agg(id) FILTER (WHERE is_form) || %(number)s::bigint AS forms
    FROM alike
), told AS MATERIALIZED (
    SELECT r.other_messages AS facing, r.other_id AS issue, r.messages && ids.forms AS is_meant
    FROM ids JOIN issues_relation r ON r.messages && ids.alike WHERE r.kind = %(apart)s
    UNION ALL
    SELECT r.messages, r.issue_id, r.other_messages && ids.forms
    FROM ids JOIN issues_relation r ON r.other_messages && ids.alike WHERE r.kind = %(apart)s
), facing AS MATERIALIZED (
    -- Of two equal texts that were told apart either side is as good for a third.
    SELECT DISTINCT number FROM told, unnest(told.facing) AS number
    WHERE is_meant OR number NOT IN (SELECT id FROM alike)
)
SELECT e.issue_id FROM facing
JOIN chat_messages_message said ON said.id = facing.number
JOIN chat_messages_message form USING (source_id, external_id)
JOIN issues_evidence e ON e.message_id = form.id
UNION
-- Without messages of its own an issue stands for itself, or for what it was merged into.
SELECT coalesce(i.duplicate_of_id, i.id) FROM told
JOIN issues_issue i ON i.id = told.issue
WHERE told.facing = '{}'
"""


class Related(NamedTuple):
    """A relation as one of its sides sees it."""

    relation: Relation
    other: Issue


def keep_apart(
    issue: Issue,
    other: Issue,
    *,
    by: Person,
    reason: str = "",
    messages: Collection[int] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Relation:
    """Remember for good that the reports of these issues are about different problems.

    `messages` are the reports of `issue` that are meant; without them all that it has now.
    """
    return _remember(
        Relation.Kind.APART, issue, other, by=by, reason=reason, messages=messages, details=details
    )


def relate(
    issue: Issue,
    other: Issue,
    *,
    by: Person,
    reason: str = "",
    details: Mapping[str, Any] | None = None,
) -> Relation:
    """Show each on the page of the other, without making them one."""
    return _remember(Relation.Kind.RELATED, issue, other, by=by, reason=reason, details=details)


def forget(
    relations: Iterable[Relation], issue: Issue, other: Issue, *, by: Person, reason: str = ""
) -> None:
    """Take back what was said of these two; the history of both keeps that it was."""
    for relation in relations:
        _leave_the_rest(relation, issue, other)
        relation.delete()
        said_by = str(relation.user or "")
        for one, two in ((issue, other), (other, issue)):
            one.record(
                relation.kind, by=by, reason=reason, other=two.pk, taken_back=True, said_by=said_by
            )


def between(issue: Issue, other: Issue, *kinds: str) -> QuerySet[Relation]:
    """What was said of two issues, whichever of their messages was meant; the latest first.

    Without kinds only that they are about different problems.
    """
    (ours, ours_as_other), (theirs, theirs_as_other) = _sides(issue), _sides(other)
    found = Relation.objects.filter(
        (ours & theirs_as_other) | (ours_as_other & theirs),
        kind__in=kinds or [Relation.Kind.APART],
    )
    return found.select_related("user").order_by("-created_at", "-pk")


def is_told_apart(issue: Issue, other: Issue) -> bool:
    """Whether all that these two have now was told apart: what came since is bound by no word."""
    ours, theirs = _messages_of(issue), _messages_of(other)
    said = Q(messages__contains=ours, other_messages__contains=theirs)
    turned = Q(messages__contains=theirs, other_messages__contains=ours)
    return between(issue, other).filter(said | turned).exists()


def relations_of(issue: Issue) -> list[Related]:
    """Everything that was said of this issue or of what it took over, with the other side of today."""
    one, two = _sides(issue)
    rows = Relation.objects.filter(one | two).select_related("user")
    ours, family = forms_of(_messages_of(issue)), set(_family(issue))
    found: dict[tuple[str, int], Related] = {}
    for relation in rows.order_by("-created_at", "-pk")[:SHOWN]:
        for other in _facing(relation, ours, family):
            if other.pk != issue.pk:
                found.setdefault((relation.kind, other.pk), Related(relation, other))
    return list(found.values())


def apart_issues(message: Message, *, by_text: bool = True) -> set[int]:
    """Issues that this message must not join: it, a form of it, or the same text was told apart."""
    values: dict[str, Any] = {
        "apart": Relation.Kind.APART.value,
        "number": message.pk,
        "source": message.source_id,
        "external_id": message.external_id,
        "project": message.project_id,
        "hash": message.text_hash if by_text else "",
    }
    with connection.cursor() as cursor:
        cursor.execute(_APART_FROM, values)
        return {issue for (issue,) in cursor.fetchall()}


def forms_of(messages: Iterable[int]) -> set[int]:
    """These messages with their earlier and later wordings: an edit is a row of its own."""
    ids = set(messages)
    with connection.cursor() as cursor:
        cursor.execute(_FORMS, {"ids": list(ids)})
        return ids | {form for (form,) in cursor.fetchall()}


def _remember(
    kind: str,
    issue: Issue,
    other: Issue,
    *,
    by: Person,
    reason: str,
    messages: Collection[int] | None = None,
    details: Mapping[str, Any] | None = None,
) -> Relation:
    relation = Relation.objects.create(
        project_id=issue.project_id,
        kind=kind,
        issue=issue,
        other=other,
        messages=sorted(messages if messages is not None else _messages_of(issue)),
        other_messages=sorted(set(_messages_of(other)) - set(messages or ())),
        user_id=by.pk if by else None,
        reason=reason,
    )
    for one, two in ((issue, other), (other, issue)):
        one.record(kind, by=by, reason=reason, other=two.pk, **(details or {}))
    return relation


def _leave_the_rest(relation: Relation, issue: Issue, other: Issue) -> None:
    """What was said of messages that are in other issues by now stays, as it was said."""
    ours, theirs = _members(issue), _members(other)
    # An issue that had no messages stands for itself, by a number that no message has.
    one = set(relation.messages) or {-(relation.issue_id or 0)}
    two = set(relation.other_messages) or {-(relation.other_id or 0)}
    rest = [(one - ours - theirs, two), (one & ours, two - theirs), (one & theirs, two - ours)]
    for messages, others in rest:
        if messages and others:
            Relation.objects.create(
                project_id=relation.project_id,
                kind=relation.kind,
                issue_id=relation.issue_id,
                other_id=relation.other_id,
                messages=sorted(number for number in messages if number > 0),
                other_messages=sorted(number for number in others if number > 0),
                user_id=relation.user_id,
                reason=relation.reason,
                created_at=relation.created_at,
            )


def _members(issue: Issue) -> set[int]:
    return forms_of(_messages_of(issue)) | {-pk for pk in _family(issue)}


def _sides(issue: Issue) -> tuple[Q, Q]:
    """This issue stands on the one, on the other side: by its messages, or itself where it had none."""
    family = _family(issue)
    reports = issue.evidence.filter(
        message__source__messages__external_id=F("message__external_id")
    )
    forms = ArraySubquery(reports.order_by().values("message__source__messages"))
    return (
        Q(messages__overlap=forms) | Q(messages=[], issue__in=family),
        Q(other_messages__overlap=forms) | Q(other_messages=[], other__in=family),
    )


def _facing_messages(rows: Iterable[Relation], ids: Collection[int]) -> set[int]:
    """What stands opposite to any of these messages."""
    found: set[int] = set()
    for row in rows:
        if not set(ids).isdisjoint(row.messages):
            found.update(row.other_messages)
        if not set(ids).isdisjoint(row.other_messages):
            found.update(row.messages)
    return found


def _facing(relation: Relation, ours: Collection[int], family: Collection[int]) -> set[Issue]:
    """The issues of today that have what stands opposite to ours."""
    ids = _facing_messages([relation], ours)
    if not relation.messages and relation.issue_id in family:
        ids.update(relation.other_messages)
    if not relation.other_messages and relation.other_id in family:
        ids.update(relation.messages)
    with connection.cursor() as cursor:
        cursor.execute(_ISSUES_OF, {"ids": list(ids)})
        found = set(Issue.objects.filter(pk__in=[pk for (pk,) in cursor.fetchall()]))
    for messages, issue in (
        (relation.messages, relation.issue),
        (relation.other_messages, relation.other),
    ):
        if not messages and issue is not None and issue.pk not in family:
            found.add(issue.duplicate_of or issue)
    return found


def _family(issue: Issue) -> list[int]:
    """The issue and those that were merged into it."""
    return [issue.pk, *issue.duplicates.values_list("pk", flat=True)]


def _messages_of(issue: Issue) -> list[int]:
    return list(issue.evidence.values_list("message_id", flat=True))
