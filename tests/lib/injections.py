"""What people write to make a model do something else, and what must not change by it."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import models

FILE = Path(__file__).parents[1] / "messages" / "fixtures" / "injections.jsonl"
CORPUS = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]
TEXTS = [row["text"] for row in CORPUS]
attacks = pytest.mark.parametrize("attack", TEXTS, ids=[row["id"] for row in CORPUS])

OURS_APPS = ("sources", "chat_messages", "issues", "exports")


def everything_but(own: models.Model) -> dict[str, list[Any]]:
    """Every row of every table, but for this one and those that are about it."""
    name = str(own._meta.model_name)
    rows = {}
    for label in OURS_APPS:
        for model in apps.get_app_config(label).get_models():
            found = model._default_manager.order_by("pk")
            if model is type(own):
                found = found.exclude(pk=own.pk)
            elif any(field.name == name for field in model._meta.fields):
                found = found.exclude(**{name: own.pk})
            rows[model._meta.label] = list(found.values_list())
    return rows
