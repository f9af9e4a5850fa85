"""Two sets of weights on the same messages, which neither was trained on: who may answer from now on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.messages.classifiers.base import CATEGORIES, PRIORITIES, Verdict
from apps.messages.classifiers.local import LinearModel, LocalClassifier
from apps.messages.training.corpus import Example
from apps.messages.training.retraining import CORRECTIONS

#: How much worse the new weights may be: one or two messages of the corpus, none of the corrections.
TOLERANCE = {"macro_f1": 0.01, "issue_recall": 0.01, "corrected": 0.0}
REPORTS = ("bug", "feature")


@dataclass(frozen=True)
class Change:
    """One kept-out message that the two answer differently."""

    example: Example
    before: str
    after: str

    @property
    def is_better(self) -> bool:
        return self.after == self.example.category

    @property
    def is_worse(self) -> bool:
        return self.before == self.example.category


@dataclass(frozen=True)
class Comparison:
    """Figures of both, the limits that the new one broke, and what changed."""

    before: dict[str, Any]
    after: dict[str, Any]
    failed: list[str]
    changes: list[Change]

    @property
    def is_no_worse(self) -> bool:
        return not self.failed


def compare(before: LinearModel, after: LinearModel, kept_out: Sequence[Example]) -> Comparison:
    """Both answer as they would live; the corpus and the corrections are judged apart."""
    answers = [_answers(model, kept_out) for model in (before, after)]
    old, new = (_figures(kept_out, verdicts) for verdicts in answers)
    failed = [] if "macro_f1" in old else ["nothing_to_compare"]
    failed += [
        name
        for name, tolerance in TOLERANCE.items()
        if name in old and new[name] < old[name] - tolerance
    ]
    changes = [
        Change(example, one.category, other.category)
        for example, one, other in zip(kept_out, *answers, strict=True)
        if one.category != other.category
    ]
    return Comparison(old, new, failed, changes)


def is_correction(example: Example) -> bool:
    return example.source == CORRECTIONS


def _answers(model: LinearModel, examples: Sequence[Example]) -> list[Verdict]:
    verdicts = LocalClassifier(model).classify([example.sample for example in examples])
    return [verdict for verdict in verdicts if verdict is not None]


def _figures(examples: Sequence[Example], verdicts: Sequence[Verdict]) -> dict[str, Any]:
    from sklearn.metrics import f1_score  # seconds to import, and a page only wants TOLERANCE

    pairs = list(zip(examples, verdicts, strict=True))
    corpus = [pair for pair in pairs if not is_correction(pair[0])]
    corrected = [pair for pair in pairs if is_correction(pair[0])]
    figures: dict[str, Any] = {}
    if corpus:
        truth, said = [e.category for e, _v in corpus], [v.category for _e, v in corpus]
        figures |= {
            "messages": len(corpus),
            "macro_f1": _short(f1_score(truth, said, average="macro", zero_division=0)),
            "issue_recall": _issue_recall(truth, said),
            "categories": _per_class(truth, said, CATEGORIES),
            "priorities": _per_class(
                [e.priority for e, _v in corpus], [v.priority for _e, v in corpus], PRIORITIES
            ),
        }
    if corrected:
        right = [verdict.category == example.category for example, verdict in corrected]
        figures |= {
            "corrections": len(corrected),
            "corrected": _short(sum(right) / len(right)),
        }
    return figures


def _issue_recall(truth: Sequence[str], said: Sequence[str]) -> float:
    from sklearn.metrics import recall_score

    is_report = [category in REPORTS for category in truth]
    is_found = [category in REPORTS for category in said]
    return _short(recall_score(is_report, is_found, zero_division=0))


def _per_class(
    truth: Sequence[str], said: Sequence[str], names: Sequence[str]
) -> dict[str, dict[str, float]]:
    from sklearn.metrics import precision_recall_fscore_support

    columns = precision_recall_fscore_support(truth, said, labels=names, zero_division=0)
    return {
        name: {
            "precision": _short(p),
            "recall": _short(r),
            "f1": _short(f1),
            "messages": int(count),
        }
        for name, p, r, f1, count in zip(names, *columns, strict=True)
    }


def _short(value: Any) -> float:
    return round(float(value), 4)
