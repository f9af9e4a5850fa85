"""What follows from a language model's opinion: a sure "same" merges, all else is left to people.

A person's word always comes first: whatever somebody has decided while the model was asked stands.
"""

from typing import Any

from django.db import transaction

from apps.issues import opinions
from apps.issues.approving import (
    approve_by_policy,
    doubt_about,
    is_archived,
    is_decided,
    look_again,
)
from apps.issues.decisions import merge
from apps.issues.merging import CannotMerge
from apps.issues.models import Evidence, Issue, Match, Opinion, Relation
from apps.issues.opinions import Pair
from apps.issues.relations import between
from apps.issues.triage import lock_project
from apps.issues.wording import has_model, is_within_grace, pause_after
from apps.sources.models import Project
from tasktracker.lib import llm
from tasktracker.lib.workflow import TryLater

SURE = 0.8  # the confidence from which "same" merges


def judge(opinion: Opinion) -> None:
    """Ask about the pair, while nobody has decided about it; raises TryLater."""
    pair = _undecided(opinion)
    if pair is None or not has_model(pair.issue.project):
        _settle(opinion, Opinion.Status.DROPPED, {})
        return
    if not is_within_grace(opinion):
        why = opinion.last_error or "no model answered in time"
        _settle(opinion, Opinion.Status.FAILED, {"last_error": why})
        return
    try:
        answer = opinions.ask(pair)
    except llm.Nonsense as error:
        _settle(opinion, Opinion.Status.FAILED, {"last_error": str(error)})
        return
    except llm.Unavailable as error:
        raise TryLater(str(error), delay=pause_after(opinion.attempts, error)) from error
    _settle(opinion, answer.output.verdict, opinions.kept(pair, answer), asked=pair)


def _settle(
    opinion: Opinion, status: str, told: dict[str, Any], *, asked: Pair | None = None
) -> None:
    """Keep the answer and act upon it, about both issues as they are at this moment."""
    with transaction.atomic():
        project = lock_project(opinion.issue.project_id)
        pair = _undecided(opinion, is_held=True)
        if status in Opinion.ANSWERED and not _is_about(asked, pair):
            status = Opinion.Status.DROPPED
        opinion.move_to(status, **told)
        if pair is not None and _is_sure(opinion) and _merge(opinion, pair):
            return
        _go_on(opinion, project)


def _is_about(asked: Pair | None, pair: Pair | None) -> bool:
    """Whether the pair is still there, in the words that the model has read."""
    if asked is None or pair is None:
        return False
    return (asked.message.text, asked.like.text) == (pair.message.text, pair.like.text)


def _go_on(opinion: Opinion, project: Project) -> None:
    """The next suggestion's turn; after the last one the approval that has waited for them."""
    issue, message = opinion.issue, opinion.match.message
    if is_decided(issue):
        return
    # Whoever did not answer about this one would not answer about the next.
    is_answering = opinion.status != Opinion.Status.FAILED
    if is_answering and opinions.ask_next(issue, message, project):
        return
    if not issue.opinions.filter(status=Opinion.Status.SAME).exists():
        # A "different" calms nobody: what a chat may talk a model into is not approved by itself.
        approve_by_policy(issue, project, doubt=doubt_about([message]))


def _is_sure(opinion: Opinion) -> bool:
    is_same = opinion.status == Opinion.Status.SAME
    return is_same and opinion.confidence is not None and opinion.confidence >= SURE


def _merge(opinion: Opinion, pair: Pair) -> bool:
    """Make the new issue a duplicate of the older one; False when that cannot be."""
    match = opinion.match
    thought = {
        "model": opinion.model,
        "prompt": opinion.prompt,
        "confidence": opinion.confidence,
        "reason": opinion.reason,
    }
    is_first_live = is_archived(pair.target) and not is_archived(pair.issue)
    why = f"{opinion.model}, {opinion.prompt}, {opinion.confidence:.2f}: {opinion.reason or '–'}"
    try:
        merge(
            pair.issue, into=pair.target, by=None, reason=why, details={"opened": pair.message.pk}
        )
    except CannotMerge:
        return False
    Evidence.objects.filter(issue=pair.target, message=pair.message).update(
        level=Evidence.Level.JUDGED,
        score=match.score,
        threshold=match.threshold,
        like=pair.like,
        explanation={**match.explanation, "opinion": thought},
    )
    if is_first_live:
        look_again(pair.target, pair.target.project)
    return True


def _undecided(opinion: Opinion, *, is_held: bool = False) -> Pair | None:
    """The pair, read anew, unless it is settled or a person has said anything about it.

    With `is_held` nobody changes the two issues until the transaction ends.
    """
    matches = Match.objects.select_related("message", "like")
    opinion.match = match = matches.get(pk=opinion.match_id)
    rows = Issue.objects.select_related("project").order_by("pk")
    if is_held:
        rows = rows.select_for_update(no_key=True, of=("self",))
    found = {row.pk: row for row in rows.filter(pk__in=[opinion.issue_id, match.issue_id])}
    opinion.issue, match.issue = issue, target = found[opinion.issue_id], found[match.issue_id]
    if is_decided(issue) or between(issue, target, *Relation.Kind).exists():
        return None
    return opinions.pair_of(match, issue)
