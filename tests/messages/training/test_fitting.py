"""Each head learns from the rows that are meant for it, and a version names the recipe."""

from dataclasses import replace

import numpy as np
import pytest

from apps.messages.classifiers import local
from apps.messages.classifiers.base import Sample
from apps.messages.classifiers.features import dense_features, term_counts, weigh_terms
from apps.messages.classifiers.local import with_category
from apps.messages.training.corpus import Example
from apps.messages.training.fitting import (
    Encoded,
    Views,
    fit_priority,
    inverse_frequencies,
    recipe_hash,
    rows_to_learn,
)
from tests.messages.training.conftest import PRIORITIES


def test_priority_of_what_stands_alone_is_not_learned_from_conversations():
    urgent = [Example(Sample(f"down {n}"), "bug", "critical", f"p/{n}", False) for n in range(9)]
    calm = [
        Example(Sample(f"calm {n}"), "info", priority, f"p/{n}", False)
        for n, priority in enumerate(("low", "medium", "high"))
    ]
    between = [
        Example(replace(item.sample, is_reply=True), "bug", "low", "c/1", True) for item in urgent
    ]
    encoded = Encoded.of(urgent + calm + between)
    guess = Views(*np.zeros((2, len(encoded.examples), 4), np.float32))
    everything = np.arange(len(encoded.examples))
    frequencies = inverse_frequencies(encoded.counts)

    head = fit_priority(encoded, everything, frequencies, "blind_alone", guess)

    dense = with_category(dense_features([Sample("down 3")]), np.zeros((1, 4), np.float32))
    terms = weigh_terms(term_counts(["down 3"]), frequencies)
    assert PRIORITIES[int(head.logits(dense, terms).argmax())] == "critical"


@pytest.mark.parametrize("limit", ["REPORT_SHARE", "STRANGE_TO", "TEAMS_FROM", "LEAST_BELIEF"])
def test_what_training_sees_through_other_limits_is_another_version(monkeypatch, limit):
    before = recipe_hash([], "m")
    monkeypatch.setattr(local, limit, 0.07)

    assert recipe_hash([], "m") != before


def test_other_vectors_make_another_version():
    assert recipe_hash([], "m") != recipe_hash([], "n")


def test_conversation_is_also_learned_with_undecided_neighbours(chat):
    rows = rows_to_learn(chat, np.arange(3), "seeing")

    shown = [row.sample for row in rows if row.example == 2]
    assert [sample.replied_to is None for sample in shown] == [False, False]
    assert shown[1].replied_to.category is None


def test_heads_for_what_stands_alone_hardly_listen_to_conversations(chat):
    single = Example(Sample("x"), "info", "low", "part_a/0", False)

    rows = rows_to_learn([*chat, single], np.arange(4), "seeing_alone")

    shown = [row for row in rows if row.example == 2]
    assert [row.sample.replied_to for row in shown] == [None]
    assert shown[0].weight < rows[-1].weight
