"""Training reads conversations with their context, and what stands alone."""

import json
from collections import Counter

from apps.messages.training.corpus import (
    conversation,
    read_corpus,
    read_lines,
    read_singles,
    read_strangers,
)
from apps.messages.training.fitting import Encoded


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
        "strangers": 3503,
        "chats": 1560,
        "conversations": 1441,
        "retold": 4816,
        "teams": 25897,
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


def test_line_of_a_stranger_stands_between_strangers(tmp_path):
    rows = [{"text": text, "category": "info", "priority": "low"} for text in ("a b", "c d")]
    path = tmp_path / "strangers.jsonl"
    path.write_text("\n".join(json.dumps({**row, "persona": "p"}) for row in rows), "utf-8")

    second = read_strangers(path)[1]

    assert [neighbour.text for neighbour in second.sample.recent] == ["a b"]
    assert not second.is_team_chat


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
