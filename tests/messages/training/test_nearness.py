"""How the limits of memory are measured."""

import json

import numpy as np
import pytest

from apps.messages.classifiers.base import Sample
from apps.messages.training.corpus import Example
from apps.messages.training.nearness import measure, read_pairs

VECTORS = {"a": [1, 0], "a again": [1, 0], "a or so": [0.6, 0.8], "b": [0, 1]}


@pytest.fixture
def pairs(tmp_path):
    rows = [
        ("p1", "base", "a"),
        ("p1", "near", "a again"),
        ("p1", "hard_negative", "a or so"),
        ("p2", "base", "b"),
    ]
    lines = [json.dumps({"group_id": g, "kind": k, "text": t, "lang": "en"}) for g, k, t in rows]
    (tmp_path / "dup_pairs.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return read_pairs(tmp_path)


def test_shares_are_of_pairs_that_are_near_enough(pairs):
    vectors = {text: np.array(vector, np.float32) for text, vector in VECTORS.items()}
    examples = [
        Example(Sample(text), category, "low", "part/1", is_conversation=False)
        for text, category in (("a", "bug"), ("a again", "info"), ("b", "bug"))
    ]

    table = {row.limit: row for row in measure(pairs, examples, vectors, at_least_words=1)}

    assert (table[0.5].near, table[0.5].look_alike, table[0.5].unrelated) == (1, 1, 0)
    assert table[0.7].look_alike == 0
    assert (table[0.7].pairs, table[0.7].same_category, table[0.7].same_priority) == (1, 0, 1)
