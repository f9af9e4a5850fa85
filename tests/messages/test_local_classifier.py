"""The shipped weights answer whatever a chat brings."""

import json
from importlib import resources

import numpy as np
import pytest

from apps.messages.classifiers.base import CATEGORIES, PRIORITIES, Neighbour, Sample
from apps.messages.classifiers.cues import CUE_COUNT, CUES, cues
from apps.messages.classifiers.features import (
    BINS,
    CONTEXT_COUNT,
    DENSE,
    FEATURES_VERSION,
    dense_features,
    recent_values,
    term_counts,
    weigh_terms,
)
from apps.messages.classifiers.local import (
    LinearModel,
    LocalClassifier,
    WrongWeights,
    for_the_team,
    likeliest,
    shipped_model,
)


def vector(seed):
    made = np.random.default_rng(seed).normal(size=384).astype(np.float32)
    return made / np.linalg.norm(made)


def neighbour(text="checkout fails with 500", seed=None, **changes):
    given = {"category": None, "is_same_author": False, "seconds_before": 60.0} | changes
    return Neighbour(text=text, vector=None if seed is None else vector(seed), **given)


@pytest.fixture(scope="module")
def classifier():
    return LocalClassifier()


def one(classifier, sample):
    (verdict,) = classifier.classify([sample])
    return verdict


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Форма оплати падає з помилкою 500 після натискання кнопки", "bug"),
        ("Checkout is broken: every payment fails with error 500", "bug"),
        ("Було б зручно, якби можна було додати фільтр за датою", "feature"),
        ("It would be great to have a dark theme, please add it", "feature"),
        ("Хто знає, де лежить документація по API?", "question"),
        ("Does anyone know who owns the staging server?", "question"),
        ("Задеплоїв, усе готово, дякую всім", "info"),
        ("Thanks, merged and deployed", "info"),
    ],
)
def test_plain_message_is_understood_without_a_vector(classifier, text, category):
    assert one(classifier, Sample(text)).category == category


def test_answer_to_a_report_is_not_a_report(classifier):
    reported = neighbour(category="bug")
    text = "у проді теж, перевіряю"

    alone, answering = classifier.classify(
        [Sample(text), Sample(text, replied_to=reported, previous=reported, is_reply=True)]
    )

    assert answering.scores["bug"] < alone.scores["bug"]


@pytest.mark.parametrize("text", ["", "?", "\u200b", "a" * 50_000, "\ud800", "🔥", "0", "\n" * 100])
@pytest.mark.parametrize("seed", [None, 1])
def test_every_text_gets_probabilities(classifier, text, seed):
    verdict = one(classifier, Sample(text, vector=None if seed is None else vector(seed)))

    assert verdict.category in CATEGORIES
    assert verdict.priority in PRIORITIES
    assert sum(verdict.scores.values()) == pytest.approx(1, abs=1e-5)
    assert verdict.confidence == max(verdict.scores.values())


def test_batch_gives_what_one_at_a_time_gives(classifier):
    samples = [
        Sample("checkout is down", vector=vector(1)),
        Sample("ок"),
        Sample(
            "а можна темну тему?", vector=vector(2), replied_to=neighbour(seed=3), is_reply=True
        ),
    ]

    together = classifier.classify(samples)
    apart = [one(classifier, sample) for sample in samples]

    for left, right in zip(together, apart, strict=True):
        assert left.scores == pytest.approx(right.scores, abs=1e-5)
        assert left.priority == right.priority


def test_no_samples_give_no_answers(classifier):
    assert classifier.classify([]) == []


def test_vectors_of_another_embedding_model_are_ignored():
    stranger = LocalClassifier(embedding_model="another/model+raw")
    seen = Sample("checkout is down", vector=vector(1), previous=neighbour(seed=2))
    unseen = Sample("checkout is down", previous=neighbour())

    assert one(stranger, seen) == one(LocalClassifier(), unseen)


def test_vectors_of_the_trained_model_are_used():
    trained = shipped_model().embedding_model
    sample = Sample("checkout is down", vector=vector(1))

    assert one(LocalClassifier(embedding_model=trained), sample) == one(LocalClassifier(), sample)
    assert one(LocalClassifier(), sample) != one(LocalClassifier(), Sample("checkout is down"))


