"""Which weights of the local classifier answer."""

from functools import lru_cache

from apps.messages.answers import Answer
from apps.messages.classifiers.base import Sample
from apps.messages.classifiers.local import LocalClassifier
from tasktracker.lib import embeddings


def local_answer(sample: Sample) -> Answer:
    """The local model always answers."""
    local = local_classifier()
    (verdict,) = local.classify([sample])
    assert verdict is not None
    return Answer(local.name, local.version, verdict)


@lru_cache(maxsize=1)
def local_classifier() -> LocalClassifier:
    """Loaded once per process, on first use."""
    return LocalClassifier(embedding_model=embeddings.model_name())
