"""The review of a project's day: figures and advice at once, a model's words when there is one, and
once, quietly, to the chat that the project names.

The model's words never go to the chat: a text that people wrote could speak through them to all of it.
"""

import logging
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from pydantic import BaseModel, Field

from apps.issues.day_figures import bounds, figures_of, messages_of
from apps.issues.day_words import advice, numbers, text_of
from apps.issues.models import DayAnalysis
from apps.issues.plain import invents_numbers, plain, tells_of
from apps.issues.triage import lock_project
from apps.issues.wording import instructions, names_of_others, pause_after
from apps.messages.models import Message
from apps.sources.models import Project
from apps.sources.post import post as post_to
from apps.sources.post import why_not
from tasktracker.lib import llm
from tasktracker.lib.chat_text import ChatText
from tasktracker.lib.text import language_of, shorten
from tasktracker.lib.workflow import GiveUp, LostRace, TryLater

logger = logging.getLogger(__name__)

PROMPT = "day_v1.md"
CATCH_UP = 3  # days; after a longer pause nobody waits for the older ones
TITLES = 25  # issues that a model is told of
SUMMARY_LIMIT = 1500
ADVICE_LIMIT = 300
POSTS_FOR = timedelta(hours=12)  # a summary that comes later than this is no news

_S = DayAnalysis.Status
_SENTENCE = re.compile(r"(?<=[.!?…])\s+")


class DayWords(BaseModel):
    """What a model may say; everything else is refused."""

    summary: Annotated[str, Field(min_length=10, max_length=3000)]
    advice: Annotated[list[Annotated[str, Field(max_length=600)]], Field(max_length=8)] = []


# Making


def analyse(project: Project, day: date, *, is_daily: bool = False) -> DayAnalysis:
    """The day's analysis, made or brought up to date; only the daily run sends one to the chat."""
    with transaction.atomic():
        lock_project(project.pk)
        figures = figures_of(project, day, now=timezone.now())
        with translation.override(project.language):
            text = text_of(figures, project.name, day)
        known = DayAnalysis.objects.filter(project=project, day=day).first()
        analysis = known or DayAnalysis(project=project, day=day, status=_S.READY)
        analysis.figures, analysis.text, analysis.analysed_at = figures, text, timezone.now()
        analysis.llm_text = analysis.llm_model = ""
        if known is None:
            analysis.is_to_be_posted = is_daily and _goes_to_the_chat(project, day)
            analysis.status = _first_step(analysis)
            analysis.due_at = DayAnalysis.due_now(analysis.status)
            analysis.save()
            DayAnalysis.announce([analysis.pk], analysis.status, is_new=True)
            return analysis
        # Only these: a worker may be posting it at this moment.
        analysis.save(update_fields=["figures", "text", "analysed_at", "llm_text", "llm_model"])
        if analysis.status not in DayAnalysis.WAITING and _has_model(project):
            analysis.move_to(_S.WORDING)
    return analysis


def lacking(now: datetime) -> Iterator[tuple[Project, date]]:
    """Active projects and the days that are over and not analysed yet, oldest first."""
    for project in Project.objects.filter(is_active=True).order_by("pk"):
        today = now.astimezone(ZoneInfo(project.timezone)).date()
        days = [today - timedelta(days=back) for back in range(CATCH_UP, 0, -1)]
        known = set(
            DayAnalysis.objects.filter(project=project, day__in=days).values_list("day", flat=True)
        )
        for day in days:
            _start, end = bounds(project, day)
            if day in known or project.created_at >= end:
                continue
            if Message.shown().filter(project=project, sent_at__lt=end).exists():
                yield project, day


def analyse_lacking() -> None:
    """The daily run; what cannot be analysed now is tried at its next turn."""
    for project, day in lacking(timezone.now()):
        try:
            analyse(project, day, is_daily=True)
        except Exception:
            logger.exception("the analysis of %s, %s failed", project.slug, day)


def today(project: Project) -> date:
    return timezone.now().astimezone(ZoneInfo(project.timezone)).date()


def yesterday(project: Project) -> date:
    return today(project) - timedelta(days=1)


# A model's words


def word(analysis: DayAnalysis) -> None:
    """Ask a model for a review in words; without one the figures speak alone."""
    project = analysis.project
    if not _has_model(project) or not _is_within(analysis, timedelta(seconds=settings.LLM_GRACE)):
        analysis.move_to(_after_words(analysis))
        return
    prompt = _prompt(analysis)
    try:
        answer = llm.ask(
            DayWords,
            instructions=instructions(PROMPT, project),
            prompt=prompt,
            cloud=project.is_cloud_allowed,
            max_tokens=1200,
        )
    except llm.Nonsense:
        analysis.move_to(_after_words(analysis))
        return
    except llm.Unavailable as error:
        raise TryLater(str(error), delay=pause_after(analysis.attempts, error)) from error
    given = [line for line in prompt.splitlines()[1:] if not line.startswith("====")]
    told = "\n".join([*given, analysis.text])
    analysis.move_to(
        _after_words(analysis),
        llm_text=fitting(answer.output, told, project),
        llm_model=answer.model,
        llm_tokens=answer.tokens,
    )


