"""Training gives the same weights each time, and what is shipped is of the shipped corpus."""

import json
from dataclasses import replace

import numpy as np

from apps.messages.classifiers.base import Sample
from apps.messages.classifiers.features import FEATURES_VERSION
from apps.messages.classifiers.local import (
    BLIND,
    SEEING,
    LinearModel,
    LocalClassifier,
    shipped_model,
)
from apps.messages.training import fitting
from apps.messages.training.artefacts import report_on, train
from apps.messages.training.corpus import read_corpus
from apps.messages.training.fitting import corpus_hash, recipe_hash
from tests.messages.training.conftest import small_corpus, vectors_of


def test_shipped_figures_are_of_the_shipped_corpus(settings):
    path = settings.BASE_DIR / "apps" / "messages" / "classifiers" / "local_model.json"
    figures = json.loads(path.read_text(encoding="utf-8"))

    examples = read_corpus(settings.BASE_DIR / "data" / "training")

    assert figures["corpus"]["sha256"] == corpus_hash(examples)
    assert figures["version"] == shipped_model().version


def test_shipped_weights_are_of_the_present_recipe(settings):
    examples = read_corpus(settings.BASE_DIR / "data" / "training")

    shipped = shipped_model()
    recipe = recipe_hash(examples, shipped.embedding_model)

    assert shipped.version == f"{FEATURES_VERSION}-{recipe[:8]}"


def test_two_trainings_give_equal_weights_that_survive_the_disk(tmp_path):
    examples = small_corpus()

    first, second = (train(examples, vectors_of(examples), "made-up/model") for _ in range(2))

    assert first.figures == second.figures
    left, right = first.model.arrays(), second.model.arrays()
    assert left.keys() == right.keys()
    assert all(np.array_equal(left[name], right[name]) for name in left)

    first.write(weights=tmp_path / "w.npz", figures=tmp_path / "f.json")
    with (tmp_path / "w.npz").open("rb") as file:
        stored = LocalClassifier(LinearModel.from_file(file))
    (verdict,) = stored.classify([Sample("падає помилка")])
    assert verdict.category == "bug"
    assert stored.version == first.figures["version"]


def test_trees_are_of_chats_with_and_without_vectors_and_survive_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(fitting, "LEAST_FOR_TREES", 100)
    examples = [
        replace(example, sample=replace(example.sample, is_reply=True))
        for example in small_corpus()
    ]

    made = train(examples, vectors_of(examples), "made-up/model")

    with_trees = {kind for kind, heads in made.model.heads.items() if heads.chat is not None}
    assert with_trees == {SEEING, BLIND}
    made.write(weights=tmp_path / "w.npz", figures=tmp_path / "f.json")
    with (tmp_path / "w.npz").open("rb") as file:
        stored = LinearModel.from_file(file)
    asked = [example.sample for example in examples]
    assert np.array_equal(stored.predict(asked)[0], made.model.predict(asked)[0])


def test_report_counts_what_was_found(chat):
    def predict(samples):
        return np.array([[0.1, 0.1, 0.1, 0.7]]), np.array([[0.7, 0.1, 0.1, 0.1]])

    figures = report_on(chat, predict)

    assert figures["category"]["issues"]["0.5"]["recall"] == 0
    assert figures["category"]["per_class"]["info"]["recall"] == 1
    assert figures["priority"]["per_class"]["critical"]["recall"] == 0
