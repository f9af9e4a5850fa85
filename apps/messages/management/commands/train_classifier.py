"""Rebuild the local classifier's weights and figures from `data/training`."""

import json
import os
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from apps.messages import learn
from apps.messages.models import ModelVersion
from apps.messages.training.artefacts import Artefacts, fits, train
from apps.messages.training.corpus import Example, read_corpus, texts_of
from apps.messages.training.vectors import cached_vectors, language_means, write_means
from tasktracker.lib import embeddings
from tasktracker.lib.lease import kept

TRAINING_DATA = Path(settings.BASE_DIR) / "data" / "training"
CACHE_FILE = "training_vectors.npz"
NICENESS = 10
LONGEST = timedelta(
    hours=4
)  # of a training in the background, which learns twice: for its rival, too


class Command(BaseCommand):
    help = "Rebuild the local classifier from the shipped corpus."
    requires_system_checks = []  # no database, no broker: it only reads and writes files

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--data", type=Path, default=TRAINING_DATA, help="Folder of labelled messages."
        )
        parser.add_argument(
            "--output", type=Path, help="Write the files here instead of into the package."
        )
        parser.add_argument(
            "--means",
            action="store_true",
            help="Measure the language means anew and stop; vectors and thresholds change with them.",
        )
        parser.add_argument(
            "--model-version",
            type=int,
            metavar="ID",
            help="Train this version from the corpus and the corrections, into the database.",
        )
        parser.add_argument("--json", action="store_true", help="Print the figures as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["model_version"]:
            self._learn(options["model_version"], options["data"])
            return
        examples = read_corpus(options["data"])
        if not examples:
            raise CommandError(
                _("There are no labelled messages in %(path)s.") % {"path": options["data"]}
            )
        if options["means"]:
            self._measure_means(examples, options["output"])
            return
        made = self._train(examples)
        paths = artefact_paths(options["output"])
        made.write(**paths)
        if options["json"]:
            self.stdout.write(json.dumps(made.figures, indent=1))
            return
        for path in paths.values():
            self.stdout.write(_("Wrote %(path)s") % {"path": path})
        self.stdout.write(summary(made.figures))

    def _learn(self, version_id: int, data: Path) -> None:
        """In the background: other processes come first, and the row tells how far it is."""
        version = ModelVersion.objects.filter(pk=version_id).first()
        if version is None:
            raise CommandError(_("There is no model version %(id)s.") % {"id": version_id})
        os.nice(NICENESS)

        def tell(stage: str, done: int, total: int) -> None:
            told = {"stage": stage, "done": done, "total": total}
            ModelVersion.objects.filter(pk=version_id, trained_at=None).update(report=told)

        with kept(version, lease=learn.LEASE, limit=LONGEST):
            made = learn.run(version_id, data=data, cache=cache_folder() / CACHE_FILE, tell=tell)
        if made is None:
            raise CommandError(_("This version does not wait, or another training runs."))
        self.stdout.write(f"{made.version or made.pk}: {made.get_status_display()}")

    def _train(self, examples: list[Example]) -> Artefacts:
        texts = texts_of(examples)
        model = embeddings.model_name()
        with _progress() as progress:
            embedding = progress.add_task(_("Embedding"), total=len(texts))
            vectors = cached_vectors(
                texts,
                model,
                embeddings.embed,
                cache_folder() / CACHE_FILE,
                lambda count: progress.advance(embedding, count),
            )
            fitting = progress.add_task(_("Fitting"), total=fits(examples))
            return train(examples, vectors, model, lambda: progress.advance(fitting))

    def _measure_means(self, examples: list[Example], output: Path | None) -> None:
        backend = embeddings.backend().name
        texts = texts_of(examples)
        raw = dict(zip(texts, embeddings.embed_raw(texts), strict=True))
        path = (output or Path(str(embeddings.__file__)).parent) / embeddings.MEANS_FILE
        write_means(path, backend, language_means(raw))
        self.stdout.write(_("Wrote %(path)s") % {"path": path})


def artefact_paths(output: Path | None) -> dict[str, Path]:
    """Where the files go: one folder, or the place from which the product reads them."""
    from apps.messages import classifiers

    weights = output or Path(str(classifiers.__file__)).parent
    weights.mkdir(parents=True, exist_ok=True)
    return {"weights": weights / "local_model.npz", "figures": weights / "local_model.json"}


def cache_folder() -> Path:
    """Under DATA_DIR when there is one, so that a second run does not embed again."""
    folder = getattr(settings, "DATA_DIR", None)
    return Path(folder or tempfile.gettempdir()) / "cache"


def summary(figures: dict[str, Any]) -> str:
    """The held-out figures in a few lines."""
    lines = []
    for name, figure in figures["cross_validated"]["seeing"].items():
        lines.append(
            _("%(name)s: category macro-F1 %(category).3f, priority macro-F1 %(priority).3f")
            % {
                "name": name,
                "category": figure["category"]["macro_f1"],
                "priority": figure["priority"]["macro_f1"],
            }
        )
    return "\n".join(lines)


@contextmanager
def _progress() -> Iterator[Progress]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        yield progress
