"""An issue that many people report becomes more urgent, step by step and never beyond high."""

from collections.abc import Iterable

from django.db.models import F, Value
from django.db.models.functions import Coalesce, NullIf

from apps.issues.models import Change, Issue
from apps.messages.models import Priority
from apps.sources.models import Project

STEPS = (Priority.LOW, Priority.MEDIUM, Priority.HIGH)
MANY = "people report it"  # as it is stored, after their number
MORE_URGENT = "a more urgent report"  # as it is stored
_ORDER = list(Priority.values)  # from low to critical


def most_urgent(priorities: Iterable[str]) -> str:
    return max(priorities, key=_ORDER.index)


def rise(issue: Issue, project: Project) -> None:
    """One step when `raise_priority_from` people report it, one more at twice as many."""
    enough = project.raise_priority_from
    if not enough or issue.priority not in STEPS[:-1]:
        return
    if "priority" in issue.locked_fields:
        return
    people = people_of(issue)
    taken = issue.changes.filter(
        kind=Change.Kind.EDIT, details__field="priority", user=None, reason__endswith=MANY
    ).count()
    for _step in range(min(people // enough, 2) - taken):
        following = STEPS[min(STEPS.index(Priority(issue.priority)) + 1, len(STEPS) - 1)]
        issue.edit({"priority": following}, reason=f"{people} {MANY}")


def people_of(issue: Issue) -> int:
    """How many people report it: bots do not count, and whoever repeats it counts once."""
    person = Coalesce(NullIf("message__author_id", Value("")), F("message__author"))
    rows = issue.evidence.filter(message__is_from_bot=False).annotate(person=person)
    named = rows.exclude(person="").order_by()
    return named.values("message__source", "person").distinct().count()
