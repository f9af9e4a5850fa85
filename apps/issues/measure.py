"""What people's decisions about issues tell of the answers that opened them."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Count, Exists, OuterRef

from apps.issues.models import Change, Evidence, Issue
from apps.messages.answers import PERSON
from apps.messages.models import Classification

ACCEPTED = (Issue.Status.APPROVED, Issue.Status.IN_PROGRESS, Issue.Status.DONE)


def confirmed(*, since: datetime, project_ids: Iterable[int]) -> dict[str, int]:
    """Opening messages, by category, of issues that a person took on without setting anything right."""
    by_person = Change.objects.filter(
        issue=OuterRef("issue"), kind=Change.Kind.STATUS, user__isnull=False
    )
    set_right = Classification.objects.filter(message=OuterRef("message"), classifier=PERSON)
    rows = (
        Evidence.objects.filter(
            Exists(by_person),
            ~Exists(set_right),
            level=Evidence.Level.OPENED,
            issue__project__in=list(project_ids),
            issue__status__in=ACCEPTED,
            issue__created_at__gte=since,
        )
        .exclude(message__category="")
        .order_by()
        .values_list("message__category")
        .annotate(messages=Count("pk"))
    )
    return dict(rows)
