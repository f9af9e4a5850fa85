"""Calibration of the judge, on groups of made-up pairs."""

import json
from pathlib import Path

import numpy as np
import pytest

from apps.issues.dedup.calibration import calibrate
from apps.issues.dedup.corpus import cached_embed, read_rows
from apps.issues.dedup.levels import parse_calibration

KINDS = {"base": 0.0, "near": 0.2, "cross": 0.4, "para": 1.5, "hard_negative": 0.9}
ENGLISH = {"cross"}


def embed(texts):
    """A direction per group, turned by how far the kind is from its base."""
    made = []
    for text in texts:
        number, kind = text.split()[-2:]
        generator = np.random.default_rng(int(number))
        own, noise = generator.normal(size=384), np.random.default_rng(len(text)).normal(size=384)
        turned = own + KINDS[kind] * noise
        made.append(turned / np.linalg.norm(turned))
    return np.array(made, np.float32)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    path = tmp_path_factory.mktemp("corpus") / "pairs.jsonl"
    lines = []
    for number in range(30):
        for kind in KINDS:
            words = "the report breaks in place" if kind in ENGLISH else "звіт ламається у місці"
            line = {
                "group_id": f"g{number}",
                "kind": kind,
                "lang": "uk",
                "text": f"{words} {number} {kind}",
            }
            lines.append(json.dumps(line))
    path.write_text("\n".join(lines))
    return read_rows([path], embed)


@pytest.fixture(scope="module")
def made(rows):
    return calibrate(rows, embedding_model="m", today="2026-05-01")


def test_calibration_is_the_same_each_time(rows, made):
    assert calibrate(rows, embedding_model="m", today="2026-05-01") == made


def test_thresholds_keep_look_alikes_apart(made):
    assert made["figures"]["merged_near"] > 0.9
    assert made["figures"]["merged_lookalikes"] <= 0.1
    assert made["figures"]["wrong_group_merged"] == 0


def test_what_is_written_can_be_read(made):
    known = parse_calibration(json.loads(json.dumps(made)))

    assert known.embedding_model == "m"
    assert known.judged.suggest <= known.judged.merge


def test_vectors_are_embedded_once(tmp_path):
    asked = []

    def counted(texts):
        asked.append(list(texts))
        return embed(texts)

    again = cached_embed(counted, "m", Path(tmp_path / "deep" / "vectors.npz"))
    first = again(["звіт 1 base", "звіт 2 near"])
    second = again(["звіт 2 near", "звіт 1 base"])

    assert len(asked) == 1
    assert np.array_equal(first, second[::-1])
