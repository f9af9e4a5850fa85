"""Two teams: ours, and one whose things we must never see."""

from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from rest_framework.test import APIClient

from apps.messages.ingest import store
from apps.messages.models import Message
from apps.sources.envelope import ChatReference, Envelope
from apps.sources.models import Chat, Project, Source
from tasktracker import health

NOON = datetime(2025, 10, 5, 9, 0, tzinfo=UTC)  # noon in Kyiv


@pytest.fixture(autouse=True)
def _fresh_health_report(monkeypatch):
    monkeypatch.setattr(health, "_recent", (0.0, None))


@pytest.fixture
def project(db):
    return Project.objects.create(name="Shop", slug="shop")


@pytest.fixture
def other_project(db):
    return Project.objects.create(name="Bank", slug="bank")


@pytest.fixture
def member(project):
    user = get_user_model().objects.create_user("olena", password="x")
    project.members.add(user)
    return user


@pytest.fixture
def api(member):
    client = APIClient()
    client.force_authenticate(member)
    return client


@pytest.fixture
def anybody():
    return APIClient()


@pytest.fixture
def say():
    """Store a message in a project, as its ingester would."""
    numbers = count(1)

    def say(project: Project, text: str = "The cart is empty", **fields: Any) -> Message:
        source, _ = Source.objects.get_or_create(
            project=project, name=fields.pop("source", "telegram"), defaults={"kind": "telegram"}
        )
        chat = fields.pop("chat", ChatReference(external_id="-100", title="Support"))
        Chat.objects.get_or_create(
            source=source, external_id=chat.external_id, defaults={"title": chat.title}
        )
        fields = {"sent_at": NOON, "author_name": "Olena", **fields}
        number = fields.pop("number", next(numbers))
        envelope = Envelope(
            source_id=source.pk,
            external_id=f"{chat.external_id}:{number}",
            chat=chat,
            text=text,
            **fields,
        )
        message, _ = store(envelope)
        return message

    return say


@pytest.fixture
def issue(project, make_issue):
    return make_issue("The cart is empty")
