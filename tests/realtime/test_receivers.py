"""What the flow announces becomes an event in the contract's shape."""

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone

from apps.exports.models import TaskExport, Tracker
from apps.issues.models import Evidence, Issue
from apps.messages.models import Message
from apps.sources.envelope import Envelope
from apps.sources.intake import envelopes_accepted
from apps.sources.models import Chat, Project, Source, Topic, Webhook
from tasktracker.lib.workflow import status_changed
from tasktracker.realtime import receivers
from tasktracker.realtime.events import MAX_CONTENT
from tasktracker.realtime.models import Event

CONTRACT_MESSAGE = {
    "id", "external_message_id", "content", "author", "sent_at", "source_name", "analyzed",
    "avatar_url", "persisted",
}  # fmt: skip
CONTRACT_TASK = {
    "id", "title", "description", "category", "priority", "source", "created_at", "status",
}  # fmt: skip


@pytest.fixture(autouse=True)
def forget_routes():
    receivers._route.cache_clear()


def accepted(envelope):
    envelopes_accepted.send_robust(sender=Envelope, envelopes=[envelope])


def announced(model, ids, status, *, is_new=False):
    status_changed.send_robust(sender=model, ids=ids, status=status, is_new=is_new)


@pytest.fixture
def issue(project):
    return Issue.objects.create(
        project=project,
        title="Checkout answers 502",
        category="bug",
        priority="high",
        reported_at="2026-03-02T09:00:00Z",
    )


def test_an_accepted_envelope_is_new_at_once_and_not_persisted(
    make_envelope, django_capture_on_commit_callbacks, source
):
    envelope = make_envelope("Каса не працює")
    with django_capture_on_commit_callbacks(execute=True):
        accepted(envelope)

    event = Event.objects.get()
    assert event.type == "message.new"
    assert event.data.keys() >= CONTRACT_MESSAGE
    assert (event.data["id"], event.data["persisted"]) == (0, False)
    data = event.data
    assert f"{data['chat']}:{data['external_message_id']}" == envelope.external_id
    assert event.data["source_name"] == source.name
    assert event.data["avatar_url"] is None


def test_a_routed_chat_is_told_to_the_project_that_it_is_routed_to(
    make_envelope, django_capture_on_commit_callbacks, chat, other_project
):
    Chat.objects.filter(pk=chat.pk).update(project=other_project)
    with django_capture_on_commit_callbacks(execute=True):
        accepted(make_envelope())

    assert Event.objects.get().project == other_project


