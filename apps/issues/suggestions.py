"""What the duplicate search was not sure of and nobody has decided yet: the best of it, for people."""

from collections.abc import Collection
from typing import Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, When
from django.db.models.functions import Coalesce

from apps.issues.models import Evidence, Issue, Match, Opinion, Relation
from apps.messages.models import Message

BEST = 3
#: A list shows only what is worth a glance: held out, half of the best suggestions from here on are right, and one
#: in ten of those below.
LIKELY = 0.15
_LOOKED_AT = 200
#: What a language model holds for another problem comes last.
_UNLIKELY = Case(When(opinion__status=Opinion.Status.DIFFERENT, then=1), default=0)


class Suggestion(NamedTuple):
    """An issue that may be the same one, by the match that speaks for it."""

    match: Match
    issue: Issue  # with what it was merged into already followed

    @property
    def is_back(self) -> bool:
        """What was closed may have come back."""
        return self.issue.status in Issue.CLOSED


def suggestions_for(
    issues: Collection[Issue], *, limit: int = BEST, at_least: float = 0.0
) -> dict[int, list[Suggestion]]:
    """The best undecided suggestions of each issue, by its id."""
    ids = [issue.pk for issue in issues if issue.is_open]
    rows = (
        undecided()
        .filter(message__evidence__issue__in=ids, score__gte=at_least)
        .annotate(asking=F("message__evidence__issue"))
        .select_related("like", "opinion")
        .order_by(_UNLIKELY, "-score", "-pk")[: _LOOKED_AT + 20 * len(ids)]
    )
    matches: list[Any] = list(rows)  # with `target` and `asking`
    targets = Issue.objects.in_bulk({match.target for match in matches})
    found: dict[int, dict[int, Suggestion]] = {}
    for match in matches:
        best = found.setdefault(match.asking, {})
        if match.target in targets and (match.target in best or len(best) < limit):
            best.setdefault(match.target, Suggestion(match, targets[match.target]))
    return {asking: list(best.values()) for asking, best in found.items()}


def with_suggestions(issues: QuerySet[Issue]) -> QuerySet[Issue]:
    """Those of the open issues about which the search has an undecided question worth a glance."""
    asked = undecided().filter(message__evidence__issue=OuterRef("pk"), score__gte=LIKELY)
    return issues.filter(Exists(asked), status__in=Issue.OPEN)


def undecided() -> QuerySet[Match]:
    """Suggestions whose two issues are still two, and of which nobody has said anything."""
    suggested = Match.objects.filter(outcome=Match.Outcome.SUGGESTED).annotate(
        target=Coalesce("issue__duplicate_of", "issue")
    )
    # In every wording: what was said names the messages of that moment.
    forms = Message.objects.filter(
        source=OuterRef("message__source"), external_id=OuterRef("message__external_id")
    )
    reports = Evidence.objects.filter(
        issue=OuterRef("target"),
        message__source__messages__external_id=F("message__external_id"),
    )
    ours = ArraySubquery(forms.order_by().values("pk"))
    theirs = ArraySubquery(reports.order_by().values("message__source__messages"))
    said = Relation.objects.filter(
        Q(messages__overlap=OuterRef("ours"), other_messages__overlap=OuterRef("theirs"))
        | Q(other_messages__overlap=OuterRef("ours"), messages__overlap=OuterRef("theirs"))
    )
    return (
        suggested.alias(ours=ours, theirs=theirs)
        .exclude(message__evidence__issue=F("target"))
        .filter(~Exists(said))
    )


def best_match(issue: Issue, other: Issue) -> Match | None:
    """What the search thought of these two, whichever of them was asked about."""
    pairs = Q(message__evidence__issue=issue, issue=other) | Q(
        message__evidence__issue=other, issue=issue
    )
    return Match.objects.filter(pairs).order_by("-score").first()
