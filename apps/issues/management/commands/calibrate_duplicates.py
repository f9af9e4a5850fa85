"""`manage.py calibrate_duplicates`: train the judge of duplicates and choose the thresholds."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.issues.dedup.artefact import MODEL_FILE, write_model
from apps.issues.dedup.calibration import calibrate
from apps.issues.dedup.corpus import cached_embed, read_rows, read_talks
from apps.issues.dedup.levels import THRESHOLDS_FILE
from tasktracker.lib import embeddings
from tasktracker.lib.progress import progress_bar

CORPUS = ("dup_pairs.jsonl", "dup_pairs_extra.jsonl", "dup_pairs_near.jsonl")
SHIPPED = Path(__file__).resolve().parents[2] / "dedup" / THRESHOLDS_FILE
BATCH = 32


class Command(BaseCommand):
    help = "Train the judge of duplicates on data/training and write its thresholds and figures."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="print the figures as one JSON object"
        )
        parser.add_argument("--output", type=Path, default=SHIPPED, help="file to write")

    def handle(self, *, output: Path, **options: Any) -> None:
        folder = settings.BASE_DIR / "data" / "training"
        cache = settings.DATA_DIR / "cache" / "duplicate_vectors.npz"
        embed = cached_embed(self._embed, embeddings.model_name(), cache)
        rows = read_rows([folder / name for name in CORPUS], embed)
        with progress_bar(_("Calibrating"), is_quiet=options["json"]) as advance:
            made = calibrate(
                rows,
                read_talks(folder, embed),
                embedding_model=embeddings.model_name(),
                today=timezone.localdate().isoformat(),
                advance=advance,
            )
        write_model(output.with_name(MODEL_FILE), made.model, made.version)
        text = json.dumps(made.data, ensure_ascii=False, indent=2)
        output.write_text(text + "\n", encoding="utf-8")
        told = {**made.data["thresholds"]["judged"], **made.data["figures"]}
        if options["json"]:
            self.stdout.write(json.dumps(told))
            return
        for name, value in told.items():
            self.stdout.write(f"{name}: {value}")
        self.stdout.write(f"written: {output}, {output.with_name(MODEL_FILE)}")

    @staticmethod
    def _embed(texts: Any) -> Any:
        import numpy as np

        batches = [embeddings.embed(texts[at : at + BATCH]) for at in range(0, len(texts), BATCH)]
        return np.concatenate(batches)
