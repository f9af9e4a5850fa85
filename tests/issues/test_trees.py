"""Trees as plain arrays: the same answers as the library that grew them."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier

from apps.issues.dedup.pair_training import as_arrays


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
    assert np.allclose(as_arrays(model).log_odds(rows), model.decision_function(rows), atol=1e-4)


def test_no_rows_have_no_answers(model):
    assert as_arrays(model).log_odds(np.zeros((0, 6))).shape == (0,)


def test_contributions_add_up_to_the_answer(rows, model):
    trees = as_arrays(model)
    start = trees.intercept + trees.value[trees.roots].sum()

    moved = trees.contributions(rows[:20])

    assert np.allclose(start + moved.sum(axis=1), trees.log_odds(rows[:20]), atol=1e-3)


def test_what_the_answer_does_not_depend_on_moves_nothing(rows, model):
    moved = np.abs(as_arrays(model).contributions(rows[:50])).mean(axis=0)

    assert moved[:2].min() > 3 * moved[2:].max()
