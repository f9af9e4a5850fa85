"""What exports and trackers say of their troubles is read by people, in their language."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import apps.exports
from tasktracker.lib import http

HOME = Path(apps.exports.__path__[0])
FILES = [*HOME.glob("*.py"), *HOME.joinpath("trackers").rglob("*.py"), Path(http.__file__)]
SAY = {
    "Broken",
    "Doubtful",
    "Forbidden",
    "GiveUp",
    "Gone",
    "Invalid",
    "Limited",
    "Missing",
    "NoAnswer",
    "NotAllowed",
    "NotNow",
    "Refused",
    "Strange",
    "TooLong",
    "TryLater",
    "Unasked",
    "Unreachable",
    "ConnectError",
    "_doubt",
}


def literals(tree: ast.AST) -> Iterator[str]:
    """What an error says that no gettext has seen."""
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
        for said in call.args if name in SAY else ():
            parts = said.values if isinstance(said, ast.JoinedStr) else [said]
            for part in parts:
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_an_error_is_said_in_words_that_can_be_translated(file):
    said = literals(ast.parse(file.read_text()))

    assert [one for one in said if any(map(str.isalpha, one))] == []
