"""What the pair model leaves open is put to a language model: are these two reports one problem?

One question about one pair, so that no text can change what is said of another pair. The best suggestion
comes first, the next one only when that was not the same. Nothing is decided here (`grey_zone`).
"""

from datetime import timedelta
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator

from apps.issues.models import Evidence, Issue, Match, Opinion
from apps.issues.plain import plain, tells_of
from apps.issues.wording import has_model, instructions, names_of_others
from apps.messages.classifiers.llm import Ratio
from apps.messages.models import Message
from apps.sources.models import Project
from tasktracker.lib import llm
from tasktracker.lib.chat_text import ChatText
from tasktracker.lib.text import shorten

PROMPT = "same_v1.md"
VERSION = PROMPT.removesuffix(".md")
#: Below, a model's own mistakes would outnumber the duplicates that it finds.
ASKED_FROM = 0.1
MOST = 3  # suggestions of one report that are asked about
READ = 2500  # characters of each report
REASON_LIMIT = 200
MAX_TOKENS = 200  # of an answer


def _bounded(value: Any) -> Any:
    """Cut what is too long: a report must not be able to make an answer invalid."""
    return value[:1000] if isinstance(value, str) else ""


class Said(BaseModel):
    """What a model may say; everything else is dropped or refused."""

    verdict: Literal["same", "different", "unclear"]
    confidence: Ratio
    reason: Annotated[str, BeforeValidator(_bounded)] = ""


class Pair(NamedTuple):
    """The two reports that are compared, each with its issue as it is now."""

    message: Message
    issue: Issue
    like: Message
    target: Issue


def ask_next(issue: Issue, message: Message, project: Project) -> Opinion | None:
    """Ask about the best suggestion of this report that is still open, if a model may be asked."""
    if not has_model(project):
        return None
    found = Match.objects.filter(message=message, outcome=Match.Outcome.SUGGESTED)
    best = found.select_related("issue", "message", "like", "opinion").order_by("-score", "-pk")
    for match in best[:MOST]:
        if not hasattr(match, "opinion") and match.score >= ASKED_FROM and pair_of(match, issue):
            return Opinion.ask_for(match, issue)
    return None


def pair_of(match: Match, issue: Issue) -> Pair | None:
    """What is compared; None when one of the two has been settled, or must not be joined anyway."""
    message, target = match.message, match.issue
    if issue.status != Issue.Status.NEW or not _is_report_of(message, issue):
        return None
    # A closed issue is only asked about: "is it back?". Only people answer that.
    if target.status not in Issue.OPEN or target.project_id != issue.project_id:
        return None
    if target.pk >= issue.pk or _began_much_later(target, issue, message):
        return None
    like = _report_of(target, match.like)
    return None if like is None else Pair(message, issue, like, target)


def ask(pair: Pair) -> llm.Answer:
    """The model's answer; raises llm.Unavailable."""
    project = pair.issue.project
    return llm.ask(
        Said,
        instructions=instructions(PROMPT, project),
        prompt=question(pair).prompt(),
        cloud=project.is_cloud_allowed,
        max_tokens=MAX_TOKENS,
    )


def question(pair: Pair) -> ChatText:
    text = ChatText()
    later = _hours_between(pair)
    text.quote(pair.like.text, limit=READ, label=f"The older report ({pair.target.category}):")
    text.quote(
        pair.message.text,
        limit=READ,
        label=f"The newer report ({pair.issue.category}), {later} hours later:",
    )
    text.say("Are they about the same problem or request?")
    return text


def kept(pair: Pair, answer: llm.Answer) -> dict[str, Any]:
    """The fields of an opinion that this answer fills."""
    said: Said = answer.output
    return {
        "confidence": said.confidence,
        "reason": _reason(said.reason, pair),
        "model": answer.model[:100],
        "prompt": VERSION,
        "tokens": answer.tokens,
        "input_tokens": answer.input_tokens,
        "cost_usd": answer.cost_usd,
        "latency_ms": answer.latency_ms,
    }


def _reason(reason: str, pair: Pair) -> str:
    """One plain line that tells of nothing but these two."""
    line = shorten(plain(reason), REASON_LIMIT)
    source = f"{pair.message.text}\n{pair.like.text}"
    return "" if tells_of(names_of_others(pair.issue.project), line, source) else line


def _hours_between(pair: Pair) -> int:
    return max(0, round((pair.message.sent_at - pair.like.sent_at).total_seconds() / 3600))


def _began_much_later(target: Issue, issue: Issue, message: Message) -> bool:
    """A report that came very late joins no issue of another time, as in the search."""
    window = timedelta(hours=issue.project.duplicate_window_hours)
    return target.reported_at > message.sent_at + window


def _is_report_of(message: Message, issue: Issue) -> bool:
    return Evidence.objects.filter(message=message, issue=issue).exists()


def _report_of(issue: Issue, like: Message | None) -> Message | None:
    """What the new report resembles, as it is worded now; else what opened the issue."""
    rows = issue.evidence.select_related("message").order_by("created_at", "pk")
    if like is not None:
        same = rows.filter(message__source=like.source_id, message__external_id=like.external_id)
        found = same.first()
        if found is not None:
            return found.message
    first = rows.exclude(level__in=Evidence.FOLLOW_UPS).first()
    return None if first is None else first.message