def test_weights_for_other_features_are_refused(tmp_path):
    stored = shipped_model().arrays() | {"features_version": np.array(FEATURES_VERSION + 1)}
    np.savez(tmp_path / "old.npz", allow_pickle=False, **stored)

    with (tmp_path / "old.npz").open("rb") as file, pytest.raises(WrongWeights):
        LinearModel.from_file(file)


def test_stored_weights_hold_no_pickle_and_match_their_figures():
    folder = resources.files("apps.messages.classifiers")
    figures = json.loads((folder / "local_model.json").read_text(encoding="utf-8"))
    with (
        (folder / "local_model.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as stored,
    ):
        assert all(stored[name].dtype != object for name in stored.files)

    assert figures["version"] == LocalClassifier().version
    assert figures["embedding_model"] == shipped_model().embedding_model


def test_features_have_the_declared_width():
    rows = dense_features([Sample("a"), Sample("b", vector(1), replied_to=neighbour(seed=1))])

    assert rows.shape == (2, DENSE)
    assert DENSE == 384 + CUE_COUNT + CONTEXT_COUNT
    assert term_counts(["a b c"]).shape == (1, BINS)


@pytest.mark.parametrize(
    ("text", "cue"),
    [
        ("чому не працює?", "question mark"),
        ("🔴 [FIRING] HighErrorRate", "alert firing"),
        ("Traceback (most recent call last):", "stack trace"),
        ("версія 4.18.2", "version"),
        ("всё, 502", "outage"),
        ("зняло двічі", "money"),
        ("бачу чужі замовлення", "exposure"),
        ("пофіксив, на проді", "done"),
        ("don’t work, isn’t loading", "failure"),
    ],
)
def test_cue_is_seen(text, cue):
    names = [name for name, _pattern in CUES]

    assert cues(text)[names.index(cue)] == 1


def test_text_without_terms_has_an_empty_row():
    weighted = weigh_terms(term_counts(["", "words here"]), shipped_model().inverse_frequencies)

    assert weighted[0].nnz == 0
    assert weighted[1].nnz > 0


def test_a_likely_report_counts_as_one_in_a_conversation_although_info_is_likelier():
    scores = {"bug": 0.25, "feature": 0.1, "question": 0.05, "info": 0.6}

    assert likeliest(scores, is_in_conversation=True) == "bug"
    assert likeliest(scores, is_in_conversation=False) == "info"
    hardly = {"bug": 0.03, "feature": 0.01, "question": 0.06, "info": 0.9}
    assert likeliest(hardly, is_in_conversation=True) == "info"


def test_plain_chatter_takes_the_fast_lane(classifier):
    recent = (neighbour("вмержив, чекаю білд", category="info"),) * 3

    verdict = classifier.skim(Sample("ага, дякую, подивлюсь після обіду", recent=recent))

    assert verdict.category == "info"
    assert verdict.raw["is_skimmed"]


@pytest.mark.parametrize(
    "text",
    [
        "Прод лежить, 502 на всіх сторінках",
        "Could we have a dark theme?",
        "клієнт каже, що з картки знято двічі",
    ],
)
def test_a_report_never_takes_the_fast_lane(classifier, text):
    assert classifier.skim(Sample(text)) is None


def test_a_report_nearby_is_seen():
    report = neighbour("checkout fails with 500", category="bug", seed=1)
    same = Sample("checkout fails again", vector=vector(1), recent=(neighbour(), report))
    other = Sample("lunch?", vector=vector(1), recent=(neighbour(), report))

    assert not np.array_equal(recent_values(same), recent_values(other))


def test_vectors_of_chatter_are_not_asked_for():
    """The fast lane makes none, so that training must not know them either."""
    with_vector = Sample("on it", vector=vector(1), recent=(neighbour(category="info", seed=2),))
    without = Sample("on it", vector=vector(1), recent=(neighbour(category="info"),))

    assert np.array_equal(dense_features([with_vector]), dense_features([without]))


def test_what_is_hardly_the_teams_is_no_report():
    shares = np.array([[0.8, 0.0, 0.05, 0.15]] * 2, np.float32)

    strange, own = for_the_team(shares, np.array([0.13, 0.4], np.float32))

    assert strange == pytest.approx([0.12, 0.0, 0.22, 0.66], abs=1e-6)
    assert own == pytest.approx(shares[1], abs=1e-6)
