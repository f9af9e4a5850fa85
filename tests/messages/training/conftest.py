"""A small chat with its key, and a small corpus with vectors of its own."""

import json

import numpy as np
import pytest

from apps.messages.classifiers.base import Sample
from apps.messages.training.corpus import Example, conversation, read_export, texts_of

WORDS = {
    "bug": ("падає помилка", "crashes with an error"),
    "feature": ("додайте фільтр", "please add a filter"),
    "question": ("хто знає де", "who knows where"),
    "info": ("готово, задеплоїв", "done and deployed"),
}
PRIORITIES = ("low", "medium", "high", "critical")


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


def message(number, text, at, **more):
    return {
        "id": number,
        "type": "message",
        "date_unixtime": str(at),
        "from_id": "user1",
        "text": text,
        **more,
    }


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
