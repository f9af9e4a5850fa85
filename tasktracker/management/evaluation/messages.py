"""`evaluate messages`: category, priority, entities and speed on single labelled messages."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from apps.messages.classifiers.base import CATEGORIES, PRIORITIES, Sample, Verdict
from apps.messages.classifiers.llm import LLMClassifier
from apps.messages.classify import local_answer, quick_answer
from apps.messages.entities.extract import extract
from apps.messages.second_opinion import SURE
from tasktracker.lib import embeddings, llm
from tasktracker.lib.text import language_of
from tasktracker.management.evaluation import figures
from tasktracker.management.evaluation.calibration import calibration
from tasktracker.management.evaluation.reading import read_lines

REQUIRED = frozenset({"text", "category", "priority"})
KINDS = ("projects", "technologies", "versions", "people", "deadlines")


class Said(NamedTuple):
    """An answer, and what it cost."""

    verdict: Verdict
    is_quick: bool = False
    quick_ms: float | None = None  # CPU time of the fast lane, taken or not


Answer = Callable[[str], Said]


def evaluate_messages(
    path: Path, classifier: str, advance: Callable[[int, int], None]
) -> dict[str, Any]:
    """All figures; raises BadFile, or llm.Unavailable when an LLM is asked for and there is none."""
    rows = list(read_lines(path, REQUIRED))
    answer = ANSWERS[classifier]
    answer("розігрів / warm-up")  # loads the models, which is not part of a message's time
    answers: list[Said] = []
    milliseconds: list[float] = []
    cpu: list[float] = []
    counters = {kind: figures.SetCounter() for kind in KINDS}
    for number, row in enumerate(rows, start=1):
        started, cpu_started = time.perf_counter(), time.process_time()
        answers.append(answer(row["text"]))
        cpu.append((time.process_time() - cpu_started) * 1000)
        found = extract(row["text"])
        milliseconds.append((time.perf_counter() - started) * 1000)
        if "entities" in row:
            _compare(counters, row, found)
        advance(number, len(rows))
    said = [one.verdict for one in answers]
    return {
        "n": len(rows),
        "classifier": classifier,
        "category": {
            **_labels(rows, "category", [one.category for one in said], CATEGORIES),
            "calibration": calibration(
                [row["category"] for row in rows],
                [one.category for one in said],
                [one.confidence for one in said],
                [one.scores for one in said],
            ),
        },
        "priority": _labels(rows, "priority", [one.priority for one in said], PRIORITIES),
        "entities": _entity_figures(counters),
        "latency_ms": figures.percentiles(milliseconds),
        "cpu_ms": {
            "fast_lane": figures.percentiles([one.quick_ms for one in answers if one.quick_ms]),
            "full": figures.percentiles(
                [spent for spent, one in zip(cpu, answers, strict=True) if not one.is_quick]
            ),
        },
        "fast_lane": sum(one.is_quick for one in answers),
    }


def _labels(
    rows: Sequence[Mapping[str, Any]], field: str, said: Sequence[str], names: Sequence[str]
) -> dict[str, Any]:
    """Figures of all rows, macro-F1 of each language, and what was taken for what."""
    expected = [row[field] for row in rows]
    languages = [row.get("lang") or language_of(row["text"]) for row in rows]
    pairs = Counter(zip(expected, said, strict=True))
    found = figures.labels(expected, said, names)
    found["macro_f1_by_language"] = {
        language: figures.labels(
            [one for one, spoken in zip(expected, languages, strict=True) if spoken == language],
            [one for one, spoken in zip(said, languages, strict=True) if spoken == language],
            names,
        )["macro_f1"]
        for language in sorted(set(languages))
    }
    found["confusion"] = {right: {name: pairs[right, name] for name in names} for right in names}
    return found


def _local(text: str) -> Said:
    return answer_locally(Sample(text=text))


def answer_locally(sample: Sample) -> Said:
    """As the live path answers without a language model and without corrections."""
    started = time.process_time()
    quick = quick_answer(sample)
    quick_ms = (time.process_time() - started) * 1000
    if quick is not None:
        return Said(quick.verdict, is_quick=True, quick_ms=quick_ms)
    (vector,) = embeddings.embed([sample.text])
    return Said(local_answer(replace(sample, vector=vector)).verdict, quick_ms=quick_ms)


def _llm(text: str) -> Said:
    (verdict,) = LLMClassifier(partial(llm.ask, cloud=True)).classify([Sample(text=text)])
    return Said(verdict)


def _cascade(text: str) -> Said:
    said = _local(text)
    if said.verdict.confidence >= SURE or not llm.is_available(cloud=True):
        return said
    try:
        return _llm(text)
    except llm.Unavailable:
        return said  # as the live path does after its grace period


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
