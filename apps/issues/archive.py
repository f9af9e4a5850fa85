"""What a decision saw, put together again from the ledger, and what is not as it was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.issues.comparison import compare, thresholds_of
from apps.issues.dedup.base import Candidate, Vector
from apps.issues.dedup.cognates import words_of
from apps.issues.dedup.levels import Thresholds, calibration
from apps.issues.ledger import digest, digest_of_texts, glossary_digest, limits_of
from apps.issues.models import Evidence, Filing
from apps.issues.search import report_of
from apps.messages.glossary import own_spellings
from apps.messages.models import Message, vectors_of
from apps.sources.models import Project
from tasktracker.lib import embeddings
from tasktracker.lib.spellings import Spellings

PRECISION = 3  # decimals of a score that have to be the same

LIMITS = {
    "window_hours": gettext_lazy("window for similar words, hours"),
    "open_issue_days": gettext_lazy("window for similar meaning, days"),
    "closed_issue_days": gettext_lazy("window for closed issues, days"),
    "nearest": gettext_lazy("reports looked at by meaning"),
    "recent": gettext_lazy("reports looked at by words"),
}


_CAUSES: Mapping[str, Any] = {
    "embedding_model": gettext_lazy("the embedding model has changed"),
    "judge": gettext_lazy("the judge's version has changed"),
    "threshold": gettext_lazy("the project's thresholds have changed"),
    "limits": gettext_lazy("the project's windows have changed"),
    "text": gettext_lazy("the text has changed"),
    "words": gettext_lazy("the glossary or the normalisation has changed"),
    "gone": gettext_lazy("compared messages are gone"),
    "other_texts": gettext_lazy("a text that it was compared with has changed"),
    "vector": gettext_lazy("vectors are missing now"),
    "code": gettext_lazy("nothing recorded has changed: the program itself decides otherwise"),
}


@dataclass(frozen=True)
class Verdict:
    """How a message was, or would be, filed."""

    outcome: str
    level: str
    issue: int | None  # what it was attached to; None for an issue of its own
    score: float | None
    suggested: tuple[int, ...] = ()

    @property
    def words(self) -> str:
        if self.issue is None:
            told = _("opens an issue")
        else:
            details = {"issue": self.issue, "level": Evidence.Level(self.level).label}
            told = _("joins issue #%(issue)s (%(level)s)") % details
        if self.score is not None:
            told = f"{told}, {number_format(round(self.score, PRECISION), PRECISION)}"
        if self.suggested:
            issues = ", ".join(f"#{issue}" for issue in self.suggested)
            told = f"{told}; " + _("suggested: %(issues)s") % {"issues": issues}
        return told


@dataclass(frozen=True)
class Cause:
    """One thing that is not as it was."""

    name: str  # embedding_model, judge, threshold, limits, text, words, gone, other_texts, vector, code
    before: str = ""
    now: str = ""
    is_enough: bool = False  # with the former value of this alone the decision comes out as it was

    @property
    def words(self) -> str:
        told = str(_CAUSES[self.name])
        if self.before or self.now:
            told = f"{told}: {self.before} → {self.now}"
        if self.is_enough:
            told = f"{told} – " + _("this alone explains the difference")
        return told


@dataclass(frozen=True)
class Archive:
    """What several decisions of a project saw, read at once."""

    project: Project
    messages: Mapping[int, Message]
    vectors: Mapping[int, Vector]  # of today's model
    own: Spellings
    glossary: str  # its digest
    may_embed: bool

    @classmethod
    def of(cls, filings: Sequence[Filing], project: Project, *, may_embed: bool) -> "Archive":
        seen = [filing for filing in filings if filing.saw]
        compared = {message for filing in seen for message, _issue in filing.saw["candidates"]}
        numbers = compared | {filing.message_id for filing in seen}
        return cls(
            project,
            Message.objects.in_bulk(compared),
            vectors_of(numbers, embeddings.model_name()),
            own_spellings(project.pk),
            glossary_digest(project.pk),
            may_embed,
        )


@dataclass(frozen=True)
class Scene:
    """What a decision saw, put together again."""

    filing: Filing
    message: Message
    archive: Archive

    def decide(
        self, thresholds: Thresholds | None = None, embedding_model: str | None = None
    ) -> Verdict:
        model = embedding_model or embeddings.model_name()
        vectors = self.vectors_by(model)
        report = report_of(self.message, vectors.get(self.message.pk), self.own)
        candidates = self.candidates_with(vectors)
        limits = thresholds or thresholds_of(self.project)
        found = compare(report, candidates, limits, embedding_model=model)
        same = found.same
        suggested = tuple(match.issue_id for match in found.suggestions)
        if same is None:
            return Verdict(Filing.Outcome.OPENED, Evidence.Level.OPENED, None, None, suggested)
        score = round(same.score, PRECISION)
        return Verdict(Filing.Outcome.ATTACHED, same.level, same.issue_id, score)

    def without(self, cause: Cause) -> Verdict | None:
        """What comes out when this alone is as it was; None where nobody can know any more."""
        merge, suggest = self.filing.merge_threshold, self.filing.suggest_threshold
        if cause.name == "threshold" and merge is not None and suggest is not None:
            return self.decide(Thresholds(merge=merge, suggest=suggest))
        if cause.name == "embedding_model":
            return self.decide(embedding_model=self.filing.embedding_model)
        return None

    def causes(self) -> list[Cause]:
        """What is not as it was, each looked at by itself."""
        return [*self._of_models(), *self._of_project(), *self._of_texts()]

    @property
    def project(self) -> Project:
        return self.archive.project

    @property
    def own(self) -> Spellings:
        return self.archive.own

    @cached_property
    def compared(self) -> list[tuple[int, int]]:
        """Message and issue of what was compared, in that order."""
        return [(message, issue) for message, issue in self.filing.saw["candidates"]]

    @cached_property
    def messages(self) -> dict[int, Message]:
        known = self.archive.messages
        return {number: known[number] for number, _issue in self.compared if number in known}

    def vectors_by(self, model: str) -> Mapping[int, Vector]:
        """Of all that had a vector then."""
        if model == embeddings.model_name():
            return self.vectors
        return vectors_of([message.pk for message in self._with_vector], model)

    @cached_property
    def vectors(self) -> Mapping[int, Vector]:
        stored = self.archive.vectors
        known = {one.pk: stored[one.pk] for one in self._with_vector if one.pk in stored}
        missing = [one for one in self._with_vector if one.pk not in known]
        if not self.archive.may_embed:
            return known
        try:
            made = embeddings.embed([one.text for one in missing])
        except embeddings.Unavailable:
            return known
        return known | {one.pk: vector for one, vector in zip(missing, made, strict=True)}

    @cached_property
    def _with_vector(self) -> list[Message]:
        bare = set(self.filing.saw["without_vector"])
        return [one for one in (self.message, *self.messages.values()) if one.pk not in bare]

    def candidates_with(self, vectors: Mapping[int, Vector]) -> list[Candidate]:
        closed = set(self.filing.saw["closed"])
        return [
            Candidate(
                issue_id=issue,
                report=report_of(self.messages[message], vectors.get(message), self.own),
                is_open=issue not in closed,
            )
            for message, issue in self.compared
            if message in self.messages
        ]

    def _of_models(self) -> list[Cause]:
        pairs = {
            "embedding_model": (self.filing.embedding_model, embeddings.model_name()),
            "judge": (self.filing.judge, calibration().version),
        }
        return [Cause(name, *pair) for name, pair in pairs.items() if pair[0] != pair[1]]

    def _of_project(self) -> list[Cause]:
        then = (self.filing.merge_threshold, self.filing.suggest_threshold)
        today = thresholds_of(self.project)
        causes = []
        if then != (today.merge, today.suggest):
            causes.append(Cause("threshold", _pair(*then), _pair(today.merge, today.suggest)))
        limits = limits_of(self.project)
        before = {name: self.filing.limits.get(name) for name in limits}
        changed = [name for name in limits if before[name] != limits[name]]
        if changed:
            causes.append(Cause("limits", _limits(before, changed), _limits(limits, changed)))
        return causes

    def _of_texts(self) -> list[Cause]:
        saw, causes = self.filing.saw, []
        if saw["text"] != digest(self.message.text):
            causes.append(Cause("text", saw["text"], digest(self.message.text)))
        if is_spelled_otherwise := self._is_spelled_otherwise():
            causes.append(Cause("words"))
        gone = [str(message) for message, _issue in self.compared if message not in self.messages]
        if gone:
            causes.append(Cause("gone", ", ".join(gone), "–"))
        elif not is_spelled_otherwise and saw["texts"] != digest_of_texts(self.candidates_with({})):
            causes.append(Cause("other_texts"))
        if any(message.pk not in self.vectors for message in self._with_vector):
            causes.append(Cause("vector"))
        return causes

    def _is_spelled_otherwise(self) -> bool:
        """By the glossary, or by another normal form of the same text."""
        saw, report = self.filing.saw, report_of(self.message, None, self.own)
        if saw["glossary"] != self.archive.glossary:
            return True
        is_same_text = saw["text"] == digest(self.message.text)
        return is_same_text and bool(saw["words"] != digest(words_of(report.text)))


def _limits(values: Mapping[str, Any], names: Sequence[str]) -> str:
    return ", ".join(f"{LIMITS[name]} {values[name]}" for name in names)


def _pair(merge: float | None, suggest: float | None) -> str:
    return " / ".join("–" if number is None else f"{number:g}" for number in (merge, suggest))
