"""What came after an issue was made reaches Linear once."""

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from apps.exports.trackers.base import (
    Doubtful,
    ExternalIssue,
    Gone,
    IssuePayload,
)
from tasktracker.lib.workflow import GiveUp, TryLater
from tests.stubs.linear import server as stub

LOST = [stub.commits_and_hangs_up, stub.commits_and_says(500, b"oops")]


def test_one_comment_is_written_and_then_edited(linear, plugin, two):
    key = uuid4()

    note_id = plugin.note(two[0], "+1", key=key)
    again = plugin.note(two[0], "+2", key=key, note_id=note_id)

    assert (note_id, again) == (str(key), str(key))
    (comment,) = linear.store.comments.values()
    assert (linear.store.issues[comment["issue"]].identifier, comment["body"]) == ("COR-1", "+2")


@pytest.mark.parametrize("fault", LOST)
def test_a_comment_whose_answer_is_lost_is_not_written_twice(linear, plugin, two, fault):
    key = uuid4()
    linear.faults = [fault]

    assert plugin.note(two[0], "+1", key=key) == str(key)
    assert plugin.note(two[0], "+2", key=key) == str(key)  # as after a crash

    assert [one["body"] for one in linear.store.comments.values()] == ["+2"]


def test_a_comment_that_nobody_knows_of_is_in_doubt(linear, plugin, two):
    linear.faults = [stub.hangs_up, stub.hangs_up]

    with pytest.raises(Doubtful):
        plugin.note(two[0], "+1", key=uuid4())


def test_a_comment_that_linear_refuses_is_given_up(linear, plugin, two):
    with pytest.raises(GiveUp, match="find"):
        plugin.note(ExternalIssue("COR-99", ""), "+1", key=uuid4())
    with pytest.raises(GiveUp, match="find"):
        plugin.note(two[0], "+1", key=uuid4(), note_id=str(uuid4()))


def test_a_comment_that_was_deleted_is_told_from_one_that_we_may_not_edit(linear, plugin, two):
    note_id = plugin.note(two[0], "+1", key=uuid4())
    linear.faults = [stub.says(403, stub.errors("No", "forbidden", "FORBIDDEN"))]
    with pytest.raises(GiveUp, match="right") as refused:
        plugin.note(two[0], "+2", key=uuid4(), note_id=note_id)
    linear.store.comments.clear()

    with pytest.raises(Gone):
        plugin.note(two[0], "+2", key=uuid4(), note_id=note_id)

    assert not isinstance(refused.value, Gone)


@pytest.mark.parametrize("fault", [stub.works, *LOST])
@pytest.mark.parametrize("kind", ["duplicate", "related"])
def test_two_issues_are_related_once(linear, plugin, two, kind, fault):
    key = uuid4()
    linear.faults = [fault]

    plugin.relate(*two, kind, key=key)
    plugin.relate(*two, kind, key=key)

    one, other = linear.store.issues.values()
    (relation,) = one.related
    assert (relation["type"], relation["relatedIssue"]) == (kind, other)


def test_only_our_relation_is_taken_back(linear, plugin, two):
    key = uuid4()
    plugin.relate(*two, "related", key=key)
    plugin.relate(*two, "duplicate", key=uuid4())

    plugin.unrelate(*two, key=key)
    plugin.unrelate(*two, key=key)

    assert [one["type"] for one in linear.store.issue(None, "COR-1").related] == ["duplicate"]


def test_many_issues_are_made_in_one_call(linear, plugin, payload):
    issues = {uuid4(): replace(payload, title=f"Issue {n}") for n in range(3)}

    made = plugin.create_many(issues)

    assert linear.questions == ["CreateMany"]
    assert [made[key].id for key in issues] == ["COR-1", "COR-2", "COR-3"]
    assert linear.store.creations == [str(key) for key in issues]


@pytest.mark.parametrize("fault", LOST)
def test_many_issues_whose_answer_is_lost_are_found(linear, plugin, payload, fault):
    issues = {uuid4(): payload for n in range(3)}
    linear.faults = [fault]

    assert set(plugin.create_many(issues)) == set(issues)
    assert linear.questions == ["CreateMany", "Find"]


def test_one_issue_that_is_there_is_told_from_those_that_are_not(linear, plugin, payload):
    first, second = uuid4(), uuid4()
    plugin.create(payload, key=first)

    assert set(plugin.create_many({first: payload, second: payload})) == {first}
    linear.faults = [stub.says(500, b"oops")]
    with pytest.raises(Doubtful):  # the second may still come
        plugin.create_many({first: payload, second: payload})


def test_a_refusal_of_many_is_one_of_all(linear, plugin, payload):
    with pytest.raises(GiveUp):
        plugin.create_many({uuid4(): payload, UUID(int=1): payload})

    assert linear.store.creations == []


@pytest.fixture
def long(payload: IssuePayload) -> IssuePayload:
    (quote,) = payload.quotes
    return replace(payload, quotes=(replace(quote, text="довго " * 1000, url=""),))


@pytest.mark.parametrize("fault", [stub.works, *LOST])
def test_what_the_description_has_no_room_for_is_a_file(linear, plugin, long, fault):
    key = uuid4()
    made = plugin.create(long, key=key)
    for lost in (fault, stub.works):
        linear.faults = [stub.works, stub.works, lost]
        try:
            plugin.complete(made, long, key=key)
        except TryLater:
            continue

    *_, file = linear.store.files.values()
    assert file["content"].decode().count("довго") == 1000
    assert file["size"] == len(file["content"])
    assert file["headers"]["cache-control"] == "public, max-age=31536000"
    assert file["headers"]["x-goog-content-length-range"]
    assert "authorization" not in file["headers"]
    assert len(linear.store.issues[str(key)].attachments) == 1


def test_a_file_goes_with_the_words_of_who_is_forgotten(linear, plugin, long):
    key = uuid4()
    plugin.complete(plugin.create(long, key=key), long, key=key)

    plugin.replace(replace(long, quotes=()), key=key)

    assert (linear.store.files, linear.store.attached) == ({}, {})


def test_a_file_that_linear_does_not_delete_is_told_at_each_repeat(linear, plugin, long):
    key = uuid4()
    plugin.complete(plugin.create(long, key=key), long, key=key)

    for _ in range(2):
        refused = stub.says(403, stub.errors("No", "forbidden", "FORBIDDEN"))
        linear.faults = [stub.works, stub.works, refused]
        with pytest.raises(GiveUp):
            plugin.replace(replace(long, quotes=()), key=key)


def test_a_report_that_fits_is_no_file(linear, plugin, payload):
    key = uuid4()
    plugin.complete(plugin.create(payload, key=key), payload, key=key)

    assert linear.store.files == {}


def test_a_comment_and_a_relation_go_to_our_ids_whatever_is_called_so_there(linear, plugin, two):
    one, other = linear.store.issues.values()
    ours = [ExternalIssue("COR-9", "", key=UUID(issue.id)) for issue in (one, other)]

    plugin.note(ours[0], "+1", key=uuid4())
    plugin.relate(*ours, "related", key=uuid4())

    assert [comment["issue"] for comment in linear.store.comments.values()] == [one.id]
    assert [relation["relatedIssue"] for relation in one.related] == [other]
