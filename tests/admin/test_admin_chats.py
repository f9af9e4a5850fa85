"""The operator says what is read: per chat, per topic, and into which project."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from apps.messages.models import Message
from apps.sources.models import Chat, Project, Source, Topic

LIST = reverse("admin:sources_chat_changelist")
BADGE = "min-w-[18px]"


@pytest.fixture
def waiting(chat: Chat, make_message: Callable[..., Message]) -> Chat:
    """A chat that waits, with one message that is kept meanwhile."""
    Chat.objects.filter(pk=chat.pk).update(state="waiting")
    make_message("Прод лежить", status="held")
    return chat


def act(client: Client, action: str, *chats: Chat) -> str:
    data = {"action": action, "_selected_action": [chat.pk for chat in chats]}
    return client.post(LIST, data, follow=True).content.decode()


def test_a_yes_reads_what_was_kept(operator: Client, waiting: Chat):
    page = act(operator, "read_them", waiting)

    waiting.refresh_from_db()
    message = Message.objects.get()
    assert (waiting.state, message.status) == ("on", "received")
    assert message.due_at is not None
    assert "1 chat is read now." in page


def test_a_no_deletes_what_was_kept(operator: Client, waiting: Chat):
    page = act(operator, "leave_them_alone", waiting)

    waiting.refresh_from_db()
    assert (waiting.state, Message.objects.count()) == ("off", 0)
    assert "1 chat is left alone now." in page


def test_a_yes_in_the_form_counts_and_so_does_a_no_to_a_topic(
    operator: Client, waiting: Chat, make_message: Callable[..., Message]
):
    topic = Topic.objects.create(chat=waiting, external_id="40", title="Flood")
    make_message("хто на обід?", status="held", topic="40")
    operator.post(
        reverse("admin:sources_chat_change", args=[waiting.pk]),
        {
            "title": "Dev chat",
            "state": "on",
            "project": "",
            "topics-TOTAL_FORMS": 1,
            "topics-INITIAL_FORMS": 1,
            "topics-0-id": topic.pk,
            "topics-0-chat": waiting.pk,
            "topics-0-title": "Flood",
            "topics-0-external_id": "40",
            "topics-0-state": "off",
            "topics-0-project": "",
        },
    )

    topic.refresh_from_db()
    assert topic.state == "off"
    assert Message.objects.get().status == "received"


def test_chats_are_routed_to_a_project_that_the_person_sees(
    operator: Client, chat: Chat, other_project: Project, people: dict[str, User]
):
    assert f"route_to_{other_project.pk}" not in operator.get(LIST).content.decode()
    other_project.members.add(people["operator"])

    act(operator, f"route_to_{other_project.pk}", chat)

    chat.refresh_from_db()
    assert chat.project == other_project


def test_a_route_takes_no_chat_away_from_a_foreign_project(
    operator: Client, chat: Chat, project: Project, other_project: Project
):
    Chat.objects.filter(pk=chat.pk).update(project=other_project)

    act(operator, f"route_to_{project.pk}", chat)

    chat.refresh_from_db()
    assert chat.project == other_project


def test_a_topic_of_a_foreign_project_is_not_named(
    operator: Client, chat: Chat, other_project: Project
):
    Topic.objects.create(chat=chat, external_id="7", title="Theirs", project=other_project)

    page = operator.get(reverse("admin:sources_chat_change", args=[chat.pk])).content.decode()

    assert "Theirs" not in page
    assert other_project.name not in page


def test_what_comes_from_a_foreign_source_is_seen_and_decided_there(
    operator: Client, project: Project
):
    source = _foreign_source()
    whole, part, _neither = (
        Chat.objects.create(source=source, external_id=f"-{n}", title=f"Chat {n}", project=routed)
        for n, routed in enumerate([project, None, None])
    )
    Topic.objects.create(chat=part, external_id="7", title="Ours", project=project)
    Topic.objects.create(chat=part, external_id="8", title="Nobody's business")

    listed = operator.get(LIST).content.decode()
    assert ("Chat 0" in listed, "Chat 1" in listed, "Chat 2" in listed) == (True, True, False)
    address = reverse("admin:sources_chat_change", args=[part.pk])
    page = operator.get(address).content.decode()
    assert "whose people decide" in page
    assert ("Ours" in page, "Nobody" in page) == (True, False)
    assert operator.post(address, {"title": "Mine"}).status_code == 403
    for action in ("leave_them_alone", f"route_to_{project.pk}"):
        assert "whose people decide" in act(operator, action, whole, part)
    act(operator, "delete_selected", whole)
    rows = Chat.objects.order_by("pk").values_list("title", "state", "project")
    assert list(rows) == [
        ("Chat 0", "on", project.pk),
        ("Chat 1", "on", None),
        ("Chat 2", "on", None),
    ]


@pytest.mark.parametrize("role", ["viewer", "stranger"])
def test_who_may_not_change_chats_says_neither_yes_nor_no(
    client_of: Callable[[str], Client], waiting: Chat, role: str
):
    if role == "stranger":
        Chat.objects.filter(pk=waiting.pk).update(source=_foreign_source())
    act(client_of("viewer" if role == "viewer" else "operator"), "read_them", waiting)

    waiting.refresh_from_db()
    assert (waiting.state, Message.objects.get().status) == ("waiting", "held")


def _foreign_source() -> Source:
    theirs = Project.objects.create(name="Theirs", slug="theirs")
    return Source.objects.create(project=theirs, kind="telegram", name="Theirs")


def test_the_sidebar_counts_what_waits_in_the_persons_projects(operator: Client, waiting: Chat):
    Chat.objects.create(source=_foreign_source(), external_id="-9", state="waiting")
    sidebar = operator.get(LIST).context["sidebar_navigation"]

    (item,) = [item for group in sidebar for item in group["items"] if item["title"] == "Chats"]
    assert _badge(item) == "1"


def _badge(item: dict[str, Any]) -> str:
    return str(item.get("badge_callback", item.get("badge")))


def test_a_title_that_turns_the_writing_around_does_not_turn_the_list(operator: Client, chat: Chat):
    Chat.objects.filter(pk=chat.pk).update(
        title="<b>Couriers</b> \u202efdp.exe", kind="supergroup", external_id="-1002600917745"
    )
    page = operator.get(LIST).content.decode()

    assert "&lt;b&gt;Couriers&lt;/b&gt; fdp.exe" in page
    assert "supergroup · -1002600917745" in page


def test_a_chat_that_only_archives_name_asks_for_no_yes(
    operator: Client, chat: Chat, make_message: Callable[..., Message]
):
    Chat.objects.filter(pk=chat.pk).update(state="waiting", title="A talk of last year")
    make_message("з архіву", is_history=True)
    Chat.objects.create(source=chat.source, external_id="-9", title="Zoo", state="waiting")
    Chat.objects.create(source=chat.source, external_id="-8", title="Birds")
    page = operator.get(LIST).content.decode()

    assert page.count(BADGE) == 1
    assert page.index("Zoo") < page.index("Birds") < page.index("A talk of last year")
    assert page.index("Only in archives") > page.index("A talk of last year")
    Chat.objects.filter(pk=chat.pk).update(bot_role="member")
    assert "Only in archives" not in operator.get(LIST).content.decode()


def test_an_empty_list_says_how_chats_come(operator: Client):
    assert "A chat appears here by itself" in operator.get(LIST).content.decode()


def test_held_messages_show_only_where_they_are_asked_for(
    operator: Client, waiting: Chat, make_message: Callable[..., Message]
):
    make_message("видно всім")
    inbox = reverse("admin:chat_messages_message_changelist")

    assert "Прод лежить" not in operator.get(inbox).content.decode()
    assert "Прод лежить" in operator.get(inbox, {"status__exact": "held"}).content.decode()


def test_the_language_of_the_bots_answers_is_chosen_and_a_chat_is_muted_or_not(operator, chat):
    page = reverse("admin:sources_chat_change", args=[chat.pk])
    form = {
        "title": chat.title,
        "state": chat.state,
        "language": "en",
        "topics-TOTAL_FORMS": 0,
        "topics-INITIAL_FORMS": 0,
    }

    operator.post(page, {**form, "is_muted": "on"})
    chat.refresh_from_db()
    assert (chat.language, chat.is_muted) == ("en", True)

    operator.post(page, form)
    chat.refresh_from_db()
    assert chat.is_muted is False


def test_the_sidebar_has_a_number_only_when_a_chat_waits(operator: Client, waiting: Chat):
    before = operator.get(LIST).content.decode()
    Chat.objects.filter(pk=waiting.pk).update(state="on")
    after = operator.get(LIST).content.decode()

    assert (before.count(BADGE), after.count(BADGE)) == (1, 0)
