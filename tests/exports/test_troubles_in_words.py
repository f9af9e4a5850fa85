"""What a tracker's own troubles are called: a sentence that a person reads, in either language."""

from uuid import uuid4

import pytest
from django.utils import translation

from apps.exports.trackers.base import Limited
from tasktracker.lib.retell import retell
from tasktracker.lib.workflow import TryLater
from tests.exports.conftest import linear_plugin
from tests.stubs.linear import server as stub


def trouble_of(linear, payload, fault) -> str:
    linear.faults = [fault]
    with pytest.raises(TryLater) as caught:
        linear_plugin(linear).create(payload, key=uuid4())
    return str(caught.value)


def test_a_fault_of_the_tracker_is_no_bare_number(linear, payload):
    told = trouble_of(linear, payload, stub.says(500, b"<html>oops</html>"))

    assert (
        told == "Linear answers with a fault of its own (HTTP status 500): who runs it knows more."
    )


def test_a_page_instead_of_an_answer_points_at_what_stands_between(linear, payload):
    told = trouble_of(linear, payload, stub.says(200, b"<html>Log in to our network</html>"))

    assert "a proxy or a firewall may stand between" in told


def test_a_limit_says_that_nothing_has_to_be_done(linear, payload):
    linear.faults = [stub.says(429, stub.RATE_LIMITED)]

    with pytest.raises(Limited, match="what waits goes on by itself"):
        linear_plugin(linear).create(payload, key=uuid4())


@pytest.mark.parametrize(
    "fault",
    [
        stub.says(500, b"<html>oops</html>"),
        stub.says(200, b"<html>Log in</html>"),
        stub.says(429, stub.RATE_LIMITED),
        stub.says(200, {"data": {"issueCreate": {"success": False, "issue": None}}}),
    ],
    ids=["500", "page", "429", "no success"],
)
def test_what_a_worker_wrote_of_it_is_read_in_ukrainian(linear, payload, fault):
    noted = trouble_of(linear, payload, fault)

    with translation.override("uk"):
        assert retell(noted) != noted
