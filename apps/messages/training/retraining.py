"""Training again with what people corrected: weights, and figures on examples that were kept out."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.messages.classifiers.local import LinearModel
from apps.messages.training.artefacts import learn, report_on
from apps.messages.training.corpus import Example, read_corpus, texts_of, with_vectors
from apps.messages.training.vectors import Advance, Embed, cached_vectors

KEPT_OUT_OF = 5  # one group in five
CORRECTIONS = "corrections"  # source of corrected messages: group "corrections/<anything stable>"


@dataclass(frozen=True)
class Retrained:
    """New weights from all examples, and what the same training without the kept-out ones answers."""

    model: LinearModel
    figures: dict[str, Any]


def corpus_examples(
    folder: Path,
    embedding_model: str,
    embed: Embed,
    cache: Path,
    advance: Advance = lambda count: None,
) -> list[Example]:
    """The shipped corpus with its vectors; the first call embeds it, which takes minutes."""
    examples = read_corpus(folder)
    vectors = cached_vectors(texts_of(examples), embedding_model, embed, cache, advance)
    return with_vectors(examples, vectors)


def retrain(
    examples: Sequence[Example], embedding_model: str, advance: Callable[[], None] = lambda: None
) -> Retrained:
    """Weights from examples whose samples carry their vectors: the corpus and the corrections."""
    figures = judge(examples, embedding_model)
    advance()
    model = learn(examples, embedding_model)
    advance()
    return Retrained(model, figures)


def judge(examples: Sequence[Example], embedding_model: str) -> dict[str, Any]:
    """Figures by source of the examples kept out, answered by weights from all the others.

    The same groups are kept out every time, so the figures of two trainings can be compared.
    """
    others = [example for example in examples if not is_kept_out(example.group)]
    model = learn(others, embedding_model)
    figures: dict[str, Any] = {}
    for name, is_corrected in (("corpus", False), ("corrections", True)):
        chosen = [
            example
            for example in examples
            if is_kept_out(example.group) and (example.source == CORRECTIONS) == is_corrected
        ]
        if chosen:
            figures[name] = report_on(chosen, model.predict)
    return figures


CORRECTIONS = (
    "corrections"  # the source of corrected messages: group "corrections/<anything stable>"
)


def is_kept_out(group: str) -> bool:
    """One group in five, the same ones in every training and on every machine."""
    return int(hashlib.sha256(group.encode()).hexdigest(), 16) % KEPT_OUT_OF == 0
