"""Trees learn from held-out answers, and are judged by what they did not learn."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from apps.messages.classifiers.base import CATEGORIES, Sample
from apps.messages.classifiers.chat_trees import seen_by_trees
from apps.messages.classifiers.conversation import Turn, in_conversation
from apps.messages.classifiers.features import dense_features
from apps.messages.classifiers.local import SEEING
from apps.messages.training.corpus import Example, Line, conversation
from apps.messages.training.fitting import Encoded, Views
from apps.messages.training.retraining import CORRECTIONS
from apps.messages.training.stacking import Stack

CHATS, LINES = 6, 600  # without one fold of three, what is left is still enough to learn from
START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(scope="module")
def encoded():
    """Chats in which a bug is whatever comes two hours after the line before it, a wish after half an hour."""
    examples = []
    for chat in range(CHATS):
        rng = np.random.default_rng(chat)
        sent_at, lines = START, []
        for number in range(1, LINES + 1):
            place = int(rng.integers(4))
            gap = (7200, 1800, 500, 20)[place]
            sent_at += timedelta(seconds=gap)
            turn = Turn(
                f"рядок {chat} {number}", f"{number % 3}", sent_at, CATEGORIES[place], number
            )
            lines.append(Line(number, turn, "low"))
        examples += conversation(lines, f"chats/{chat}")
    return Encoded.of(examples)


@pytest.fixture(scope="module")
def views(encoded):
    """Linear heads that know nothing."""
    shape = (len(encoded.examples), len(CATEGORIES))
    return Views(np.zeros(shape, np.float32), np.zeros(shape, np.float32))


@pytest.fixture(scope="module")
def folds(encoded):
    return np.array([int(example.group[-1]) % 3 for example in encoded.examples])


def right(encoded, logits):
    return (logits.argmax(axis=1) == encoded.categories).mean()


def test_trees_find_what_the_heads_did_not(encoded, views, folds):
    held_out = Stack.of(encoded, views, SEEING, folds).held_out()

    assert right(encoded, held_out.in_context) > 0.95


def test_what_stands_alone_is_left_to_its_head(encoded, views, folds):
    first = [number for number, e in enumerate(encoded.examples) if not e.sample.recent]

    held_out = Stack.of(encoded, views, SEEING, folds).held_out()

    assert len(first) == CHATS
    assert not held_out.in_context[first].any()
    assert not held_out.alone.any()


def test_messages_in_no_fold_stay_as_they_were(encoded, views, folds):
    rng = np.random.default_rng(0)
    some = Views(*rng.normal(size=(2, len(encoded.examples), 4)).astype(np.float32))

    held_out = Stack.of(encoded, some, SEEING, np.where(folds == 1, -1, folds)).held_out()

    assert not np.array_equal(held_out.in_context[folds == 0], some.in_context[folds == 0])
    assert np.array_equal(held_out.in_context[folds == 1], some.in_context[folds == 1])


def test_messages_in_no_fold_teach_nothing(encoded, views, folds):
    there = folds == 1
    turned = np.where(there, (encoded.categories + 1) % 4, encoded.categories)

    before, after = (
        Stack.of(data, views, SEEING, np.where(there, -1, folds)).held_out().in_context[~there]
        for data in (encoded, replace(encoded, categories=turned))
    )

    assert before.any()
    assert np.array_equal(before, after)


def test_trees_of_a_fold_do_not_learn_its_own_labels(encoded, views, folds):
    there = folds == 1
    turned = np.where(there, (encoded.categories + 1) % 4, encoded.categories)

    before, after = (
        Stack.of(data, views, SEEING, folds).held_out().in_context[there]
        for data in (encoded, replace(encoded, categories=turned))
    )

    assert before.any()
    assert np.array_equal(before, after)


def test_trees_answer_every_fold_or_none(encoded, views):
    """One chat is too little to learn from, so that it is not answered by the other five either."""
    is_first = np.array([example.group == "chats/0" for example in encoded.examples])

    stack = Stack.of(encoded, views, SEEING, np.where(is_first, 0, 1))

    assert not stack.held_out().in_context.any()
    assert stack.fit() is None


def test_neighbours_of_a_correction_stay_what_they_were_decided_to_be(encoded, views, folds):
    before = [Turn(f"у живому чаті {n}", "ann", START, CATEGORIES[n], n) for n in range(4)]
    turn = Turn("не працює", "ben", START + timedelta(minutes=1), "bug", 9)
    sample = in_conversation(Sample(turn.text), turn, replied_to=None, recent=before)
    correction = Example(sample, "bug", "high", f"{CORRECTIONS}/9", True)
    data = Encoded.of([*encoded.examples, correction])
    more = Views(*(np.vstack([each, each[:1]]) for each in (views.in_context, views.alone)))

    seen = Stack.of(data, more, SEEING, np.append(folds, 0)).inputs[-1]

    alone = np.zeros((1, 4), np.float32)
    assert np.array_equal(seen, seen_by_trees(alone, alone, dense_features([sample]))[0])


def test_there_are_no_trees_where_a_category_is_missing(encoded, views, folds):
    no_wish = replace(encoded, categories=np.where(encoded.categories == 1, 0, encoded.categories))

    assert Stack.of(encoded, views, SEEING, folds).fit() is not None
    assert Stack.of(no_wish, views, SEEING, folds).fit() is None
