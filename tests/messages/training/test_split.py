"""What is kept out of training: always the same texts, and no paraphrase of them inside."""

import json
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from apps.messages.classifiers.base import Sample
from apps.messages.training.corpus import Example
from apps.messages.training.split import Split, leaks, split
from tasktracker.lib import embeddings

PAIRS = Path(settings.BASE_DIR) / "data" / "training" / "dup_pairs.jsonl"


def example(text, vector, group="part_a/1"):
    vector = np.asarray(vector, np.float32)
    sample = Sample(text, vector=vector / max(float(np.linalg.norm(vector)), 1e-9))
    return Example(sample, "bug", "low", group, is_conversation=False)


def corrected(number, text, vector):
    return example(text, vector, f"corrections/{number}")


def circle(degrees):
    return [np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]


def texts(examples):
    return [item.sample.text for item in examples]


@pytest.fixture(scope="module")
def reports():
    """Real reports of thirty problems, each said twice."""
    rows = [json.loads(line) for line in PAIRS.read_text(encoding="utf-8").splitlines()]
    rows = [row for row in rows if row["kind"] in ("base", "near")][:60]
    vectors = embeddings.embed([row["text"] for row in rows])
    return [
        (row["kind"], example(row["text"], vector))
        for row, vector in zip(rows, vectors, strict=True)
    ]


def test_no_paraphrase_of_a_kept_out_report_is_trained_on(reports, monkeypatch):
    monkeypatch.setattr("apps.messages.training.split.KEPT_OUT_OF", 3)
    shipped = [item for kind, item in reports if kind == "base"]
    said_again = [item for kind, item in reports if kind == "near"]

    parts = split(shipped, said_again)

    assert len(parts.kept_out) > 10
    assert leaks(parts) == []


def test_the_check_sees_a_leak(reports):
    parts = split([item for _kind, item in reports], [])
    parts.kept_out.append(parts.learn[0])

    assert leaks(parts)


def test_where_nothing_is_learnt_nothing_leaks(reports):
    kept_out = [item for _kind, item in reports]

    assert leaks(Split(learn=[], kept_out=kept_out, dropped=[])) == []


directions = st.lists(st.integers(0, 359), min_size=1, max_size=30)


@given(directions, directions)
@hypothesis_settings(max_examples=60, deadline=None)
def test_nothing_near_is_ever_on_both_sides(corpus, corrections):
    parts = split(
        [example(f"слово {number}", circle(angle)) for number, angle in enumerate(corpus)],
        [
            corrected(number, f"виправлення {number}", circle(angle))
            for number, angle in enumerate(corrections)
        ],
    )

    assert leaks(parts) == []
    total = len(parts.learn) + len(parts.kept_out) + len(parts.dropped)
    assert total == len(corpus) + len(corrections)


@given(directions, directions, directions)
@hypothesis_settings(max_examples=40, deadline=None)
def test_a_later_correction_moves_no_earlier_one(corpus, earlier, later):
    shipped = [example(f"слово {number}", circle(angle)) for number, angle in enumerate(corpus)]
    corrections = [
        corrected(number, f"виправлення {number}", circle(angle))
        for number, angle in enumerate(earlier + later)
    ]

    before, after = split(shipped, corrections[: len(earlier)]), split(shipped, corrections)

    assert set(texts(before.kept_out)) <= set(texts(after.kept_out))
    assert set(texts(before.learn)) <= set(texts(after.learn))


def test_the_same_words_lie_together_whatever_their_vectors():
    parts = split([example("Прод лежить!", circle(0))], [corrected(1, "прод лежить", circle(90))])

    assert {len(parts.learn), len(parts.kept_out)} == {0, 2}


def test_a_group_lies_where_its_words_say_on_every_machine():
    items = [example(f"повідомлення номер {number}", np.eye(40)[number]) for number in range(40)]

    assert texts(split(items, []).kept_out) == texts(split(items[::-1], []).kept_out)[::-1]
