"""Which weights of the local classifier answer: those of the active version, else the shipped ones."""

import logging
from functools import lru_cache
from io import BytesIO

from django.db import transaction
from django.utils.translation import gettext as _

from apps.messages.answers import Answer
from apps.messages.classifiers.base import Sample
from apps.messages.classifiers.local import (
    LinearModel,
    LocalClassifier,
    WrongWeights,
    shipped_model,
)
from apps.messages.models import ModelVersion
from tasktracker.lib import embeddings

logger = logging.getLogger(__name__)

KEPT = 10  # versions whose weights stay, 2 MB each


class CannotActivate(ValueError):
    """These weights cannot answer; the sentence says why."""


class _Current:
    """The version that this process answers with."""

    version_id: int | None = None


def local_answer(sample: Sample) -> Answer:
    """The local model always answers."""
    local = local_classifier()
    (verdict,) = local.classify([sample])
    assert verdict is not None
    return Answer(local.name, local.version, verdict)


def quick_answer(sample: Sample) -> Answer | None:
    """The local model's fast lane: chatter that needs no vector."""
    local = local_classifier()
    verdict = local.skim(sample)
    return None if verdict is None else Answer(local.name, local.version, verdict)


def pick_up() -> None:
    """Answer with the version that is active now; a chunk of messages asks once."""
    active = ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE)
    _Current.version_id = active.values_list("pk", flat=True).first()


def activate(version: ModelVersion) -> None:
    """Let this version answer; raises CannotActivate, WrongTransition or LostRace."""
    model = model_of(version)
    if model is None:
        raise CannotActivate(_("The weights of this version are gone, or too old to be read."))
    if not fits(model):
        raise CannotActivate(_("This version was trained for another embedding model."))
    with transaction.atomic():
        retire_active()
        version.move_to(ModelVersion.Status.ACTIVE)


def retire_active() -> None:
    """Let the shipped weights answer."""
    for active in ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE):
        active.move_to(ModelVersion.Status.RETIRED)


def prune() -> None:
    """Forget the weights of old versions; what they were worth stays."""
    trained = ModelVersion.objects.filter(weights__isnull=False)
    kept = trained.order_by("-pk").values_list("pk", flat=True)[:KEPT]
    old = trained.exclude(pk__in=list(kept)).exclude(status=ModelVersion.Status.ACTIVE)
    old.update(weights=None)


def local_classifier() -> LocalClassifier:
    return _classifier(_Current.version_id)


def model_of(version: ModelVersion) -> LinearModel | None:
    """Its weights; None when they were made for other features, or deleted."""
    if version.weights is None:
        return None
    try:
        return LinearModel.from_file(BytesIO(version.weights))
    except (WrongWeights, KeyError):  # of an earlier release
        return None


def fits(model: LinearModel) -> bool:
    """Whether it understands the vectors of the present embedding model."""
    return model.embedding_model == embeddings.model_name()


@lru_cache(maxsize=2)
def _classifier(version_id: int | None) -> LocalClassifier:
    """Loaded once per process and version, on first use."""
    model = shipped_model()
    version = ModelVersion.objects.filter(pk=version_id).first() if version_id else None
    if version is not None:
        trained = model_of(version)
        if trained is not None and (fits(trained) or not fits(model)):
            model = trained
        else:
            logger.warning("model version %s does not fit, the shipped weights answer", version)
    return LocalClassifier(model, embedding_model=embeddings.model_name())
