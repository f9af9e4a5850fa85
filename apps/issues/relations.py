"""What people said of two issues: never the same problem, or related. Every later decision obeys."""

from collections.abc import Collection, Iterable

from django.db.models import Q, QuerySet

from apps.issues.models import Change, Evidence, Issue, Person, Relation
from apps.messages.models import Message


def keep_apart(
    issue: Issue,
    other: Issue,
    *,
    by: Person,
    reason: str = "",
    messages: Collection[int] | None = None,
) -> Relation:
    """Remember for good that the reports of these issues are about different problems.

    `messages` are the reports of `issue` that are meant; without them all that it has now.
    """
    relation = Relation.objects.create(
        project_id=issue.project_id,
        kind=Relation.Kind.APART,
        issue=issue,
        other=other,
        messages=sorted(messages if messages is not None else _messages_of(issue)),
        other_messages=sorted(set(_messages_of(other)) - set(messages or ())),
        user_id=by.pk if by else None,
        reason=reason,
    )
    for one, two in ((issue, other), (other, issue)):
        one.record(Change.Kind.APART, by=by, reason=reason, other=two.pk)
    return relation


def apart_issues(message: Message) -> set[int]:
    """Issues that this message must not join: it, a form of it, or the same text was told apart."""
    revisions = Message.objects.filter(source=message.source_id, external_id=message.external_id)
    apart = opposite(revisions.values_list("pk", flat=True))
    if message.text_hash:
        same = Message.objects.filter(project=message.project_id, text_hash=message.text_hash)
        ids = set(same.values_list("pk", flat=True))
        # Of two equal texts that were told apart either side is as good for a third.
        apart |= opposite(ids) - ids
    return set(Evidence.objects.filter(message__in=apart).values_list("issue", flat=True))


def between(issue: Issue, other: Issue) -> QuerySet[Relation]:
    """What keeps two issues apart, whoever of their messages was meant."""
    ours, theirs = _messages_of(issue), _messages_of(other)
    return Relation.objects.filter(
        Q(messages__overlap=ours, other_messages__overlap=theirs)
        | Q(messages__overlap=theirs, other_messages__overlap=ours),
        kind=Relation.Kind.APART,
    )


def opposite(messages: Iterable[int]) -> set[int]:
    """The messages that must never come together with any of these."""
    ids = list(messages)
    rows = Relation.objects.filter(kind=Relation.Kind.APART)
    found: set[int] = set()
    for others in rows.filter(messages__overlap=ids).values_list("other_messages", flat=True):
        found.update(others)
    for others in rows.filter(other_messages__overlap=ids).values_list("messages", flat=True):
        found.update(others)
    return found


def _messages_of(issue: Issue) -> list[int]:
    return list(issue.evidence.values_list("message_id", flat=True))
