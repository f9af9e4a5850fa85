"""The OpenAPI document: made without a warning, and what it says holds."""

import io

import pytest
import yaml
from django.core.management import call_command


@pytest.fixture(scope="module")
def document():
    out = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)
    return yaml.safe_load(out.getvalue())


def test_document_has_every_address_of_the_contract(document):
    assert {
        "/api/health",
        "/api/config",
        "/api/messages",
        "/api/messages/filters",
        "/api/tasks",
        "/api/tasks/{id}",
        "/api/tasks/{id}/status",
        "/api/stats",
        "/api/activity",
        "/api/analyze-day",
        "/api/events",
        "/api/webhook-settings",
        "/api/webhook-settings/telegram",
        "/api/webhook-settings/telegram/set",
        "/api/webhook-settings/telegram/info",
        "/api/webhook-settings/telegram/group-ids",
        "/api/webhook-settings/telegram/groups",
        "/api/webhook-settings/telegram/groups/{group_id}",
        "/api/webhook-settings/telegram/groups/refresh-names",
    } <= set(document["paths"])


def test_every_operation_tells_its_refusals(document):
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert "default" in operation["responses"], (method, path)


@pytest.mark.parametrize("page", ["docs", "redoc"])
def test_rendered_page_needs_no_other_server(api, project, page):
    text = api.get(f"/api/schema/{page}").content.decode()

    assert "/api/schema" in text
    assert "https://" not in text


def test_browsable_page_opens_for_a_person(api, project):
    response = api.get("/api/tasks", HTTP_ACCEPT="text/html")

    assert response.status_code == 200
    assert "Task" in response.content.decode()
