"""The preview of a webhook's paths follows what is typed, in a real browser."""

import json
import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from apps.sources.models import Source

SAMPLE = json.dumps({"event": {"text": "Прод лежить"}, "user": "olena"}, indent=2)


@pytest.fixture
def page(open_page, administrator, project):
    source = Source.objects.create(
        project=project, kind="webhook", name="Desk", config={"secret": "a-long-secret"}
    )
    return open_page(administrator, reverse("admin:sources_source_change", args=[source.pk]))


def test_the_preview_follows_the_paths_as_they_are_typed(page):
    page.fill("#sample", SAMPLE)
    expect(page.locator("#preview")).to_contain_text("It would be a dead letter")

    page.fill("[name=saved__text]", "event.text")
    expect(page.locator("#preview")).to_contain_text("Прод лежить")
    page.fill("[name=saved__author_name]", "user")
    expect(page.locator("#preview")).to_contain_text("olena")
    assert Source.objects.get().config == {"secret": "a-long-secret"}


def test_a_secret_that_is_typed_stays_in_its_field_while_the_preview_is_shown(page):
    page.fill("[name=saved__secret]", "another-secret")
    page.fill("[name=saved__text]", "event.text")
    page.fill("#sample", SAMPLE)
    page.click("button[name=_preview]")
    expect(page.locator("#preview")).to_contain_text("Прод лежить")
    expect(page.locator("#preview")).not_to_contain_text("type it again")

    page.click("button[name=_save]")
    expect(page).to_have_url(re.compile("/source/$"))
    assert Source.objects.get().config["secret"] == "another-secret"
