"""The shipped corpus as training again needs it: with vectors that are kept between two trainings."""

from pathlib import Path

from apps.messages.training.corpus import Example, read_corpus, texts_of, with_vectors
from apps.messages.training.vectors import Advance, Embed, cached_vectors

CORRECTIONS = "corrections"  # source of corrected messages: group "corrections/<id>"


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
