"""How near a message must be to a corrected one: the figures behind the limits of `memory`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from apps.messages.management.commands.train_classifier import (
    CACHE_FILE,
    TRAINING_DATA,
    cache_folder,
)
from apps.messages.memory import SHORT
from apps.messages.training.corpus import read_corpus
from apps.messages.training.nearness import measure, read_pairs
from apps.messages.training.vectors import cached_vectors
from tasktracker.lib import embeddings

HEADER = "cosine  said again  look-alike  unrelated  corpus pairs  one category  one priority"


class Command(BaseCommand):
    help = "Measure on the shipped corpora how near two texts must be to mean the same."
    requires_system_checks = []  # it only reads files

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--data", type=Path, default=TRAINING_DATA, help="Folder of labelled messages."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        said, examples = read_pairs(options["data"]), read_corpus(options["data"])
        model = embeddings.model_name()
        cache = cache_folder() / CACHE_FILE
        texts = [row.text for row in said] + [example.sample.text for example in examples]
        # In the training's own cache, which keeps what it does not know.
        vectors = cached_vectors(list(dict.fromkeys(texts)), model, embeddings.embed, cache)
        self.stdout.write(HEADER)
        for row in measure(said, examples, vectors, at_least_words=SHORT):
            self.stdout.write(
                f"{row.limit:6.2f}  {row.near:10.1%}  {row.look_alike:10.1%}  {row.unrelated:9.2%}"
                f"  {row.pairs:12d}  {row.same_category:12.3f}  {row.same_priority:12.3f}"
            )
