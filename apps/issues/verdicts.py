"""What people decided about pairs of reports, and how far a grouping agrees with them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from apps.issues.models import Change, Evidence, Issue, Relation
from apps.sources.models import Project


@dataclass(frozen=True)
class Verdict:
    """A person said that these messages are about the same problem as those, or that they are not."""

    is_same: bool
    ours: frozenset[int]
    theirs: frozenset[int]

    def pair_in(self, group_of: Mapping[int, int]) -> tuple[int, int] | None:
        """A message of each side that share a group."""
        groups = {group_of[number]: number for number in sorted(self.theirs) if number in group_of}
        for number in sorted(self.ours):
            if group_of.get(number) in groups:
                return number, groups[group_of[number]]
        return None

    def is_about(self, numbers: Mapping[int, object]) -> bool:
        return any(one in numbers for one in self.ours) and any(
            one in numbers for one in self.theirs
        )

    @property
    def example(self) -> tuple[int, int]:
        return min(self.ours), min(self.theirs)


@dataclass(frozen=True)
class Agreement:
    """A grouping against what people decided. Pairs are of message ids, to be quoted."""

    right: Sequence[tuple[int, int]]  # people merged them, and so would it
    missed: Sequence[tuple[int, int]]  # people merged them, it would not
    false: Sequence[tuple[int, int]]  # people told them apart, it would join them
    kept: int  # people told them apart, and so would it

    @property
    def precision(self) -> float | None:
        return _ratio(len(self.right), len(self.right) + len(self.false))

    @property
    def recall(self) -> float | None:
        return _ratio(len(self.right), len(self.right) + len(self.missed))


def verdicts_of(project: Project) -> list[Verdict]:
    """Merges by people that still stand, also by an accepted suggestion, and all told apart."""
    return [*_merges(project), *_aparts(project)]


def agreement(verdicts: Sequence[Verdict], group_of: Mapping[int, int]) -> Agreement:
    """Only of what is among the grouped messages."""
    right: list[tuple[int, int]] = []
    missed: list[tuple[int, int]] = []
    false: list[tuple[int, int]] = []
    kept = 0
    for verdict in verdicts:
        if not verdict.is_about(group_of):
            continue
        pair = verdict.pair_in(group_of)
        if verdict.is_same:
            (missed if pair is None else right).append(pair or verdict.example)
        elif pair is not None:
            false.append(pair)
        else:
            kept += 1
    return Agreement(right, missed, false, kept)


def _merges(project: Project) -> list[Verdict]:
    rows = Change.objects.filter(
        kind=Change.Kind.MERGED,
        user__isnull=False,
        details__has_key="into",
        issue__project=project,
        issue__status=Issue.Status.DUPLICATE,
    )
    last = {row.issue_id: row for row in rows.order_by("created_at", "pk")}
    lies_in, messages_of = _evidence(project)
    found = []
    for row in last.values():
        moved = frozenset(row.details["messages"])
        issues = {lies_in[number] for number in moved if number in lies_in}
        others = frozenset(one for issue in issues for one in messages_of[issue]) - moved
        if moved and others:
            found.append(Verdict(is_same=True, ours=moved, theirs=others))
    return found


def _evidence(project: Project) -> tuple[dict[int, int], dict[int, list[int]]]:
    rows = Evidence.objects.filter(issue__project=project).order_by("created_at", "pk")
    lies_in = dict(rows.values_list("message_id", "issue_id"))
    messages_of: dict[int, list[int]] = defaultdict(list)
    for message, issue in lies_in.items():
        messages_of[issue].append(message)
    return lies_in, messages_of


def _aparts(project: Project) -> list[Verdict]:
    rows = Relation.objects.filter(project=project, kind=Relation.Kind.APART)
    return [
        Verdict(is_same=False, ours=frozenset(ours), theirs=frozenset(theirs))
        for ours, theirs in rows.values_list("messages", "other_messages")
        if ours and theirs
    ]


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
