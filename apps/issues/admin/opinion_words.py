"""What a language model said of a suggestion, in words; what it wrote itself is quoted."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.issues.models import Match, Opinion
from apps.sources.admin.display import rounded
from tasktracker.lib.retell import retell
from tasktracker.lib.text import shorten


def opinion_of(match: Match) -> Opinion | None:
    """None where no model was asked about it."""
    return getattr(match, "opinion", None)


def opinion_in_words(opinion: Opinion) -> str:
    """One sentence for the page of an issue."""
    told = {
        Opinion.Status.WAITING.value: _("A language model is asked whether they are the same."),
        Opinion.Status.SAME.value: _("%(model)s takes them for the same problem (%(sure)s)"),
        Opinion.Status.DIFFERENT.value: _("%(model)s takes them for different problems (%(sure)s)"),
        Opinion.Status.UNCLEAR.value: _("%(model)s cannot tell whether they are the same"),
        Opinion.Status.FAILED.value: _("A language model was asked, without an answer"),
        Opinion.Status.DROPPED.value: _("No language model was needed in the end."),
    }[opinion.status]
    sure = rounded(opinion.confidence, 2) if opinion.confidence is not None else "–"
    words = told % {"model": opinion.model, "sure": sure}
    said = shorten(retell(opinion.last_error), 200) if not opinion.is_answered else opinion.reason
    return f"{words}: {said}" if said else words


def opinion_in_short(opinion: Opinion) -> str:
    """A few words for a row of the queue; nothing where there is nothing to know."""
    if not opinion.is_answered:
        return ""
    told = _("model: %(verdict)s") % {"verdict": opinion.get_status_display().lower()}
    if opinion.confidence is None:
        return told
    return f"{told}, {rounded(opinion.confidence, 2)}"


def thought_in_words(thought: Mapping[str, Any]) -> str:
    """Why a report joined its issue by a model's word, as the evidence remembers it."""
    sure = thought.get("confidence")
    told = _("%(model)s (%(prompt)s) takes them for the same problem, confidence %(sure)s")
    words = told % {
        "model": thought.get("model", "–"),
        "prompt": thought.get("prompt", "–"),
        "sure": rounded(sure, 2) if isinstance(sure, int | float) else "–",
    }
    return f"{words}: {thought['reason']}" if thought.get("reason") else words
