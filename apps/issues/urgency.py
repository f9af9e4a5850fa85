"""An issue that many people report becomes more urgent, step by step and never beyond high."""

from collections.abc import Iterable
from itertools import pairwise

from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, NullIf

from apps.issues.models import Change, Issue
from apps.messages.models import Priority
from apps.sources.models import Project

STEPS = (Priority.LOW, Priority.MEDIUM, Priority.HIGH)
MANY = "people report it"  # as it is stored, after their number
#: Reasons as they are stored.
MORE_URGENT = "a more urgent report"
AS_IT_WAS = "as before the merge"
WITHOUT_IT = "as without what left"
TAKEN_BACK = frozenset({AS_IT_WAS, WITHOUT_IT})
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
    for _step in range(_steps(people, enough) - _taken(issue)):
        issue.edit({"priority": _following(issue.priority)}, reason=f"{people} {MANY}")


def how_urgent(issue: Issue, priority: str) -> str:
    """This priority of its reports, with the steps for the people who report it now."""
    enough = issue.project.raise_priority_from
    for _step in range(_steps(people_of(issue), enough) if enough else 0):
        priority = _following(priority)
    return priority


def _steps(people: int, enough: int) -> int:
    return min(people // enough, 2)


def _following(priority: str) -> str:
    """The next step, if there is one."""
    rising = dict(pairwise(STEPS))
    return rising.get(Priority(priority), priority)


def _taken(issue: Issue) -> int:
    """Steps that still stand: what was taken back can be taken again."""
    edits = issue.changes.filter(kind=Change.Kind.EDIT, details__field="priority").order_by("pk")
    ours = edits.filter(Q(user=None, reason__endswith=MANY) | Q(reason__in=TAKEN_BACK))
    taken: list[str] = []  # where each step led to
    for reason, after in ours.values_list("reason", "details__after"):
        if reason in TAKEN_BACK:
            taken = [step for step in taken if most_urgent([after, step]) == after]
        else:
            taken.append(after)
    return len(taken)


def people_of(issue: Issue) -> int:
    """How many people report it: bots do not count, and whoever repeats it counts once."""
    person = Coalesce(NullIf("message__author_id", Value("")), F("message__author"))
    rows = issue.evidence.filter(message__is_from_bot=False).annotate(person=person)
    named = rows.exclude(person="").order_by()
    return named.values("message__source", "person").distinct().count()
