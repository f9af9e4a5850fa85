"""A classifier's answer on its way into the database."""

from typing import NamedTuple

from apps.messages.classifiers.base import Verdict
from apps.messages.models import ACTIONABLE_CATEGORIES, Classification, Message

SAID_PRIORITY = "said_priority"  # in `raw`: what the classifier said before a rule had its say
PERSON = "person"  # the classifier that always wins


class Answer(NamedTuple):
    """Who said what."""

    classifier: str
    version: str
    verdict: Verdict


def keep(
    message: Message, answer: Answer, milliseconds: float, *, is_cached: bool = False
) -> Classification:
    """One more row; nothing is ever overwritten."""
    verdict = answer.verdict
    return Classification.objects.create(
        message=message,
        classifier=answer.classifier[:60],
        version=answer.version,
        category=verdict.category,
        priority=verdict.priority,
        confidence=min(1.0, max(0.0, verdict.confidence)),
        scores=verdict.scores,
        entities=verdict.entities,
        raw=verdict.raw,
        latency_ms=milliseconds,
        tokens=int(verdict.raw.get("tokens", 0)),
        input_tokens=int(verdict.raw.get("input_tokens", 0)),
        cost_usd=float(verdict.raw.get("cost_usd", 0.0)),
        is_cached=is_cached,
    )


def status_for(category: str) -> str:
    """Where a message of this category goes."""
    if category in ACTIONABLE_CATEGORIES:
        return Message.Status.ACTIONABLE
    return Message.Status.NOISE
