"""Figures of the shipped local classifier on labelled messages that it was not trained on."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from apps.messages.classifiers.local import LinearModel, shipped_model
from apps.messages.training.artefacts import report_on
from apps.messages.training.corpus import (
    Example,
    conversation,
    read_export,
    read_singles,
    texts_of,
    with_vectors,
)
from tasktracker.lib import embeddings


class Command(BaseCommand):
    help = "Measure the local classifier on a .jsonl of messages, or on a folder with result.json and key.jsonl."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="A .jsonl file, or an export with its key.")
        parser.add_argument("--json", action="store_true", help="Print every figure as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        figures = measure(read(options["path"]), shipped_model())
        if options["json"]:
            self.stdout.write(json.dumps(figures, indent=1))
            return
        category, priority = figures["category"], figures["priority"]
        self.stdout.write(
            _(
                "%(messages)d messages: category macro-F1 %(category).3f, priority macro-F1 "
                "%(priority).3f, Brier %(brier).3f"
            )
            % {
                "messages": category["messages"],
                "category": category["macro_f1"],
                "priority": priority["macro_f1"],
                "brier": category["brier"],
            }
        )


def read(path: Path) -> list[Example]:
    """Labelled messages from either shape."""
    if path.is_dir():
        return conversation(read_export(path / "result.json", path / "key.jsonl"), path.name)
    if path.suffix != ".jsonl":
        raise CommandError(_("%(path)s is neither a folder nor a .jsonl file.") % {"path": path})
    return read_singles(path)


def measure(examples: list[Example], model: LinearModel) -> dict[str, Any]:
    texts = texts_of(examples)
    vectors = dict(zip(texts, embeddings.embed(texts), strict=True))
    return report_on(with_vectors(examples, vectors), model.predict)
