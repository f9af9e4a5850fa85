"""Trees have the last word between other messages, and none where a message stands alone."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from apps.messages.classifiers.base import CATEGORIES, Sample
from apps.messages.classifiers.chat_trees import ChatTrees, seen_by_trees
from apps.messages.classifiers.conversation import Turn, change_neighbours, in_conversation
from apps.messages.classifiers.features import (
    CHAT_COLUMNS,
    DENSE,
    DIMENSIONS,
    as_if_alone,
    dense_features,
)
from apps.messages.classifiers.local import ALONE, SEEING, LinearModel, shipped_model
from apps.messages.training.corpus import without_context

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def sample():
    """A line with everything around it that a line can have."""
    before = [
        Turn(f"було {n}", "ann", NOW - timedelta(minutes=n), CATEGORIES[n % 4], n)
        for n in range(1, 9)
    ]
    vector = np.random.default_rng(0).normal(size=DIMENSIONS).astype(np.float32)
    line = Sample("не вантажиться!", vector=vector, is_reply=True, is_forward=True, sent_at=NOW)
    turn = Turn(line.text, "ben", NOW, number=9)
    return in_conversation(line, turn, replied_to=before[3], recent=before)


def test_features_as_if_alone_are_those_without_the_chat(sample):
    samples = [sample, replace(sample, is_forward=False)]

    alone = dense_features([without_context(one) for one in samples])

    assert np.array_equal(as_if_alone(dense_features(samples)), alone)


def test_trees_see_neither_vectors_nor_the_neighbours_words(sample):
    def shout(neighbour):
        return replace(neighbour, text="ТЕРМІНОВО!!! все впало, 500 https://x.example?")

    loud = change_neighbours(replace(sample, vector=-sample.vector), shout)
    dense = dense_features([sample, loud])

    differ = np.where(dense[0] != dense[1])[0]

    assert len(differ) > DIMENSIONS
    assert not set(differ.tolist()) & set(CHAT_COLUMNS)


def test_answers_of_the_heads_are_seen_as_shares():
    logits = np.array([[5.0, 1.0, 0.0, 0.0]], np.float32)

    seen, shifted = (
        seen_by_trees(logits + shift, logits, np.zeros((1, DENSE), np.float32))[:, :4]
        for shift in (0, 3)
    )

    assert np.allclose(np.exp(seen).sum(), 1)
    assert np.allclose(seen, shifted, atol=1e-6)


@pytest.mark.parametrize("has_vector", [True, False])
def test_shipped_trees_have_a_say_in_chats_only(sample, has_vector):
    shipped = shipped_model()
    silent = replace(
        shipped, heads={kind: replace(heads, chat=None) for kind, heads in shipped.heads.items()}
    )
    asked = sample if has_vector else replace(sample, vector=None)

    (with_trees, alone), (without, alone_without) = (
        model.predict([asked, without_context(asked)])[0] for model in (shipped, silent)
    )

    assert not np.array_equal(with_trees, without)
    assert np.array_equal(alone, alone_without)


def test_shipped_trees_survive_the_disk(sample):
    shipped = shipped_model()

    stored = LinearModel.from_arrays(shipped.arrays())

    assert np.array_equal(shipped.predict([sample])[0], stored.predict([sample])[0])


def test_artefact_without_trees_has_none():
    assert ChatTrees.from_arrays(SEEING + ALONE, {}) is None


def test_one_line_is_answered_as_among_many(sample):
    shipped = shipped_model()
    samples = [sample, replace(sample, vector=None), without_context(sample)]

    together = shipped.predict(samples)[0]

    for place, one in enumerate(samples):
        assert np.allclose(shipped.predict([one])[0][0], together[place], atol=1e-5)
