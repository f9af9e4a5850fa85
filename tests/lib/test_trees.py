"""Trees as plain arrays: the same answers as the library that grew them."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from tasktracker.lib.trees import Trees, trees_of


@pytest.fixture(scope="module")
def rows():
    generator = np.random.default_rng(5)
    made = generator.normal(size=(600, 6))
    made[generator.random(made.shape) < 0.2] = np.nan
    return made


@pytest.fixture(scope="module")
def model(rows):
    answers = np.nan_to_num(rows[:, 0]) + np.nan_to_num(rows[:, 1]) ** 2 > 0.6
    return HistGradientBoostingClassifier(max_iter=30, random_state=0).fit(rows, answers)


def test_arrays_answer_as_the_library_does(rows, model):
    assert np.allclose(trees_of(model).log_odds(rows), model.decision_function(rows), atol=1e-4)


def test_no_rows_have_no_answers(model):
    assert trees_of(model).log_odds(np.zeros((0, 6))).shape == (0,)


def test_contributions_add_up_to_the_answer(rows, model):
    trees = trees_of(model)
    start = trees.intercept + trees.value[trees.roots].sum()

    moved = trees.contributions(rows[:20])

    assert np.allclose(start + moved.sum(axis=1), trees.log_odds(rows[:20]), atol=1e-3)


def test_what_the_answer_does_not_depend_on_moves_nothing(rows, model):
    moved = np.abs(trees_of(model).contributions(rows[:50])).mean(axis=0)

    assert moved[:2].min() > 3 * moved[2:].max()


def test_each_of_many_classes_has_its_trees(rows):
    answers = np.digitize(np.nan_to_num(rows[:, 0]), [-0.7, 0, 0.7])
    model = HistGradientBoostingClassifier(max_iter=20, random_state=0).fit(rows, answers)

    answered = np.stack([trees_of(model, place).log_odds(rows) for place in range(4)], axis=1)

    assert np.allclose(answered, model.decision_function(rows), atol=1e-4)


def test_stored_trees_answer_as_before(rows, model):
    trees = trees_of(model)

    stored = Trees.from_arrays("some", trees.arrays("some"))

    assert np.array_equal(stored.log_odds(rows), trees.log_odds(rows))
