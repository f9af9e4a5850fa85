"""An issue in Linear whose task is another tracker's, or comes from one."""

from uuid import uuid4

import pytest

from apps.exports.trackers.base import ExternalIssue, IssuePayload
from apps.exports.trackers.linear.tracker import Linear
from tasktracker.lib.workflow import GiveUp
from tests.stubs.linear.server import LinearServer

OTHER = ExternalIssue("#7", "https://redmine.example.com/issues/7")


def test_it_is_closed_as_cancelled_and_names_the_other_one(
    linear: LinearServer, plugin: Linear, payload: IssuePayload
):
    key = uuid4()
    made = plugin.create(payload, key=key)

    for _ in range(2):
        plugin.close(made, key=key)
        plugin.link(made, OTHER, "The same issue in Redmine: #7", key=key)

    issue = linear.store.issues[str(key)]
    assert issue.state.name == "Canceled"
    assert issue.attachments[OTHER.url] == "The same issue in Redmine: #7"
    assert plugin.states({key: made})[key].status == "rejected"


def test_a_team_that_cannot_close_says_so(
    linear: LinearServer, plugin: Linear, payload: IssuePayload
):
    key = uuid4()
    made = plugin.create(payload, key=key)
    states = linear.store.core.kept["states"]
    linear.store.core.kept["states"] = [one for one in states if one.type != "canceled"]

    try:
        with pytest.raises(GiveUp, match="no status that closes"):
            plugin.close(made, key=key)
    finally:
        linear.store.core.kept["states"] = states


def test_what_has_no_web_address_is_not_linked(
    linear: LinearServer, plugin: Linear, payload: IssuePayload
):
    key = uuid4()
    made = plugin.create(payload, key=key)
    before = dict(linear.store.issues[str(key)].attachments)

    plugin.link(made, ExternalIssue("x", "file:///tmp/x.json"), "JSON", key=key)

    assert linear.store.issues[str(key)].attachments == before
