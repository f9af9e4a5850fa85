"""`manage.py evaluate` in a database of another release."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

pytestmark = pytest.mark.django_db

FILES = {"chat": ["result.json", "key.jsonl"], "duplicates": ["groups.jsonl"]}


@pytest.mark.parametrize("kind", FILES)
def test_database_older_than_the_code_is_said_to_be_so(kind):
    MigrationRecorder(connection).migration_qs.filter(app="issues").latest("pk").delete()

    with pytest.raises(CommandError, match="older than the code"):
        call_command("evaluate", kind, *FILES[kind])


@pytest.mark.parametrize("kind", FILES)
def test_database_of_this_release_is_used(kind):
    with pytest.raises(CommandError, match="No such file"):
        call_command("evaluate", kind, *FILES[kind])
