"""The tracker that docs/trackers.md shows works as it stands there."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils.translation import gettext
from pydantic import BaseModel, ConfigDict, SecretStr

from apps.exports.trackers import base, markdown
from tasktracker.lib import http
from tasktracker.lib.workflow import GiveUp, TryLater
from tests.lib.test_http import Server

DOCUMENT = Path(__file__).parents[2] / "docs/trackers.md"
MADE = b'{"id": "J-1", "url": "https://jotter.example/1"}'


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture
def jotter(server, settings) -> Any:
    settings.OUTBOUND_PRIVATE_HOSTS = ["127.0.0.1"]
    (code,) = re.findall(r"```python\n(class .*?)```", DOCUMENT.read_text(), re.S)
    names: dict[str, Any] = {
        **vars(base), **vars(markdown), **vars(http),
        "json": json, "timedelta": timedelta, "UUID": UUID, "Any": Any, "_": gettext,
        "BaseModel": BaseModel, "ConfigDict": ConfigDict, "SecretStr": SecretStr,
        "GiveUp": GiveUp, "TryLater": TryLater,
    }  # fmt: skip
    exec(compile(code, str(DOCUMENT), "exec"), names)
    made = names["Jotter"]
    config = made.Config.model_validate({"url": server.url, "token": "t"})
    return made(config, base.Means(folder=Path()))


def says(server: Server, status: int, body: bytes) -> None:
    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    server.reply = lambda talk: talk.sendall(head + body)


def test_it_finds_what_it_made(jotter, server):
    says(server, 200, b"[" + MADE + b"]")

    assert jotter.find(uuid4()).id == "J-1"
    says(server, 200, b"[]")
    assert jotter.find(uuid4()) is None


@pytest.mark.parametrize(
    ("status", "error"), [(429, base.Limited), (500, base.Doubtful), (422, GiveUp)]
)
def test_it_tells_a_limit_from_a_doubt_and_a_refusal(jotter, server, status, error):
    says(server, status, b"no")

    with pytest.raises(error):
        jotter.check()
