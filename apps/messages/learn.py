"""Trains the local classifier on the shipped corpus and on what people corrected.

One process at a time makes a version, away from the queues; docs/learning.md tells when it answers.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from io import BytesIO
from os import environ
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.messages import versions
from apps.messages.classifiers.local import LinearModel
from apps.messages.context import embed_missing, sample_of
from apps.messages.corrections import Person
from apps.messages.memory import LEARNT, taught
from apps.messages.models import Correction, ModelVersion
from apps.messages.training.corpus import Example
from apps.messages.training.retraining import CORRECTIONS, corpus_examples
from apps.messages.training.split import SPLIT_VERSION, Split, leaks, split
from tasktracker.lib import embeddings
from tasktracker.lib.workflow import GiveUp, words_of

if TYPE_CHECKING:
    from apps.messages.training.comparison import Change, Comparison

LEASE = timedelta(minutes=2)  # of a version that is being trained; its process extends it
ATTEMPTS = 3
NIGHT = range(1, 6)  # hours
LOUDER = 3.0  # a correction against a message of the shipped corpus: it is this team's own
SHOWN_CHANGES = 60
LOCK = 7_305_001  # PostgreSQL's advisory lock: one training at a time

Tell = Callable[[str, int, int], None]  # stage, done, total
_started: list[subprocess.Popen[bytes]] = []


class NothingToLearn(ValueError):
    """Nobody has corrected anything; the sentence says so."""


# Wanting a training


def want(*, by: Person | None = None) -> ModelVersion:
    """A version to train, or the one that waits already; raises NothingToLearn."""
    if not taught().exists():
        raise NothingToLearn(_("Nobody has corrected a message yet: there is nothing to learn."))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK + 1])
        waiting = ModelVersion.objects.filter(status=ModelVersion.Status.WANTED).first()
        if waiting is not None:
            return waiting
        version = ModelVersion.objects.create(
            requested_by_id=by.pk if by else None,
            corrections=taught().count(),
            due_at=ModelVersion.due_now(ModelVersion.Status.WANTED),
        )
        ModelVersion.announce([version.pk], version.status, is_new=True)
        return version


def want_when_due() -> None:
    """At night, or at once when the machine was off at night: train when enough was corrected."""
    rows = new_corrections()
    if settings.LEARN_FROM < 1 or rows.values("message").distinct().count() < settings.LEARN_FROM:
        return
    is_night = timezone.localtime().hour in NIGHT
    is_late = rows.filter(created_at__lt=timezone.now() - timedelta(days=1)).exists()
    if (is_night or is_late) and taught().exists():
        want()


def new_corrections() -> QuerySet[Correction]:
    """Those since the last training was wanted."""
    rows = Correction.objects.filter(field__in=LEARNT, after__isnull=False)
    last = ModelVersion.objects.values_list("created_at", flat=True).first()
    return rows if last is None else rows.filter(created_at__gt=last)


# Running it


def start(version: ModelVersion) -> None:
    """In a process of its own: the queue has messages to read in the meantime."""
    if version.attempts > ATTEMPTS:
        raise GiveUp("the training ended without a word, again and again; is there enough memory?")
    _started[:] = [process for process in _started if process.poll() is None]
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "train_classifier"]
    _started.append(
        subprocess.Popen(  # noqa: S603 - our own command
            [*command, "--model-version", str(version.pk)],
            stdin=subprocess.DEVNULL,
            env={**environ, "OMP_NUM_THREADS": "1", "PROCESS": "training"},
        )
    )


def run(version_id: int, *, data: Path, cache: Path, tell: Tell) -> ModelVersion | None:
    """Make the version that waits; None when it does not, or another training runs."""
    with _only_one() as is_alone:
        waiting = ModelVersion.objects.filter(pk=version_id, status=ModelVersion.Status.WANTED)
        version = waiting.first() if is_alone else None
        if version is None:
            return None
        try:
            _make(version, data=data, cache=cache, tell=tell)
        except GiveUp as error:
            version.give_up(str(error))
        except Exception as error:
            version.try_later(words_of(error))
            raise
        return version


def corrected_examples() -> list[Example]:
    """What people corrected, oldest first, each with its conversation as of then."""
    messages = list(taught().select_related("reply_to", "project", "chat").order_by("pk"))
    vectors = embed_missing(messages)
    return [
        Example(
            sample=sample_of(message, vectors),
            category=message.category,
            priority=message.priority,
            group=f"{CORRECTIONS}/{message.pk}",
            is_conversation=True,
            weight=LOUDER,
        )
        for message in messages
    ]


def _make(version: ModelVersion, *, data: Path, cache: Path, tell: Tell) -> None:
    # Every process imports this module for its admin; only the one that trains needs scikit-learn.
    from apps.messages.training.artefacts import learn as fit
    from apps.messages.training.comparison import compare
    from apps.messages.training.fitting import corpus_hash

    embedding_model = embeddings.model_name()
    embedded = 0

    def advance(count: int) -> None:
        nonlocal embedded
        embedded += count
        tell("embedding", embedded, 0)

    corpus = corpus_examples(data, embedding_model, embeddings.embed, cache, advance)
    if not corpus:
        raise GiveUp(f"there are no labelled messages in {data}")
    parts = split(corpus, corrected_examples())
    if found := leaks(parts):
        raise RuntimeError(f"{len(found)} paraphrases are on both sides of the split")
    if not any(map(_is_correction, parts.learn)):
        raise GiveUp("every correction resembles a message that is kept for comparing")
    tell("fitting", 0, 3)
    after = fit(parts.learn, embedding_model)
    tell("fitting", 1, 3)
    rival = _rival(parts, corpus_hash(corpus), embedding_model)
    tell("comparing", 2, 3)
    kept_out = [example for example in parts.kept_out if message_id(example) not in rival.learnt]
    result = compare(rival.model, after, kept_out)
    _keep(version, after, result, _report(parts, corpus_hash(corpus), rival, result))


class _Rival:
    """What a new version must not be worse than, and which corrections it has learnt."""

    def __init__(self, model: LinearModel, name: str, learnt: Sequence[int] = ()) -> None:
        self.model = model
        self.name = name
        self.learnt = frozenset(learnt)


def _rival(parts: Split, corpus: str, embedding_model: str) -> _Rival:
    """The active version. The shipped weights saw everything: a twin that did not stands in for them."""
    from apps.messages.training.artefacts import learn as fit

    active = ModelVersion.objects.filter(status=ModelVersion.Status.ACTIVE).first()
    if active is not None:
        model = versions.model_of(active)
        is_comparable = (active.report.get("split"), active.report.get("corpus")) == (
            SPLIT_VERSION,
            corpus,
        )
        if model is not None and versions.fits(model) and is_comparable:
            return _Rival(model, active.version, active.report.get("learnt", []))
    shipped = [example for example in parts.learn if not _is_correction(example)]
    return _Rival(fit(shipped, embedding_model), "")


def _keep(
    version: ModelVersion, model: LinearModel, result: "Comparison", report: dict[str, Any]
) -> None:
    file = BytesIO()
    np.savez_compressed(file, allow_pickle=False, **model.arrays())
    fields = {
        "version": model.version,
        "embedding_model": model.embedding_model,
        "corrections": len(report["learnt"]),
        "figures": {"before": result.before, "after": result.after, "failed": result.failed},
        "report": report,
        "weights": file.getvalue(),
        "trained_at": timezone.now(),
    }
    with transaction.atomic():
        if result.is_no_worse:
            versions.retire_active()
            version.move_to(ModelVersion.Status.ACTIVE, **fields)
        else:
            version.move_to(ModelVersion.Status.CANDIDATE, **fields)
        versions.prune()


def _report(parts: Split, corpus: str, rival: _Rival, result: "Comparison") -> dict[str, Any]:
    worse_first = sorted(result.changes, key=lambda change: change.is_better)
    return {
        "split": SPLIT_VERSION,
        "corpus": corpus,
        "rival": rival.name,
        "learnt": [message_id(example) for example in parts.learn if _is_correction(example)],
        "learnt_from_corpus": sum(not _is_correction(example) for example in parts.learn),
        "dropped": len(parts.dropped),
        "better": sum(change.is_better for change in result.changes),
        "worse": sum(change.is_worse for change in result.changes),
        "changes": [_told(change) for change in worse_first[:SHOWN_CHANGES]],
    }


def _told(change: "Change") -> dict[str, Any]:
    """Of a correction only its id: who may not see the message must not read it here."""
    example = change.example
    what = (
        {"message": message_id(example)}
        if _is_correction(example)
        else {"text": example.sample.text[:300]}
    )
    told = {"right": example.category, "before": change.before, "after": change.after}
    return {**what, **told}


def message_id(example: Example) -> int | None:
    """Of a correction; None for a message of the corpus."""
    source, _slash, number = example.group.partition("/")
    return int(number) if source == CORRECTIONS else None


def _is_correction(example: Example) -> bool:
    return example.source == CORRECTIONS


@contextmanager
def _only_one() -> Iterator[bool]:
    """Whether no other training runs; the lock ends with the connection, however the process ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        (is_mine,) = cursor.fetchone()
    try:
        yield is_mine
    finally:
        if is_mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
