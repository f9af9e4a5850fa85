"""What is added to an issue afterwards is added once."""

from contextlib import suppress
from dataclasses import replace
from uuid import uuid4

import pytest

from apps.exports.trackers.markdown import report_of
from apps.exports.trackers.redmine import notes, reports
from tasktracker.lib.workflow import GiveUp


def number_of(made):
    return int(made.id.removeprefix("#"))


def notes_of(tracker, made):
    return [one["notes"] for one in notes.journals_of(tracker.api, number_of(made)) if one["notes"]]


def test_a_report_that_is_too_long_is_attached_once(redmine, payload):
    (quote,) = payload.quotes
    long = replace(payload, quotes=(replace(quote, text="довго " * 2000),))
    tracker, key = redmine(), uuid4()
    made = tracker.create(long, key=key)

    tracker.complete(made, long, key=key)
    tracker.complete(made, long, key=key)

    (attachment,) = reports.find(tracker.api, number_of(made), key)
    assert attachment["filesize"] == len(report_of(long).encode()) > 20_000


def test_a_short_one_needs_no_file(redmine, payload):
    tracker, key = redmine(), uuid4()
    made = tracker.create(payload, key=key)

    tracker.complete(made, payload, key=key)

    assert reports.find(tracker.api, number_of(made), key) == []


def test_a_token_that_is_wrong_is_noticed(redmine, payload, monkeypatch):
    tracker, key = redmine(), uuid4()
    made = tracker.create(payload, key=key)
    monkeypatch.setattr(tracker.api, "upload", lambda name, content: "1.wrong")

    with pytest.raises(GiveUp, match="could not be saved"):
        reports.attach(tracker.api, number_of(made), payload, key=key)


def test_a_note_is_written_once_and_edited_then(redmine, payload):
    tracker, key, other = redmine(), uuid4(), uuid4()
    made = tracker.create(payload, key=uuid4())

    first = tracker.note(made, "Ще двоє", key=key)
    assert tracker.note(made, "Ще двоє", key=key) == first
    assert tracker.note(made, "Ще троє", key=key, note_id=first) == first
    assert tracker.note(made, "Ще троє", key=key) == first
    assert tracker.note(made, "Інше", key=other) != first

    assert [words.split("\n")[0].strip() for words in notes_of(tracker, made)] == [
        "Ще троє",
        "Інше",
    ]


def test_where_notes_cannot_be_edited_there_is_one_more(server, redmine, payload):
    tracker, key = redmine(), uuid4()
    made = tracker.create(payload, key=uuid4())
    first = tracker.note(made, "Ще двоє", key=key)
    server.sql("UPDATE roles SET permissions = replace(permissions, 'edit_own_issue_notes', 'x')")
    try:
        second = tracker.note(made, "Ще троє", key=key, note_id=first)
        assert tracker.note(made, "Ще троє", key=key, note_id=first) == second != first
    finally:
        server.sql(
            "UPDATE roles SET permissions = replace(permissions, ':x', ':edit_own_issue_notes')"
        )

    assert len(notes_of(tracker, made)) == 2


def test_a_note_that_redmine_leaves_out_is_told(redmine, payload):
    tracker = redmine("newcomer")
    made = tracker.create(payload, key=uuid4())

    with pytest.raises(GiveUp):
        tracker.note(made, "Ще двоє", key=uuid4())


@pytest.mark.parametrize("kind", ["duplicate", "related"])
def test_two_issues_are_related_once(redmine, payload, kind):
    tracker, key = redmine(), uuid4()
    made, other = (tracker.create(payload, key=uuid4()) for _ in range(2))

    tracker.relate(made, other, kind, key=key)
    tracker.relate(made, other, kind, key=key)

    path = f"/issues/{number_of(made)}.json"
    (relation,) = tracker.api.get(path, include="relations")["issue"]["relations"]
    assert relation["relation_type"] == {"duplicate": "duplicates", "related": "relates"}[kind]
    assert relation["issue_to_id"] == number_of(other)
    tracker.unrelate(made, other, key=key)
    tracker.unrelate(made, other, key=key)
    assert "relations" not in tracker.api.get(path, include="relations")["issue"]


def test_what_people_have_related_stays_so_and_no_history_without_words_matters(redmine, payload):
    tracker, key = redmine(), uuid4()
    made, other = (tracker.create(payload, key=one) for one in (key, uuid4()))
    path = f"/issues/{number_of(made)}.json"
    redmine("boss").relate(made, other, "related", key=uuid4())

    tracker.relate(made, other, "related", key=key)
    tracker.unrelate(made, other, key=key)
    tracker.close(made, key=key)

    assert tracker.replace(payload, key=key) == made
    assert len(tracker.api.get(path, include="relations")["issue"]["relations"]) == 1


def test_earlier_words_go_and_what_history_keeps_is_told(redmine, payload):
    (quote,) = payload.quotes
    long = replace(payload, quotes=(replace(quote, text="довго " * 2000),))
    tracker, key = redmine("boss"), uuid4()
    made = tracker.create(long, key=key)
    tracker.complete(made, long, key=key)
    tracker.note(made, "Олена: ще раз", key=uuid4())
    shell = replace(payload, title="Removed", description="", quotes=())

    for _ in range(2):
        with pytest.raises(GiveUp, match="history"):
            tracker.replace(shell, key=key)

    issue = tracker.api.get(f"/issues/{number_of(made)}.json")["issue"]
    assert issue["subject"] == "Removed"
    assert "довго" not in issue["description"]
    assert tracker.find(key) == made
    assert reports.find(tracker.api, number_of(made), key) == []
    assert not any("Олена" in words for words in notes_of(tracker, made))


def test_what_people_add_stays_theirs(redmine, payload):
    """Whoever quotes our note copies the mark that it ends in."""
    tracker, key, note = redmine(), uuid4(), uuid4()
    made = tracker.create(payload, key=key)
    path = f"/issues/{number_of(made)}.json"
    tracker.note(made, "Ще двоє", key=note)
    (ours,) = notes_of(tracker, made)
    quote = "\n".join(f"> {line}".rstrip() for line in ours.splitlines())
    boss = redmine("boss").api
    theirs = [f"Bot wrote:\n{quote}", f"Bot wrote:\n{quote}\n\nТак і є"]
    for words in theirs:
        boss.put(path, {"issue": {"notes": words}})
    token = boss.upload("report.txt", b"of a person")
    boss.put(path, {"issue": {"uploads": [{"token": token, "filename": "report.txt"}]}})

    tracker.note(made, "Ще троє", key=note)
    with suppress(GiveUp):
        redmine("boss").replace(payload, key=key)

    first, *rest = (words.replace("\r\n", "\n") for words in notes_of(tracker, made))
    assert (first.split("\n")[0], rest) == ("This note was taken back.", theirs)
    (file,) = tracker.api.get(path, include="attachments")["issue"]["attachments"]
    assert file["filename"] == "report.txt"


def test_an_issue_that_has_gone_elsewhere_is_closed_and_names_it(redmine, payload):
    tracker, key = redmine(), uuid4()
    made, other = (tracker.create(payload, key=one) for one in (key, uuid4()))

    for _ in range(2):
        tracker.link(made, other, "Тепер тут:", key=key)
        tracker.close(made, key=key)

    assert [other.url in words for words in notes_of(tracker, made)] == [True]
    (state,) = tracker.states({key: made}).values()
    assert (state.status, state.status_name) == ("done", "Closed")
