"""Static files reach the browser whole, and without a warning."""

from typing import Any

import pytest
from django.test import Client


@pytest.fixture
def finders(settings: Any) -> None:
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True


def test_a_static_file_is_no_synchronous_stream(finders: None):
    response = Client().get("/static/team/icon.svg")

    assert response.status_code == 200
    assert not response.streaming
    assert response.headers["Content-Type"] == "image/svg+xml"
    assert b"<svg" in response.content


def test_a_static_file_that_the_browser_has_is_not_sent_again(finders: None):
    first = Client().get("/static/team/icon.svg")
    seen = {"if-modified-since": first.headers["Last-Modified"]}
    again = Client().get("/static/team/icon.svg", headers=seen)

    assert (again.status_code, again.content) == (304, b"")


def test_a_part_of_a_static_file_is_sent_alone(finders: None):
    part = Client().get("/static/team/icon.svg", headers={"range": "bytes=0-3"})

    assert (part.status_code, part.content) == (206, b"<svg")
