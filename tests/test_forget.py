"""Forgetting a person: nothing of theirs is left anywhere, and nothing of it comes back."""

from datetime import date, timedelta

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.utils import timezone

from apps.exports.deliver import deliver, open_exports
from apps.exports.models import TaskExport
from apps.exports.tasks import erase_from_exports
from apps.issues.analysis import analyse
from apps.issues.corrections import correct
from apps.issues.decisions import approve
from apps.issues.models import Change, Draft, Evidence, Issue, Match, Opinion
from apps.issues.summarize import summarize_day
from apps.issues.tasks import erase_from_issues
from apps.issues.triage import file
from apps.messages.corrections import note
from apps.messages.ingest import Arrival, ingest
from apps.messages.models import ChatCommand, Classification, Message
from apps.messages.tasks import erase_messages
from apps.sources.adapters.telegram.message import read_message
from apps.sources.envelope import ChatReference
from apps.sources.models import Author, Chat, DeadLetter, Erasure, Project
from tasktracker.lib import embeddings, vector_cache
from tasktracker.pipeline import erase_copies
from tasktracker.realtime.models import Event
from tasktracker.realtime.receivers import tell_accepted

MARKER = "Жовтопузик"
THEIRS = f"Прод лежить! {MARKER} дає 502 на всіх сторінках, клієнти не можуть оплатити"
OTHERS = "Експорт звіту у PDF падає з помилкою 500 після оновлення 2.4.1"
DAY = date(2026, 3, 2)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user("olena")


@pytest.fixture
def put(make_envelope):
    """Let messages come in by the usual door."""

    def come_in(text, author="7", name=f"Олена {MARKER}", **changes):
        envelope = make_envelope(text, author_id=author, author_name=name, **changes)
        tell_accepted([envelope])
        ingest([Arrival(envelope.to_bytes(), envelope.subject, None)])
        return Message.objects.filter(external_id=envelope.external_id).order_by("-pk").first()

    return come_in


def report(message):
    Message.objects.filter(pk=message.pk).update(
        status="actionable", category="bug", priority="high", confidence=0.9
    )
    message.refresh_from_db()
    Classification.objects.create(
        message=message,
        classifier="llm:a",
        version="1",
        category="bug",
        priority="high",
        confidence=0.9,
        entities={"technologies": [message.text[:40]]},
        raw={"said": message.text},
    )
    file([message])
    return Issue.objects.get(evidence__message=message)


def run(erasure):
    """Every step, as the pipeline would hand them out."""
    for _turn in range(12):
        for task in (erase_from_issues, erase_from_exports, erase_messages, erase_copies):
            task([erasure.pk])
        Erasure.objects.update(leased_until=None)
        erasure.refresh_from_db()
        if erasure.status == Erasure.Status.DONE:
            return
    raise AssertionError(f"{erasure.status}: {erasure.last_error}")


def forget(author_id="7", source=None):
    erasure = Erasure.ask_for(Author.known(source.pk, author_id))
    run(erasure)
    return erasure


