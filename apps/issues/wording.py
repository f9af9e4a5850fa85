"""A new issue's words by a language model. Nothing waits for them: until they come, and if they never
come or do not fit, what was extracted stands.

The worst that a message can make a model do is to change the words of its own issue.
"""

import re
from datetime import timedelta
from importlib import resources
from typing import Annotated, Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import translation
from django.utils.translation import gettext as _
from pydantic import BaseModel, Field

from apps.issues.drafting import TITLE_LIMIT, quote
from apps.issues.models import Draft, Evidence, Issue
from apps.issues.plain import invents_numbers, plain, tells_of
from apps.messages.entities.extract import extract
from apps.messages.models import Message
from apps.sources.models import Project
from tasktracker.lib import llm
from tasktracker.lib.chat_text import ChatText
from tasktracker.lib.text import clean, language_of, shorten
from tasktracker.lib.workflow import GiveUp, TryLater, WorkItem, backoff

PROMPT = "draft_v1.md"
READ = 4000  # characters of the message
SUMMARY_LIMIT = 600
LINE_LIMIT = 300
LANGUAGES = {"uk": "Ukrainian", "en": "English"}
LONGEST_PAUSE = timedelta(minutes=1)  # between two questions to a model that does not answer
WORDED = frozenset({"title", "description"})

_WORD = re.compile(r"[^\W\d_]{3}")

Line = Annotated[str, Field(max_length=1000)]


class Words(BaseModel):
    """What a model may say; everything else is refused."""

    title: Annotated[str, Field(min_length=3, max_length=400)]
    summary: Annotated[str, Field(max_length=2000)]
    steps: Annotated[list[Line], Field(max_length=12)] = []
    expected: Line = ""
    actual: Line = ""


def ask_for_words(issue: Issue, project: Project) -> Draft | None:
    """Let a model write when the project wants one and there is one."""
    return Draft.ask_for(issue) if has_model(project) else None


def draft_of(issue: Issue) -> Draft | None:
    return Draft.objects.filter(issue=issue).first()


def may_be_asked_for(issue: Issue) -> bool:
    """Whether a person may ask for the words: nobody was asked yet, or no words came of it."""
    draft = draft_of(issue)
    is_free = draft is None or draft.status == Draft.Status.FAILED
    return is_free and _is_wanted(issue) and _opening(issue) is not None


def ask_again(issue: Issue) -> bool:
    """A person wants the words; False when a model is asked already or nothing is to be asked."""
    with transaction.atomic():
        # Two people press at once: one of them asks.
        locked = Issue.objects.select_for_update(no_key=True, of=("self",)).get(pk=issue.pk)
        if not may_be_asked_for(locked):
            return False
        draft = draft_of(locked)
        if draft is None:
            Draft.ask_for(locked)
        else:
            draft.move_to(Draft.Status.WAITING)
    return True


def write(draft: Draft) -> None:
    """Ask for the words and take over those that fit, while nobody has decided about the issue."""
    issue = draft.issue
    evidence = _opening(issue)
    if evidence is None or not _is_wanted(issue):
        draft.move_to(Draft.Status.DROPPED)
        return
    if not is_within_grace(draft):
        raise GiveUp(draft.last_error or "no model answered in time")
    message, project = evidence.message, issue.project
    try:
        answer = llm.ask(
            Words,
            instructions=instructions(PROMPT, project),
            prompt=_prompt(message, issue),
            cloud=project.is_cloud_allowed,
        )
    except llm.Nonsense as error:
        raise GiveUp(str(error)) from error
    except llm.Unavailable as error:
        raise TryLater(str(error), delay=pause_after(draft.attempts, error)) from error
    _take_over(draft, answer, message)


def instructions(prompt: str, project: Project) -> str:
    text = (resources.files("apps.issues") / "prompts" / prompt).read_text(encoding="utf-8")
    return text.replace("{language}", LANGUAGES[project.language])


def has_model(project: Project) -> bool:
    """Whether this project wants language models and may ask one."""
    return project.policy != Project.Policy.LOCAL and llm.is_available(
        cloud=project.is_cloud_allowed
    )


def is_within_grace(item: WorkItem) -> bool:
    """Whether a model may still be waited for, by the database's clock."""
    grace = timedelta(seconds=settings.LLM_GRACE)
    rows = type(item)._default_manager.filter(pk=item.pk)
    return rows.filter(status_changed_at__gt=Now() - grace).exists()


def pause_after(attempts: int, error: llm.Unavailable) -> timedelta:
    asked = max(backoff(attempts), timedelta(seconds=error.retry_after))
    return min(asked, LONGEST_PAUSE)


