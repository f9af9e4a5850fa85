"""What people write to make a model do something else, and what must not change by it."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, models

FILE = Path(__file__).parents[1] / "messages" / "fixtures" / "injections.jsonl"
CORPUS = [json.loads(line) for line in FILE.read_text("utf-8").splitlines()]
TEXTS = [row["text"] for row in CORPUS]
attacks = pytest.mark.parametrize("attack", TEXTS, ids=[row["id"] for row in CORPUS])

OURS_APPS = ("sources", "chat_messages", "issues", "exports")


def everything_but(own: models.Model) -> dict[str, list[Any]]:
    """Every row of every table, but for this one and those that are about it.

    As PostgreSQL writes rows, in one query: it is asked twice in each of hundreds of tests.
    """
    statements, values = [], []
    for label in OURS_APPS:
        for model in apps.get_app_config(label).get_models():
            column = _column_about(own, model)
            statements.append(
                f"SELECT %s, array_agg(one::text ORDER BY one.{model._meta.pk.column})"
                f" FROM {model._meta.db_table} AS one"
                + (f" WHERE one.{column} IS DISTINCT FROM %s" if column else "")
            )
            values += [model._meta.label, own.pk] if column else [model._meta.label]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(statements), values)
        return {label: rows or [] for label, rows in cursor.fetchall()}


def _column_about(own: models.Model, model: type[models.Model]) -> str | None:
    """The column by which a row is this one, or about it."""
    if model is type(own):
        return str(own._meta.pk.column)
    columns = {field.name: field.column for field in model._meta.concrete_fields}
    return columns.get(str(own._meta.model_name))
