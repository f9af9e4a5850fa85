"""One report against what it may repeat: the same call for filing, replaying and simulating it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from apps.issues.dedup.base import Candidate, Match, Report
from apps.issues.dedup.conflicts import contrary
from apps.issues.dedup.exact import opposites
from apps.issues.dedup.levels import Thresholds, calibration, find_matches
from apps.sources.models import Project
from tasktracker.lib import embeddings

SUGGESTIONS = 3


@dataclass(frozen=True)
class Comparison:
    """What was looked at, and what was found: at most one match per issue, best first."""

    report: Report
    candidates: Sequence[Candidate]
    matches: Sequence[Match]
    thresholds: Thresholds

    @property
    def is_given(self) -> bool:
        """Found without comparing any texts, as a repeated alert is by its name."""
        return bool(self.matches) and not self.candidates

    @property
    def same(self) -> Match | None:
        """The duplicate, if it surely is one."""
        best = self.matches[0] if self.matches else None
        return best if best is not None and best.is_same else None

    @property
    def suggestions(self) -> list[Match]:
        """What a person should look at."""
        return [match for match in self.matches if match.is_suggestion][:SUGGESTIONS]


def compare(
    report: Report,
    candidates: Sequence[Candidate],
    thresholds: Thresholds,
    *,
    embedding_model: str | None = None,
) -> Comparison:
    """With vectors of today's model, if no other is named."""
    model = embedding_model or embeddings.model_name()
    compared = _only_suggesting(candidates, opposites(report, candidates))
    matches = find_matches(report, compared, thresholds, embedding_model=model)
    # The facts of all candidates would take as long as the judge: only what would be joined is asked for.
    same = {match.issue_id for match in matches if match.is_same}
    others = contrary(report, [each for each in compared if each.issue_id in same])
    if others:
        compared = _only_suggesting(compared, others)
        matches = find_matches(report, compared, thresholds, embedding_model=model)
    return Comparison(report, candidates, matches, thresholds)


def _only_suggesting(candidates: Sequence[Candidate], issue_ids: set[int]) -> list[Candidate]:
    """These issues take no report, as if they were closed."""
    return [
        replace(each, is_open=False) if each.issue_id in issue_ids else each for each in candidates
    ]


def thresholds_of(project: Project) -> Thresholds:
    """The project's own thresholds; what it leaves open is as calibrated."""
    calibrated = calibration().judged
    merge = project.merge_threshold
    suggest = project.suggest_threshold
    return Thresholds(
        merge=calibrated.merge if merge is None else merge,
        suggest=calibrated.suggest if suggest is None else suggest,
    )


def check_thresholds(thresholds: Thresholds) -> None:
    """Raise ValidationError for two thresholds of which nobody can mean both."""
    if thresholds.suggest > thresholds.merge:
        raise ValidationError(_("What is merged must be at least as sure as what is suggested."))
    if thresholds.merge <= 0:
        raise ValidationError(_("At 0 every report would be merged into another one."))


def check_project(project: Project, **_kwargs: Any) -> None:
    """A project's own threshold has to fit to the calibrated one beside it."""
    check_thresholds(thresholds_of(project))