def tables_with(word):
    """Tables and columns of the whole database in which the word occurs, whatever their type."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public'"
        )
        for table, column, kind in cursor.fetchall():
            text = f'"{column}"::text'
            if kind == "bytea":
                text = f"encode(\"{column}\", 'escape')"
            cursor.execute(f'SELECT count(*) FROM "{table}" WHERE {text} ILIKE %s', [f"%{word}%"])
            if cursor.fetchone()[0]:
                found.append(f"{table}.{column}")
        cursor.execute(
            "SELECT count(*) FROM sources_deadletter WHERE position(%s in payload) > 0",
            [word.encode()],
        )
        if cursor.fetchone()[0]:
            found.append("sources_deadletter.payload")
    return found


def test_nothing_is_left_of_a_person_who_is_forgotten(
    put, source, project, tracker, user, settings, tmp_path
):
    settings.EXPORT_DIR = tmp_path
    first = put(THEIRS)
    issue = report(first)
    edited = put(f"{THEIRS}!", external_id=first.external_id, edit=1_772_442_100)
    report(edited)
    answer = put(
        "У мене теж",
        author="8",
        name="Ігор",
        reply_to=first.external_id,
        quote=THEIRS,
        raw={"reply_to_message": {"text": THEIRS}},
    )
    Evidence.objects.create(
        issue=issue, message=answer, level="reply", like=first, explanation={"words": [MARKER]}
    )
    shared = report(put(OTHERS, author="9", name="Іра"))
    echo = put(f"{OTHERS} {MARKER}")
    Evidence.objects.create(issue=shared, message=echo, level="exact")
    match = Match.objects.create(
        message=answer,
        issue=shared,
        like=echo,
        level="fuzzy",
        score=0.5,
        threshold=0.8,
        outcome="suggested",
        explanation={"words": [MARKER]},
    )
    Opinion.objects.create(match=match, issue=issue, reason=f"Обидва про {MARKER}", status="same")
    Draft.objects.create(issue=issue, answer={"title": MARKER}, status="written")
    correct(issue, {"title": f"{MARKER} не працює"}, by=user)
    note(edited, {"title": ("", MARKER)}, by=user)
    for each in (issue, shared):
        approve(each, by=user)
        open_exports([each])
    for export in TaskExport.objects.all():
        deliver(export)
    analyse(project, DAY)
    summarize_day(project, DAY, by=user)
    DeadLetter.bury_update(
        ("telegram", source.pk), number=1, payload={"from": {"id": 7}, "text": MARKER}, reason="odd"
    )
    kind = ContentType.objects.get_for_model(Issue)
    LogEntry.objects.create(
        user=user, content_type=kind, object_id=issue.pk, object_repr=MARKER, action_flag=CHANGE
    )
    vector_cache.keep(embeddings.model_name(), {THEIRS: embeddings.embed([THEIRS])[0]})
    assert "issues_issue.title" in tables_with(MARKER)
    assert MARKER in "".join(path.read_text() for path in tmp_path.rglob("*.json"))

    erasure = forget(source=source)

    assert tables_with(MARKER) == []
    assert MARKER not in "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert vector_cache.recall(embeddings.model_name(), [THEIRS]) == {}
    assert erasure.erased == 3
    issue.refresh_from_db()
    assert issue.title == "У мене теж"  # the words of somebody else who reports it
    shared.refresh_from_db()
    assert shared.title.startswith("Експорт звіту")
    assert list(shared.evidence.values_list("message__author", flat=True)) == ["Іра"]


def test_an_issue_without_other_reports_is_an_empty_shell(put, source, user):
    issue = report(put(THEIRS))
    approve(issue, by=user)

    forget(source=source)

    issue.refresh_from_db()
    assert (issue.title, issue.description, issue.entities) == (
        "Видалено на прохання автора звернення",  # in the project's language
        "",
        {},
    )
    assert issue.status == Issue.Status.APPROVED
    told = issue.changes.filter(kind=Change.Kind.EDIT).last()
    assert told.reason == "a person is forgotten"


def test_forgetting_goes_on_where_it_was_killed(put, source, monkeypatch):
    for number in range(3):
        report(put(f"{THEIRS} {number}"))
    erasure = Erasure.ask_for(Author.known(source.pk, "7"))

    def die(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("apps.issues.erase.AT_ONCE", 1)
        erase_from_issues([erasure.pk])
    Erasure.objects.update(leased_until=None)
    with monkeypatch.context() as patch:
        patch.setattr("apps.messages.erase.AT_ONCE", 1)
        patch.setattr("tasktracker.lib.vector_cache.forget", die)
        with pytest.raises(KeyboardInterrupt):
            run(erasure)
    Erasure.objects.update(leased_until=None)
    run(erasure)

    assert tables_with(MARKER) == []
    assert erasure.erased == 3


def test_what_was_forgotten_does_not_come_back_by_edits_or_redeliveries(put, source):
    sent_at = timezone.now() - timedelta(hours=1)
    first = put(THEIRS, sent_at=sent_at)
    forget(source=source)
    Author.objects.get().opt_in()

    put(THEIRS, external_id=first.external_id, sent_at=sent_at)
    put(f"{THEIRS}!", external_id=first.external_id, sent_at=sent_at, edit=2_000_000_000)
    put("Я знову тут", sent_at=timezone.now() + timedelta(seconds=5))

    assert [message.text for message in Message.objects.all()] == ["Я знову тут"]


def test_who_opted_out_is_neither_stored_nor_shown(put, source):
    Author.known(source.pk, "7").opt_out()

    put(THEIRS)

    assert not Message.objects.exists()
    assert not Event.objects.exists()


def test_a_project_may_keep_what_its_trackers_have(
    put, source, project, tracker, user, settings, tmp_path
):
    settings.EXPORT_DIR = tmp_path
    Project.objects.update(exported_quotes=Project.ExportedQuotes.KEEP)
    issue = report(put(THEIRS))
    approve(issue, by=user)
    open_exports([issue])
    deliver(TaskExport.objects.get())

    forget(source=source)

    [path] = tmp_path.rglob("*.json")
    assert MARKER in path.read_text()


def test_a_person_who_asks_twice_is_forgotten_once(source):
    author = Author.known(source.pk, "7", "Олена")

    assert Erasure.ask_for(author) == Erasure.ask_for(author)
    assert Author.objects.get().name == ""


def test_commands_of_somebody_forgotten_hold_nothing_of_them(source, chat):
    ChatCommand.objects.create(
        source=source,
        chat=chat,
        external_id="-100500:1",
        author_id="7",
        author="Олена",
        name="report",
        argument=MARKER,
        sent_at=timezone.now(),
        status="done",
    )

    forget(source=source)

    row = ChatCommand.objects.get()
    assert (row.author_id, row.author, row.argument) == ("", "", "")


def answer_of(update, source):
    sender = {"id": 8, "is_bot": False, "first_name": "Ігор"}
    chat = {"id": -100500, "type": "supergroup", "title": "Dev chat"}
    date = int(timezone.now().timestamp())
    message = {"message_id": 90, "date": date, "chat": chat, "from": sender, "text": "У мене теж"}
    return read_message({**message, **update}, source.pk)


def come_in(envelope):
    ingest([Arrival(envelope.to_bytes(), envelope.subject, None)])


@pytest.mark.parametrize("field", ["reply_to_message", "external_reply"])
def test_an_answer_brings_no_words_of_somebody_who_opted_out(source, field):
    Author.known(source.pk, "7").opt_out()
    olena = {"id": 7, "is_bot": False, "first_name": MARKER}
    answered = {"message_id": 5, "chat": {"id": -100500, "title": MARKER}, "text": THEIRS}
    told = {**answered, "from": olena, "origin": {"type": "user", "sender_user": olena}}

    come_in(answer_of({field: told, "quote": {"text": THEIRS, "position": 0}}, source))

    row = Message.objects.get()
    assert (row.text, row.quote, row.reply_to_external_id) == ("У мене теж", "", "-100500:5")
    assert row.raw[field]["from"] == {"id": 7}
    assert tables_with(MARKER) == []


def test_a_quote_stays_beside_the_message_that_it_quotes(put, source):
    put(THEIRS, external_id="-100500:5")

    come_in(answer_of({"reply_to_message": {"message_id": 5}, "quote": {"text": THEIRS}}, source))

    assert Message.objects.get(author_id="8").quote == THEIRS


@pytest.mark.parametrize(
    "origin",
    [
        {"forward_origin": {"type": "user", "sender_user": {"id": 7, "first_name": MARKER}}},
        {"forward_from": {"id": 7, "first_name": MARKER}},
    ],
)
def test_a_forward_of_somebody_who_opted_out_is_not_stored(source, origin):
    Author.known(source.pk, "7").opt_out()

    come_in(answer_of({**origin, "text": THEIRS}, source))

    assert tables_with(MARKER) == []


def test_what_is_filed_while_messages_are_erased_leaves_its_issue_first(put, source, monkeypatch):
    put(f"{THEIRS} 1")
    second = put(f"{THEIRS} 2")
    erasure = Erasure.ask_for(Author.known(source.pk, "7"))
    erase_from_issues([erasure.pk])
    erase_from_exports([erasure.pk])
    issues: list[Issue] = []

    def file_the_next(*args):
        if not issues:
            issues.append(report(second))

    with monkeypatch.context() as patch:
        patch.setattr("apps.messages.erase.AT_ONCE", 1)
        patch.setattr("tasktracker.lib.vector_cache.forget", file_the_next)
        run(erasure)

    assert len(issues) == 1
    assert tables_with(MARKER) == []


def test_the_private_chat_of_somebody_forgotten_has_no_name(put, source):
    private = ChatReference(external_id="7", title=f"Олена {MARKER}", kind="private")
    put(THEIRS, chat=private)

    forget(source=source)
    put(THEIRS, chat=private)

    assert Chat.objects.get().title == ""
    assert tables_with(MARKER) == []


@pytest.mark.parametrize(
    "raw",
    [
        {"forward_from": {"id": 7}},
        {"forwarded_from_id": "user7"},
        {"attachments": [{"is_share": True, "author_id": "7", "text": THEIRS}]},  # of Slack
    ],
)
def test_older_archived_and_shared_forwards_go_too(put, source, raw):
    put(THEIRS, author="8", name="Ігор", raw=raw)

    forget(source=source)

    assert not Message.objects.exists()