def _prompt(message: Message, issue: Issue) -> str:
    text = ChatText()
    text.say(f"Write the issue ({issue.category}) that this message reports.")
    text.quote(message.text, limit=READ, label="The message:")
    return text.prompt()


def _take_over(draft: Draft, answer: llm.Answer, message: Message) -> None:
    said: Words = answer.output
    with transaction.atomic():
        issue = Issue.objects.select_for_update(no_key=True, of=("self",)).get(pk=draft.issue_id)
        kept: dict[str, Any] = {
            "model": answer.model,
            "tokens": answer.tokens,
            "answer": said.model_dump(mode="json"),
        }
        if issue.status != Issue.Status.NEW:
            draft.move_to(Draft.Status.DROPPED, **kept)
            return
        changes = fitting(said, message, issue)
        if not changes:
            raise GiveUp(f"the words of {answer.model} do not fit the message")
        issue.edit(changes, reason=answer.model)
        draft.move_to(Draft.Status.WRITTEN, **kept)


def names_of_others(project: Project) -> list[str]:
    """What the other projects are called: a model that tells of them was told so by somebody."""
    names = Project.objects.exclude(pk=project.pk).values_list("name", flat=True)
    return [name for name in names if len(name) > 2]


def fitting(said: Words, message: Message, issue: Issue) -> dict[str, str]:
    """The fields that may be taken over: in the project's language, without inventions and names."""
    language, source = issue.project.language, message.text
    others = names_of_others(issue.project)
    fields = {}
    title = plain(said.title).rstrip(" .,;:!")
    title = shorten(title[:1].upper() + title[1:], TITLE_LIMIT)
    if (
        len(title.split()) > 1
        and _is_true(title, source, language)
        and not tells_of(others, title, source)
        and not _names_somebody(title, message, issue)
    ):
        fields["title"] = title
    described = _describe(said, source, language)
    if described and not tells_of(others, described, source):
        with translation.override(language):
            words_of_report = _("The report, word for word:")
        fields["description"] = f"{described}\n\n{words_of_report}\n{quote(clean(source))}"
    return fields


def _describe(said: Words, source: str, language: str) -> str:
    """The summary, then steps and what was expected where the message tells them."""
    summary = shorten(plain(said.summary), SUMMARY_LIMIT)
    if not summary or not _is_true(summary, source, language):
        return ""
    steps = [shorten(plain(step), LINE_LIMIT) for step in said.steps]
    steps = [re.sub(r"^\d{1,2}[.)]\s+", "", step) for step in steps if step]
    parts = [summary]
    with translation.override(language):
        if steps and not any(invents_numbers(step, source) for step in steps):
            lines = [f"{number}. {step}" for number, step in enumerate(steps, 1)]
            parts.append("\n".join([_("Steps:"), *lines]))
        for label, words in ((_("Expected:"), said.expected), (_("Actual:"), said.actual)):
            line = shorten(plain(words), LINE_LIMIT)
            if line and not invents_numbers(line, source):
                parts.append(f"{label} {line}")
    return "\n\n".join(parts)


def _is_true(words: str, source: str, language: str) -> bool:
    if not _WORD.search(words):
        return False
    return language_of(words) == language and not invents_numbers(words, source)


def _names_somebody(title: str, message: Message, issue: Issue) -> bool:
    people = issue.entities.get("people", []) if isinstance(issue.entities, dict) else []
    names = {str(person.get("surface", "")) for person in people if isinstance(person, dict)}
    names |= {message.author, message.author.partition(" ")[0]}
    names |= {person.surface for person in extract(title)["people"]}
    return any(
        re.search(rf"(?<!\w){_declined(name)}(?!\w)", title, re.I)
        for name in (name.strip("@ ") for name in names)
        if len(name) > 2
    )


def _declined(name: str) -> str:
    """A pattern of the name in any case: Олена, Олені, Оленою."""
    stem = name[:-1] if name[-1:].lower() in "аеєиіїйоуюяь" else name
    return rf"{re.escape(stem)}\w{{0,3}}" if len(stem) > 2 else re.escape(name)


def _is_wanted(issue: Issue) -> bool:
    is_open = issue.status == Issue.Status.NEW and not set(issue.locked_fields) >= WORDED
    return is_open and has_model(issue.project)


def _opening(issue: Issue) -> Evidence | None:
    rows = issue.evidence.select_related("message").order_by("created_at", "pk")
    return rows.filter(level=Evidence.Level.OPENED).first() or rows.first()