@pytest.mark.parametrize("changes", [{"is_history": True}, {"source_id": 999_999}])
def test_archives_and_unknown_sources_are_not_told_message_by_message(
    changes, make_envelope, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        accepted(make_envelope(**changes))

    assert not Event.objects.exists()


def test_a_chat_that_nobody_monitors_is_not_shown(
    make_envelope, django_capture_on_commit_callbacks, chat
):
    Chat.objects.filter(pk=chat.pk).update(state="off")
    with django_capture_on_commit_callbacks(execute=True):
        accepted(make_envelope())

    assert not Event.objects.exists()


def test_a_message_that_cannot_be_told_keeps_nothing_of_the_others(
    make_envelope, django_capture_on_commit_callbacks, source
):
    unspeakable = make_envelope().model_copy(update={"sent_at": None})
    burst = [make_envelope("before"), unspeakable, make_envelope("after")]
    with django_capture_on_commit_callbacks(execute=True):
        envelopes_accepted.send_robust(sender=Envelope, envelopes=burst)

    assert [event.data["content"] for event in Event.objects.order_by("pk")] == ["before", "after"]


def test_a_chat_that_was_just_switched_on_is_shown_at_once(
    make_envelope, django_capture_on_commit_callbacks, chat
):
    Chat.objects.filter(pk=chat.pk).update(state="off")
    accepted(make_envelope())
    with django_capture_on_commit_callbacks(execute=True):
        Chat.settle(Chat.objects.filter(pk=chat.pk), Chat.State.ON)
    with django_capture_on_commit_callbacks(execute=True):
        accepted(make_envelope())

    assert Event.objects.filter(type="message.new").exists()


def test_where_a_chat_belongs_is_asked_once_for_many_messages(make_envelope, chat):
    accepted(make_envelope())
    route = receivers._route
    before = route.cache_info().misses
    for _ in range(5):
        accepted(make_envelope())

    assert route.cache_info().misses == before


def test_a_stored_message_is_updated_with_its_row(make_message, django_capture_on_commit_callbacks):
    message = make_message(avatar_url="https://chat.example/a.png")
    with django_capture_on_commit_callbacks(execute=True):
        announced(Message, [message.pk], "received", is_new=True)

    event = Event.objects.get()
    assert event.type == "message.updated"
    assert event.data.keys() >= CONTRACT_MESSAGE
    assert (event.data["id"], event.data["persisted"]) == (message.pk, True)
    assert event.data["avatar_url"] == "https://chat.example/a.png"
    assert event.data["analyzed"] is False


def test_a_message_posted_to_the_api_is_new_when_it_is_stored(
    make_message, source, django_capture_on_commit_callbacks
):
    Source.objects.filter(pk=source.pk).update(kind="api")
    message = make_message()
    with django_capture_on_commit_callbacks(execute=True):
        announced(Message, [message.pk], "received", is_new=True)

    event = Event.objects.get()
    assert (event.type, event.data["id"], event.data["persisted"]) == (
        "message.new",
        message.pk,
        True,
    )


def test_a_classified_message_tells_its_answer(make_message, django_capture_on_commit_callbacks):
    message = make_message(status="actionable", category="bug", priority="high", confidence=0.9)
    with django_capture_on_commit_callbacks(execute=True):
        announced(Message, [message.pk], "actionable")

    data = Event.objects.get().data
    assert (data["status"], data["category"], data["priority"], data["confidence"]) == (
        "actionable",
        "bug",
        "high",
        0.9,
    )
    assert data["analyzed"] is True


def test_an_announcement_costs_one_query_however_many_rows(make_message, django_assert_num_queries):
    ids = [make_message().pk for _ in range(20)]

    with django_assert_num_queries(4):  # one to read; BEGIN, INSERT, COMMIT to store
        receivers.tell_messages(ids)


def test_an_archive_is_one_hint_per_announcement(make_message, django_capture_on_commit_callbacks):
    ids = [make_message(is_history=True).pk for _ in range(3)]
    with django_capture_on_commit_callbacks(execute=True):
        announced(Message, ids, "received")

    event = Event.objects.get()
    assert event.type == "stats"
    assert event.data == {"project": "shop", "reason": "history", "count": 3}


def test_a_message_that_an_edit_replaced_is_not_told(
    make_message, django_capture_on_commit_callbacks
):
    message = make_message(is_superseded=True)
    with django_capture_on_commit_callbacks(execute=True):
        announced(Message, [message.pk], "noise")

    assert not Event.objects.exists()


def test_a_very_long_text_travels_cut(make_message, django_capture_on_commit_callbacks):
    message = make_message("слово " * 2000)
    with django_capture_on_commit_callbacks(execute=True):
        announced(Message, [message.pk], "received")

    content = Event.objects.get().data["content"]
    assert len(content) <= MAX_CONTENT
    assert content.endswith("…")


def test_an_opened_issue_is_a_created_task_from_the_source_of_its_first_report(
    issue, make_message, django_capture_on_commit_callbacks
):
    for level in ("opened", "exact"):
        Evidence.objects.create(issue=issue, message=make_message(), level=level)
    with django_capture_on_commit_callbacks(execute=True):
        announced(Issue, [issue.pk], "new", is_new=True)

    event = Event.objects.get()
    assert event.type == "task_created"
    assert event.data.keys() >= CONTRACT_TASK
    assert (event.data["source"], event.data["reports"]) == ("Dev chat", 2)


def test_issues_of_an_archive_are_one_hint_and_not_created_tasks(
    make_issue, make_message, django_capture_on_commit_callbacks
):
    ids = [make_issue(message=make_message(is_history=True)).pk for _ in range(3)]
    with django_capture_on_commit_callbacks(execute=True):
        announced(Issue, ids, "new", is_new=True)

    event = Event.objects.get()
    assert event.type == "stats"
    assert event.data == {"project": "shop", "reason": "history", "count": 3}


def test_an_issue_that_anybody_reports_live_is_a_created_task(
    issue, make_message, django_capture_on_commit_callbacks
):
    for is_history in (True, False):
        report = make_message(is_history=is_history)
        Evidence.objects.create(issue=issue, message=report, level="opened")
    with django_capture_on_commit_callbacks(execute=True):
        announced(Issue, [issue.pk], "new", is_new=True)

    assert Event.objects.get().type == "task_created"


def test_a_change_of_an_archives_issue_is_told(
    make_issue, make_message, django_capture_on_commit_callbacks
):
    issue = make_issue(message=make_message(is_history=True))
    with django_capture_on_commit_callbacks(execute=True):
        issue.change_status("rejected")

    assert Event.objects.get().type == "task_updated"


def test_an_issue_without_reports_says_where_it_came_from(
    issue, django_capture_on_commit_callbacks
):
    Issue.objects.filter(pk=issue.pk).update(origin="api")
    with django_capture_on_commit_callbacks(execute=True):
        announced(Issue, [issue.pk], "new", is_new=True)

    assert Event.objects.get().data["source"] == "api"


def test_a_changed_status_is_an_updated_task(issue, django_capture_on_commit_callbacks):
    person = get_user_model().objects.create_user("olena")
    with django_capture_on_commit_callbacks(execute=True):
        issue.change_status("rejected", by=person)

    events = Event.objects.filter(type="task_updated")
    assert [event.data["status"] for event in events] == ["rejected"]


def test_an_export_tells_its_task_and_its_address(
    issue, project, django_capture_on_commit_callbacks
):
    tracker = Tracker.objects.create(project=project, kind="json_file", name="Archive")
    export = TaskExport.objects.create(
        issue=issue, tracker=tracker, status="created", external_url="https://tracker.example/7"
    )
    with django_capture_on_commit_callbacks(execute=True):
        announced(TaskExport, [export.pk], "created")

    event = Event.objects.get()
    assert event.type == "export_updated"
    assert event.data["task_id"] == issue.pk
    assert event.data["external_url"] == "https://tracker.example/7"
    assert event.data["is_live"] is True


def test_rows_of_two_projects_go_to_their_own_people(
    issue, other_project, django_capture_on_commit_callbacks
):
    foreign = Issue.objects.create(
        project=other_project, title="x", category="bug", priority="low",
        reported_at="2026-03-02T09:00:00Z",
    )  # fmt: skip
    with django_capture_on_commit_callbacks(execute=True):
        announced(Issue, [issue.pk, foreign.pk], "new")

    assert set(Event.objects.values_list("project", flat=True)) == {
        issue.project_id,
        foreign.project_id,
    }
    assert Project.objects.count() == 2


def test_saved_settings_are_told_without_the_settings(source, django_capture_on_commit_callbacks):
    source.config = {"bot_token": "secret"}
    Event.objects.all().delete()
    with django_capture_on_commit_callbacks(execute=True):
        source.save()

    event = Event.objects.get()
    assert event.type == "settings_updated"
    assert event.data["source_name"] == "Dev chat"
    assert "secret" not in str(event.data)


def test_a_webhook_is_a_part_of_the_settings(source, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        Webhook.of(source).wish_for("https://tracker.example")

    event = Event.objects.get()
    assert (event.type, event.data["source_id"]) == ("settings_updated", source.pk)
    assert "tracker.example" not in str(event.data)


def test_what_a_platform_says_of_its_webhook_is_not_news(
    source, django_capture_on_commit_callbacks
):
    webhook = Webhook.of(source)
    webhook.keep()
    Event.objects.all().delete()
    with django_capture_on_commit_callbacks(execute=True):
        webhook.note_told({"url": ""}, timezone.now())

    assert not Event.objects.exists()


def test_a_moved_position_is_not_news(source, django_capture_on_commit_callbacks):
    Event.objects.all().delete()
    with django_capture_on_commit_callbacks(execute=True):
        source.save(update_fields=["position", "last_error"])

    assert not Event.objects.exists()


@pytest.mark.parametrize("state", ["waiting", None])
def test_nothing_is_shown_of_a_live_chat_before_the_yes(
    state, make_envelope, source, django_capture_on_commit_callbacks
):
    Source.objects.filter(pk=source.pk).update(kind="telegram")
    if state:
        Chat.objects.create(source=source, external_id="-100500", state=state)
    with django_capture_on_commit_callbacks(execute=True):
        accepted(make_envelope())

    assert not Event.objects.exists()


def test_a_topic_is_told_to_the_project_that_it_goes_to(
    make_envelope, django_capture_on_commit_callbacks, chat, other_project
):
    Topic.objects.create(chat=chat, external_id="40", project=other_project)
    with django_capture_on_commit_callbacks(execute=True):
        accepted(make_envelope(topic="40"))

    assert Event.objects.get().project == other_project
