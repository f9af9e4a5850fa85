"""The adapter that the documentation shows is complete, short, and works as it stands there."""

import ast
import json
import re
from pathlib import Path

import pytest
from django.core.management import call_command

from apps.messages.models import Message
from apps.sources.adapters import ADAPTERS
from apps.sources.models import DeadLetter, Source
from apps.sources.webhooks import known_sources
from tasktracker.lib.plugins import PlugIn

PAGE = Path(__file__).parents[2] / "docs" / "sources" / "adding.md"
MESSAGE = {
    "id": 112,
    "content": "Прод лежить",
    "sender_id": 31,
    "sender_full_name": "Olena",
    "timestamp": 1_772_442_000,
    "stream_id": 5,
    "display_recipient": "dev",
    "subject": "incidents",
}


@pytest.fixture(scope="module")
def example():
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    return code


@pytest.fixture
def zulip(project, example, tmp_path, monkeypatch):
    (tmp_path / "example_of_an_adapter.py").write_text(example)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(ADAPTERS, "zulip", PlugIn("Zulip", "example_of_an_adapter.Zulip"))
    known_sources.forget()
    source = Source(project=project, kind="zulip", name="Zulip", config={"token": "a-token"})
    source.full_clean()
    source.save()
    return source


def test_the_example_is_short_and_typed(example):
    assert len([line for line in example.splitlines() if line.strip()]) <= 60
    functions = [node for node in ast.walk(ast.parse(example)) if isinstance(node, ast.FunctionDef)]
    assert all(function.returns is not None for function in functions)


@pytest.mark.django_db(transaction=True)
def test_a_message_through_the_example_is_stored(zulip, client, stream):
    def post(**body):
        return client.post(
            f"/webhook/zulip/{zulip.pk}", json.dumps(body), content_type="application/json"
        )

    assert post(token="wrong", message=MESSAGE).status_code == 403
    assert post(token="a-token", message=MESSAGE).json() == {"response_not_required": True}
    assert post(token="a-token", message={"id": 113}).status_code == 200
    call_command("ingest_messages", once=True)

    message = Message.objects.get()
    assert (message.external_id, message.text, message.topic) == (
        "5:112",
        "Прод лежить",
        "incidents",
    )
    assert "a-token" not in json.dumps(message.raw)
    assert DeadLetter.objects.get().source == zulip
