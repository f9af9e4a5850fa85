"""Training reads conversations with their context and gives the same weights each time."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from apps.messages.classifiers import local
from apps.messages.classifiers.base import Sample
from apps.messages.classifiers.features import (
    FEATURES_VERSION,
    dense_features,
    term_counts,
    weigh_terms,
)
from apps.messages.classifiers.local import (
    LinearModel,
    LocalClassifier,
    for_the_team,
    shipped_model,
    with_category,
)
from apps.messages.training.artefacts import report_on, train
from apps.messages.training.corpus import (
    Example,
    conversation,
    read_corpus,
    read_export,
    read_lines,
    read_singles,
    read_strangers,
    texts_of,
)
from apps.messages.training.evaluation import (
    fast_lane_figures,
    fit_temperature,
    folds_of,
    predict_in_order,
    reliability,
    sources_of,
)
from apps.messages.training.fitting import (
    Encoded,
    Views,
    corpus_hash,
    fit_priority,
    inverse_frequencies,
    recipe_hash,
    rows_to_learn,
)
from apps.messages.training.vectors import cached_vectors, language_means
from tasktracker.lib.embeddings import centre
from tasktracker.lib.text import language_of

WORDS = {
    "bug": ("падає помилка", "crashes with an error"),
    "feature": ("додайте фільтр", "please add a filter"),
    "question": ("хто знає де", "who knows where"),
    "info": ("готово, задеплоїв", "done and deployed"),
}
PRIORITIES = ("low", "medium", "high", "critical")


def message(number, text, at, **more):
    return {
        "id": number,
        "type": "message",
        "date_unixtime": str(at),
        "from_id": "user1",
        "text": text,
        **more,
    }


@pytest.fixture
def chat(tmp_path):
    """A small export with its key."""
    messages = [
        message(1, "checkout is down", 1000),
        message(
            2, ["глянь ", {"type": "link", "text": "https://a.example"}], 1060, from_id="user2"
        ),
        {"id": 3, "type": "service", "date_unixtime": "1070", "text": ""},
        message(4, "", 1080),
        message(5, "on it", 5000, reply_to_message_id=1, forwarded_from="Ann"),
        message(6, "nobody labelled this", 5010),
    ]
    labels = [(1, "bug", "critical"), (2, "info", "low"), (4, "info", "low"), (5, "info", "low")]
    (tmp_path / "result.json").write_text(json.dumps({"messages": messages}), encoding="utf-8")
    (tmp_path / "key.jsonl").write_text(
        "\n".join(json.dumps({"id": i, "category": c, "priority": p}) for i, c, p in labels),
        encoding="utf-8",
    )
    lines = read_export(tmp_path / "result.json", tmp_path / "key.jsonl")
    return conversation(lines, "chats/made-up")


def small_corpus():
    """Two chats and sixteen runs of single messages, with every category and priority in each."""
    examples = []
    for run in range(16):
        for category, phrases in WORDS.items():
            for priority in PRIORITIES:
                text = f"{phrases[run % 2]} {priority} {run} {category[0]}"
                examples.append(
                    Example(Sample(text), category, priority, f"run/{run}", is_conversation=run < 2)
                )
    return examples


def vectors_of(examples):
    """Vectors that depend on the text alone, like those of an embedding model."""
    vectors = {}
    for text in texts_of(examples):
        vector = np.random.default_rng(list(text.encode())).normal(size=384).astype(np.float32)
        vectors[text] = vector / np.linalg.norm(vector)
    return vectors


def test_conversation_keeps_labelled_messages_with_text(chat):
    assert [example.sample.text for example in chat] == [
        "checkout is down",
        "глянь https://a.example",
        "on it",
    ]


def test_message_knows_the_one_before_it(chat):
    previous = chat[1].sample.previous

    assert (previous.text, previous.category) == ("checkout is down", "bug")
    assert (previous.seconds_before, previous.is_same_author) == (60, False)


def test_message_of_an_hour_ago_is_context_only_when_replied_to(chat):
    late = chat[2].sample

    assert late.previous is None
    assert late.replied_to.text == "checkout is down"
    assert late.is_reply
    assert late.is_forward


def test_shipped_corpus_is_read_whole(settings):
    examples = read_corpus(settings.BASE_DIR / "data" / "training")

    assert Counter(example.source for example in examples) == {
        "part_a": 520,
        "part_b": 517,
        "part_c": 520,
        "singles": 560,
        "strangers": 2903,
        "chats": 1560,
        "conversations": 1441,
    }


def test_lines_of_bots_are_neighbours_and_no_examples(tmp_path):
    rows = [
        {"id": 1, "from": "Grafana", "text": "[FIRING:1] HighErrorRate api"},
        {"id": 2, "from": "Ann", "text": "looking"},
    ]
    more = {"at": "2026-01-01T10:00", "reply_to": None, "category": "info", "priority": "low"}
    (tmp_path / "conversations").mkdir()
    (tmp_path / "conversations" / "x.jsonl").write_text(
        "\n".join(json.dumps({**row, **more}) for row in rows), encoding="utf-8"
    )

    (example,) = read_corpus(tmp_path)

    assert example.group == "conversations/x"
    assert example.sample.recent[0].text.startswith("[FIRING")


def test_answer_in_a_file_of_lines_knows_what_it_answers(tmp_path):
    rows = [
        {"id": 1, "from": "Ann", "text": "checkout is down", "reply_to": None, "category": "bug"},
        {"id": 2, "from": "Bob", "text": "on it", "reply_to": 1, "category": "info"},
    ]
    more = {"at": "2026-01-01T10:00", "priority": "high"}
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(json.dumps({**row, **more}) for row in rows), encoding="utf-8")

    answer = conversation(read_lines(path), "conversations/x")[1].sample

    assert (answer.replied_to.text, answer.replied_to.category) == ("checkout is down", "bug")
    assert answer.is_reply


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


@pytest.mark.parametrize("limit", ["REPORT_SHARE", "STRANGE_TO", "TEAMS_FROM", "LEAST_BELIEF"])
def test_what_training_sees_through_other_limits_is_another_version(monkeypatch, limit):
    before = recipe_hash([], "m")
    monkeypatch.setattr(local, limit, 0.07)

    assert recipe_hash([], "m") != before


def test_other_vectors_make_another_version():
    assert recipe_hash([], "m") != recipe_hash([], "n")


def test_no_group_is_on_both_sides_of_a_split():
    examples = small_corpus()
    folds = folds_of(examples)

    for group in {example.group for example in examples}:
        assert len({folds[n] for n, e in enumerate(examples) if e.group == group}) == 1
    assert set(folds) == {0, 1, 2, 3}


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


def test_what_is_hardly_the_teams_is_no_report():
    shares = np.array([[0.8, 0.0, 0.05, 0.15]] * 2, np.float32)

    strange, own = for_the_team(shares, np.array([0.13, 0.4], np.float32))

    assert strange == pytest.approx([0.12, 0.0, 0.22, 0.66], abs=1e-6)
    assert own == pytest.approx(shares[1], abs=1e-6)


def test_line_of_a_stranger_stands_between_strangers(tmp_path):
    rows = [{"text": text, "category": "info", "priority": "low"} for text in ("a b", "c d")]
    path = tmp_path / "strangers.jsonl"
    path.write_text("\n".join(json.dumps({**row, "persona": "p"}) for row in rows), "utf-8")

    second = read_strangers(path)[1]

    assert [neighbour.text for neighbour in second.sample.recent] == ["a b"]
    assert not second.is_team_chat


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


def test_embedding_is_done_once(tmp_path):
    embedded = []

    def embed(texts):
        embedded.extend(texts)
        return np.ones((len(texts), 384), np.float32)

    for texts in (["a", "b"], ["b", "c"]):
        cached_vectors(texts, "model-1", embed, tmp_path / "v.npz")
    assert embedded == ["a", "b", "c"]

    cached_vectors(["a"], "model-2", embed, tmp_path / "v.npz")
    assert embedded == ["a", "b", "c", "a"]


def test_centred_vectors_of_a_language_have_no_common_direction_left():
    raw = {
        text: (vector + 2) / np.linalg.norm(vector + 2)
        for text, vector in vectors_of(small_corpus()).items()
    }

    texts = list(raw)
    rows = centre(np.stack(list(raw.values())), texts, language_means(raw))
    after = dict(zip(texts, rows, strict=True))

    for language in ("uk", "en"):
        chosen = np.stack([after[text] for text in raw if language_of(text) == language])
        assert np.linalg.norm(chosen.mean(axis=0)) < 0.1
        assert np.allclose(np.linalg.norm(chosen, axis=1), 1, atol=1e-5)


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


def test_report_counts_what_was_found(chat):
    def predict(samples):
        return np.array([[0.1, 0.1, 0.1, 0.7]]), np.array([[0.7, 0.1, 0.1, 0.1]])

    figures = report_on(chat, predict)

    assert figures["category"]["issues"]["0.5"]["recall"] == 0
    assert figures["category"]["per_class"]["info"]["recall"] == 1
    assert figures["priority"]["per_class"]["critical"]["recall"] == 0


def test_runs_of_single_messages_are_groups(tmp_path):
    path = tmp_path / "part_z.jsonl"
    rows = [{"text": f"m{n}", "category": "info", "priority": "low"} for n in range(60)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    assert {example.group for example in read_singles(path)} == {
        "part_z/0",
        "part_z/1",
        "part_z/2",
    }
    assert Encoded.of(read_singles(path)).categories.tolist() == [3] * 60
