"""`evaluate messages`: category, priority, entities and speed on single labelled messages."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from apps.messages.classifiers.base import CATEGORIES, PRIORITIES, Sample, Verdict
from apps.messages.classifiers.llm import LLMClassifier
from apps.messages.classify import local_answer
from apps.messages.entities.extract import extract
from apps.messages.second_opinion import SURE
from tasktracker.lib import embeddings, llm
from tasktracker.management.evaluation import figures
from tasktracker.management.evaluation.reading import read_lines

REQUIRED = frozenset({"text", "category", "priority"})
KINDS = ("projects", "technologies", "versions", "people", "deadlines")

Answer = Callable[[str], Verdict]


def evaluate_messages(
    path: Path, classifier: str, advance: Callable[[int, int], None]
) -> dict[str, Any]:
    """All figures; raises BadFile, or llm.Unavailable when an LLM is asked for and there is none."""
    rows = list(read_lines(path, REQUIRED))
    answer = ANSWERS[classifier]
    answer("розігрів / warm-up")  # loads the models, which is not part of a message's time
    said: list[Verdict] = []
    milliseconds: list[float] = []
    counters = {kind: figures.SetCounter() for kind in KINDS}
    for number, row in enumerate(rows, start=1):
        started = time.perf_counter()
        verdict = answer(row["text"])
        found = extract(row["text"])
        milliseconds.append((time.perf_counter() - started) * 1000)
        said.append(verdict)
        if "entities" in row:
            _compare(counters, row, found)
        advance(number, len(rows))
    return {
        "n": len(rows),
        "classifier": classifier,
        "category": figures.labels(
            [row["category"] for row in rows], [one.category for one in said], CATEGORIES
        ),
        "priority": figures.labels(
            [row["priority"] for row in rows], [one.priority for one in said], PRIORITIES
        ),
        "entities": _entity_figures(counters),
        "latency_ms": figures.percentiles(milliseconds),
    }


def _local(text: str) -> Verdict:
    (vector,) = embeddings.embed([text])
    return local_answer(Sample(text=text, vector=vector)).verdict


def _llm(text: str) -> Verdict:
    (verdict,) = LLMClassifier(partial(llm.ask, cloud=True)).classify([Sample(text=text)])
    return verdict


def _cascade(text: str) -> Verdict:
    verdict = _local(text)
    if verdict.confidence >= SURE or not llm.is_available(cloud=True):
        return verdict
    try:
        return _llm(text)
    except llm.Unavailable:
        return verdict  # as the live path does after its grace period


ANSWERS: Mapping[str, Answer] = {"local": _local, "cascade": _cascade, "llm": _llm}


def _compare(
    counters: Mapping[str, figures.SetCounter], row: Mapping[str, Any], found: Mapping[str, Any]
) -> None:
    """Surface or normal form counts as right, whatever its case."""
    normal = {key.casefold(): value for key, value in row.get("entities_norm", {}).items()}
    for kind, counter in counters.items():
        expected = [_forms(value, normal) for value in row["entities"].get(kind, [])]
        ours = [
            {entity.surface.casefold(), str(entity.normal).casefold()}
            for entity in found.get(kind, [])
        ]
        counter.add(
            right=sum(any(one & other for other in expected) for one in ours),
            found=len(ours),
            expected=len(expected),
            recalled=sum(any(one & other for other in ours) for one in expected),
        )


def _forms(surface: str, normal: Mapping[str, str]) -> set[str]:
    forms = {surface.casefold()}
    if surface.casefold() in normal:
        forms.add(str(normal[surface.casefold()]).casefold())
    return forms


def _entity_figures(counters: Mapping[str, figures.SetCounter]) -> dict[str, Any]:
    total = figures.SetCounter()
    for counter in counters.values():
        total.add(
            right=counter.right,
            found=counter.found,
            expected=counter.expected,
            recalled=counter.recalled,
        )
    return {**total.figures(), **{kind: one.figures() for kind, one in counters.items()}}