def fitting(said: DayWords, told: str, project: Project) -> str:
    """The sentences that invent nothing, if the whole is in the project's language."""
    language, others = project.language, names_of_others(project)
    summary = shorten(_true_sentences(said.summary, told, others), SUMMARY_LIMIT)
    if not summary or language_of(summary) != language:
        return ""
    lines = [shorten(_true_sentences(line, told, others), ADVICE_LIMIT) for line in said.advice]
    points = [f"- {line}" for line in lines if line and language_of(line) == language]
    return "\n\n".join(filter(None, [summary, "\n".join(points)]))


def _true_sentences(text: str, told: str, others: Iterable[str]) -> str:
    """Those with words, without numbers of their own and without the names of other projects."""
    return plain(
        " ".join(
            sentence
            for sentence in _SENTENCE.split(plain(text))
            if any(map(str.isalpha, sentence))
            and not invents_numbers(sentence, told)
            and not tells_of(others, sentence, told)
        )
    )


def _prompt(analysis: DayAnalysis) -> str:
    figures, text = analysis.figures, ChatText()
    with translation.override("en"):
        text.say(f"The day: {analysis.day.isoformat()}. {numbers(figures)}")
        text.say(f"Messages by category: {_counts(figures['messages']['by_category'])}.")
        text.say(f"Exports that failed: {figures['exports_failed']}.")
        sentences = [sentence for sentence, _issue in advice(figures)]
    rows: dict[int, list[str]] = {}
    titles: dict[int, str] = {}
    for kind in ("silent", "overdue", "growing", "new", "done"):
        for row in figures[kind]:
            rows.setdefault(row["id"], [row["priority"], row["category"]]).append(kind)
            titles[row["id"]] = row["title"]
    lines = [f"{issue} ({', '.join(rows[issue])}): {titles[issue]}" for issue in [*rows][:TITLES]]
    if sentences:
        text.quote("\n".join(sentences), limit=4000, label="What the rules advise:")
    if lines:
        text.quote("\n".join(lines), limit=6000, label="The issues, by number:")
    return text.prompt()


def _counts(counts: dict[str, int]) -> str:
    return (
        ", ".join(f"{name or 'unread'} {count}" for name, count in sorted(counts.items())) or "none"
    )


def _has_model(project: Project) -> bool:
    return project.policy != Project.Policy.LOCAL and llm.is_available(
        cloud=project.is_cloud_allowed
    )


def _first_step(analysis: DayAnalysis) -> str:
    return _S.WORDING if _has_model(analysis.project) else _after_words(analysis)


def _after_words(analysis: DayAnalysis) -> str:
    if analysis.posted_at is not None:
        return _S.POSTED
    return _S.POSTING if analysis.is_to_be_posted else _S.READY


def _is_within(analysis: DayAnalysis, time: timedelta) -> bool:
    rows = DayAnalysis.objects.filter(pk=analysis.pk, status_changed_at__gt=Now() - time)
    return rows.exists()


# The chat


def may_be_posted(analysis: DayAnalysis) -> bool:
    """For the button of a person, who may also say that it is to be tried again."""
    return (
        analysis.posted_at is None
        and analysis.status in (_S.READY, _S.FAILED)
        and analysis.project.posts_summary
        and not why_not(analysis.project.summary_chat, analysis.project)
    )


def send_to_chat(analysis: DayAnalysis) -> None:
    """A person wants it in the chat; after a failure the person has looked there first."""
    analysis.move_to(_S.POSTING, is_to_be_posted=True, post_began_at=None)


def post(analysis: DayAnalysis) -> None:
    """Post the text once: whoever finds a call without its answer does not call again."""
    project = analysis.project
    if analysis.posted_at is not None:
        analysis.move_to(_S.POSTED)
        return
    if not project.posts_summary:
        analysis.move_to(_S.READY, is_to_be_posted=False)
        return
    reason = why_not(project.summary_chat, project)
    if reason:
        raise GiveUp(reason)
    if analysis.post_began_at is not None:
        raise GiveUp(
            _("It is not known whether the chat has it. Look there before you post again.")
        )
    if not _is_within(analysis, POSTS_FOR):
        raise GiveUp(analysis.last_error or _("It would come too late."))
    _mark(analysis, before=None, after=timezone.now())
    try:
        message_id = post_to(project.summary_chat, analysis.text)  # type: ignore[arg-type]
    except TryLater:
        _mark(analysis, before=analysis.post_began_at, after=None)
        raise
    analysis.move_to(_S.POSTED, posted_at=timezone.now(), posted_message_id=message_id)


def _mark(analysis: DayAnalysis, *, before: datetime | None, after: datetime | None) -> None:
    """Committed before the chat is called; only one worker can be the first."""
    rows = DayAnalysis.objects.filter(pk=analysis.pk, status=_S.POSTING, post_began_at=before)
    if not rows.update(post_began_at=after):
        raise LostRace(f"analysis {analysis.pk} is being posted by somebody else")
    analysis.post_began_at = after


def _goes_to_the_chat(project: Project, day: date) -> bool:
    """Only yesterday, only where the chat was alive: an archive that was read in is no news."""
    return (
        project.posts_summary
        and day == yesterday(project)
        and messages_of(project, day).filter(is_history=False).exists()
    )


def neighbours(analysis: DayAnalysis) -> dict[str, Any]:
    """The analyses of the days before and after it in the same project."""
    rows = DayAnalysis.objects.filter(project=analysis.project_id)
    return {
        "previous": rows.filter(day__lt=analysis.day).order_by("-day").first(),
        "next": rows.filter(day__gt=analysis.day).order_by("day").first(),
    }
