"""The JSON tracker writes whole files that fit the documented schema."""

import json
from datetime import UTC, date, datetime
from importlib import resources
from uuid import uuid4

import jsonschema
import pytest

from apps.exports.trackers.base import ExternalIssue, IssuePayload, Means, Quote
from apps.exports.trackers.json_file import JsonFile, write_atomically
from tasktracker.lib.workflow import GiveUp, TryLater

MOMENT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
UGLY = '<b>\'; DROP TABLE--\u202e\n"лапки" \\ 👨‍👩‍👧'


@pytest.fixture
def payload():
    return IssuePayload(
        id=7,
        project="smachno",
        title="Прод лежить",
        description=UGLY,
        category="bug",
        priority="critical",
        confidence=0.97,
        status="approved",
        language="uk",
        reported_at=MOMENT,
        entities={"versions": [{"surface": "1.2", "normal": "1.2"}]},
        labels=("Billing", "C++"),
        quotes=(
            Quote(UGLY, "Олена", "Dev chat", MOMENT, "-100:1", "https://t.me/c/100/1"),
            Quote("", "Олена", "Dev chat", MOMENT, "-100:2", kind="photo", files=(UGLY,)),
        ),
        due_on=date(2026, 3, 5),
    )


def make(folder):
    return JsonFile(JsonFile.Config(), Means(folder=folder))


def test_the_file_fits_the_schema(payload, tmp_path):
    key = uuid4()
    make(tmp_path).create(payload, key=key)

    schema = json.loads(
        (resources.files("apps.exports.trackers") / "issue.schema.json").read_text()
    )
    written = json.loads((tmp_path / f"{key}.json").read_text())
    jsonschema.validate(written, schema, format_checker=jsonschema.FormatChecker())


def test_the_quote_is_kept_verbatim(payload, tmp_path):
    created = make(tmp_path).create(payload, key=uuid4())

    written = json.loads((tmp_path / f"{created.id}.json").read_text())
    assert written["quotes"][0]["text"] == UGLY


def test_the_same_key_twice_makes_one_file(payload, tmp_path):
    key = uuid4()

    first = make(tmp_path).create(payload, key=key)
    second = make(tmp_path).create(payload, key=key)

    assert first == second
    assert [path.name for path in tmp_path.iterdir()] == [f"{key}.json"]


def test_a_file_is_found_by_its_key(payload, tmp_path):
    key = uuid4()
    created = make(tmp_path).create(payload, key=key)

    assert make(tmp_path).find(key) == created
    assert make(tmp_path).find(uuid4()) is None


def test_a_file_says_where_its_issue_is_now(payload, tmp_path):
    tracker, key = make(tmp_path), uuid4()
    made = tracker.create(payload, key=key)

    for _ in range(2):
        tracker.close(made, key=key)
        tracker.link(made, ExternalIssue("COR-1", "https://linear.app/COR-1"), "Now", key=key)
    tracker.replace(payload, key=key)

    written = json.loads((tmp_path / f"{key}.json").read_text())
    assert written["is_closed"]
    assert written["elsewhere"] == [
        {"id": "COR-1", "url": "https://linear.app/COR-1", "words": "Now"}
    ]
    schema = (resources.files("apps.exports.trackers") / "issue.schema.json").read_text()
    jsonschema.validate(written, json.loads(schema))


def test_a_write_that_fails_leaves_the_old_file_and_no_rest(tmp_path):
    path = tmp_path / "issue.json"
    write_atomically(path, {"a": 1})

    with pytest.raises(TypeError):
        write_atomically(path, {"a": object()})

    assert json.loads(path.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_made_is_tried_later(payload, tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(TryLater):
        make(tmp_path / "file" / "deep").create(payload, key=uuid4())


def test_check_says_when_the_folder_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(
        GiveUp, match=r"Nothing can be written into .+: give this server the right to"
    ):
        make(tmp_path / "file").check()


def test_unknown_settings_are_refused():
    with pytest.raises(ValueError, match="Extra inputs"):
        JsonFile.Config.model_validate({"directory": "/etc"})


@pytest.mark.parametrize("verb", ["replace", "find"])
def test_what_a_kill_left_half_written_goes(payload, tmp_path, verb):
    tracker, key, other = make(tmp_path), uuid4(), uuid4()
    for number in (key, other):
        (tmp_path / f".{number}.abc.tmp").write_text("Олена каже")

    tracker.find(key) if verb == "find" else tracker.replace(payload, key=key)

    assert [path.name for path in tmp_path.glob(".*.tmp")] == [f".{other}.abc.tmp"]


def test_a_file_that_is_being_written_names_its_issue(tmp_path, monkeypatch):
    """Or nobody could tell whose words a kill has left."""
    seen: list[str] = []
    monkeypatch.setattr(
        "os.fsync", lambda _file: seen.extend(one.name for one in tmp_path.iterdir())
    )

    write_atomically(tmp_path / "7.json", {})

    assert [name.startswith(".7.") for name in seen] == [True]
