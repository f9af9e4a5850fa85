"""`manage.py calibrate_duplicates`: train the judge of duplicates and choose the thresholds."""

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils import timezone

from apps.issues.dedup.calibration import calibrate
from apps.issues.dedup.corpus import cached_embed, read_rows
from apps.issues.dedup.levels import THRESHOLDS_FILE
from tasktracker.lib import embeddings

CORPUS = ("dup_pairs.jsonl", "dup_pairs_extra.jsonl")
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
        result = calibrate(
            rows,
            embedding_model=embeddings.model_name(),
            today=timezone.localdate().isoformat(),
        )
        output.write_text(json.dumps(result, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        if options["json"]:
            self.stdout.write(json.dumps({"thresholds": result["thresholds"], **result["figures"]}))
            return
        for name, value in (result["thresholds"]["judged"] | result["figures"]).items():
            self.stdout.write(f"{name}: {value}")
        self.stdout.write(f"written: {output}")

    @staticmethod
    def _embed(texts: Any) -> Any:
        import numpy as np

        batches = [embeddings.embed(texts[at : at + BATCH]) for at in range(0, len(texts), BATCH)]
        return np.concatenate(batches)
