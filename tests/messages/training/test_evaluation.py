"""What is measured is measured on what was not learned."""

import numpy as np
import pytest

from apps.messages.classifiers.base import Sample
from apps.messages.training.corpus import Example
from apps.messages.training.evaluation import (
    fast_lane_figures,
    fit_temperature,
    folds_of,
    predict_in_order,
    reliability,
    sources_of,
)
from apps.messages.training.fitting import Encoded
from tests.messages.training.conftest import small_corpus


def test_fast_lane_opens_where_one_report_in_two_hundred_is_lost():
    examples = [Example(Sample("x"), "bug", "high", f"g/{n}", True) for n in range(400)]
    examples += [Example(Sample("y"), "info", "low", f"h/{n}", True) for n in range(100)]
    shares = np.zeros((500, 4), np.float32)
    shares[:, 3] = [*np.linspace(0, 0.9, 400), *[0.99] * 100]

    found = fast_lane_figures(Encoded.of(examples), shares, shares)

    assert found["issues_lost_in_chats"] == 2
    assert found["share_of_chats"] == pytest.approx(0.204)


def test_fast_lane_is_narrowed_by_chats_of_an_author_that_training_did_not_know():
    examples = [Example(Sample("x"), "bug", "high", f"g/{n}", True) for n in range(400)]
    known, strange = np.zeros((2, 400, 4), np.float32)
    known[:, 3], strange[:, 3] = 0.5, 0.95

    found = fast_lane_figures(Encoded.of(examples), known, strange)

    assert found["from"] > 0.95


def test_each_source_of_conversations_is_kept_out_once():
    examples = [
        Example(Sample("x"), "bug", "high", group, is_conversation)
        for group, is_conversation in (("b/1", True), ("part_a/1", False), ("a/1", True))
    ]

    assert sources_of(examples).tolist() == [1, -1, 0]


def test_no_group_is_on_both_sides_of_a_split():
    examples = small_corpus()
    folds = folds_of(examples)

    for group in {example.group for example in examples}:
        assert len({folds[n] for n, e in enumerate(examples) if e.group == group}) == 1
    assert set(folds) == {0, 1, 2, 3}


def test_temperature_cools_what_was_too_sure():
    logits = np.array([[9.0, 0, 0, 0]] * 10, np.float32)
    answers = np.array([0] * 7 + [1, 2, 3])

    assert fit_temperature(logits, answers) > 2


def test_reliability_compares_promise_and_outcome():
    shares = np.array([[0.92, 0.08, 0, 0], [0.92, 0.08, 0, 0], [0.4, 0.3, 0.2, 0.1]])

    table = reliability(np.array([0, 1, 0]), shares)

    assert [(row["from"], row["messages"], row["right"]) for row in table] == [
        (0.0, 1, 1.0),
        (0.9, 2, 0.5),
    ]


def test_later_message_sees_what_was_decided_about_the_earlier_one(chat):
    seen = []

    def predict(samples):
        seen.append(samples[0].previous and samples[0].previous.category)
        return np.array([[0, 1, 0, 0]]), np.array([[1, 0, 0, 0]])  # everything is a feature

    predict_in_order(chat, predict)

    assert seen == [None, "feature", None]
