"""Settings at rest: a row whose key is lost is still a row, and nothing writes over its secret."""

from typing import Any

import pytest
from django.db import connection

from apps.sources.models import Source
from tasktracker.lib.secrets import CannotDecrypt

ANOTHER_KEY = "bm90LXRoZS1rZXktdGhhdC13YXMtdXNlZC1iZWZvcmU="


@pytest.fixture
def sealed(source: Source, settings: Any) -> Source:
    """A source whose settings no key opens."""
    source.config = {"bot_token": "1:secret"}
    source.save()
    settings.FIELD_ENCRYPTION_KEYS = [ANOTHER_KEY]
    return Source.objects.get(pk=source.pk)


def stored(source: Source) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT config FROM sources_source WHERE id = %s", [source.pk])
        token: str = cursor.fetchone()[0]
    return token


def test_settings_come_back_as_they_were_saved(source: Source):
    source.config = {"bot_token": "1:секрет"}
    source.save()

    assert Source.objects.get(pk=source.pk).config == {"bot_token": "1:секрет"}


def test_a_row_that_no_key_opens_is_loaded_with_the_others(sealed: Source):
    assert [row.name for row in Source.objects.all()] == [sealed.name]


def test_settings_that_no_key_opens_are_refused_when_they_are_read(sealed: Source):
    with pytest.raises(CannotDecrypt):
        _ = sealed.config


def test_settings_that_do_not_open_do_not_fit(sealed: Source):
    with pytest.raises(ValueError, match="FIELD_ENCRYPTION_KEYS"):
        sealed.adapter()


def test_saving_a_row_that_no_key_opens_keeps_its_settings(sealed: Source, settings: Any):
    before = stored(sealed)
    sealed.name = "Renamed"
    sealed.save()

    assert Source.objects.get(pk=sealed.pk).name == "Renamed"
    assert stored(sealed) == before


def test_new_settings_replace_those_that_no_key_opens(sealed: Source):
    sealed.config = {"bot_token": "2:new"}
    sealed.save()

    assert Source.objects.get(pk=sealed.pk).config == {"bot_token": "2:new"}


def test_settings_that_were_not_loaded_are_fetched_when_they_are_read(source: Source):
    source.config = {"mode": "polling"}
    source.save()

    assert Source.objects.defer("config").get(pk=source.pk).config == {"mode": "polling"}


def test_changed_parts_of_the_settings_are_saved(source: Source):
    source.config = {"mode": "polling"}
    source.save()
    again = Source.objects.get(pk=source.pk)
    again.config["mode"] = "webhook"
    again.save()

    assert Source.objects.get(pk=source.pk).config == {"mode": "webhook"}
