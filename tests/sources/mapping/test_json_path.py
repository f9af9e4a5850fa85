"""Paths as people write them, and nothing more."""

from typing import Any

import pytest

from apps.sources.adapters.mapping.json_path import BadPath, find, steps_of

BODY: dict[str, Any] = {
    "event": {"text": "a", "none": None, "user-name": "b"},
    "messages": [{"body": "c"}, {"body": "d"}],
    "Ім'я": "e",
    "a key": {"x.y": "f"},
    "groups": [{"items": [1, 2]}, {"items": [3]}, {"items": 4}, {}],
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("event.text", ["a"]),
        ("event.user-name", ["b"]),
        ("$.event.text", ["a"]),
        ("@.event.text", ["a"]),
        ("messages[0].body", ["c"]),
        ("messages[-1].body", ["d"]),
        ("messages[*].body", ["c", "d"]),
        ("messages[2].body", []),
        ("messages[-3].body", []),
        ('["a key"]["x.y"]', ["f"]),
        ("['a key']['x.y']", ["f"]),
        ('["Ім\'я"]', ["e"]),
        ("groups[*].items[*]", [1, 2, 3]),
        ("event.none", []),
        ("event.nothing.further", []),
        ("event[0]", []),
        ("messages.body", []),
        ("event.text[0]", []),
        ("event.text.length", []),
        ("@", [BODY]),
        ("$", [BODY]),
    ],
)
def test_a_path_leads_to_values_or_to_nothing(path, found):
    assert find(path, BODY, BODY) == found


def test_a_path_starts_at_the_message_or_at_the_body():
    message = BODY["messages"][0]

    assert find("body", message, BODY) == ["c"]
    assert find("$.event.text", message, BODY) == ["a"]
    assert find("@", "just a text", BODY) == ["just a text"]
    assert find("[1]", ["a", "b"], BODY) == ["b"]


@pytest.mark.parametrize(
    "path",
    [
        "",
        "a..b",
        ".a",
        "a.",
        "a b",
        "a[",
        "a[]",
        "a[x]",
        "a[1:2]",
        "a[?b]",
        "a.*",
        "**",
        "a]",
        '[""]',
        "$a",
        "a[99999999]",
        "a" * 201,
    ],
)
def test_what_is_no_path_is_refused_with_a_sentence(path):
    with pytest.raises(BadPath, match=r"\."):
        steps_of(path)
