"""Staff of one project see, choose and change nothing of another."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from apps.exports.models import ExportPolicy, TaskExport, Tracker
from apps.issues.models import DayAnalysis, Issue, Match
from apps.messages.models import Message, Rule
from apps.sources.models import Author, Chat, DeadLetter, GlossaryTerm, Project, Source

MODELS = [
    Project,
    Source,
    Chat,
    DeadLetter,
    GlossaryTerm,
    Author,
    Message,
    Rule,
    Issue,
    DayAnalysis,
    Tracker,
    TaskExport,
    ExportPolicy,
]
SECRET_NAME = "kvit-bank-internal"


@pytest.fixture
def foreign(
    make_rows: Callable[[Project], dict[type, Any]], other_project: Project
) -> dict[type, Any]:
    """The rows of a project that the operator is no member of."""
    rows = make_rows(other_project)
    Project.objects.filter(pk=other_project.pk).update(name=SECRET_NAME)
    DayAnalysis.objects.filter(project=other_project).update(llm_text=SECRET_NAME)
    Source.objects.filter(pk=rows[Source].pk).update(name=SECRET_NAME)
    Chat.objects.filter(pk=rows[Chat].pk).update(title=SECRET_NAME)
    Issue.objects.filter(project=other_project).update(title=SECRET_NAME)
    Message.objects.filter(project=other_project).update(text=SECRET_NAME, author=SECRET_NAME)
    Tracker.objects.filter(pk=rows[Tracker].pk).update(name=SECRET_NAME)
    DeadLetter.objects.filter(pk=rows[DeadLetter].pk).update(reason=SECRET_NAME)
    GlossaryTerm.objects.filter(project=other_project).update(name=SECRET_NAME)
    Rule.objects.filter(project=other_project).update(name=SECRET_NAME)
    Author.objects.filter(pk=rows[Author].pk).update(name=SECRET_NAME)
    return rows


def admin_url(model: Any, page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


@pytest.mark.parametrize("model", MODELS)
def test_lists_filters_and_forms_do_not_name_other_projects(
    operator: Client, rows: dict[type, Any], foreign: dict[type, Any], model: Any
):
    addresses = [
        admin_url(model, "changelist"),
        admin_url(model, "change", rows[model].pk),
        reverse("admin:index"),
    ]
    for address in addresses:
        assert SECRET_NAME not in operator.get(address).content.decode(), address


@pytest.mark.parametrize("model", [Source, Chat, GlossaryTerm, Rule, Issue, Tracker])
def test_a_new_row_cannot_be_put_into_another_project(
    operator: Client, rows: dict[type, Any], foreign: dict[type, Any], model: Any
):
    before = model.objects.count()
    page = operator.get(admin_url(model, "add")).content.decode()
    values = {
        "project": foreign[Project].pk,
        "source": foreign[Source].pk,
        "name": "mine",
        "kind": {Tracker: "json", GlossaryTerm: "people"}.get(model, "file_import"),
        "external_id": "1",
        "title": "mine",
        "category": "bug",
        "priority": "low",
    }
    operator.post(admin_url(model, "add"), values)

    assert SECRET_NAME not in page
    assert model.objects.count() == before


@pytest.mark.parametrize("page", ["change", "history", "delete"])
@pytest.mark.parametrize("model", MODELS)
def test_the_address_of_a_foreign_row_opens_nothing(
    operator: Client, foreign: dict[type, Any], model: Any, page: str
):
    response = operator.get(admin_url(model, page, foreign[model].pk))

    assert response.status_code in (302, 403, 404)
    assert SECRET_NAME not in response.content.decode()


def test_decisions_about_foreign_rows_change_nothing(operator: Client, foreign: dict[type, Any]):
    issue, message = foreign[Issue], foreign[Message]
    locked = {"locked_fields": ["category"]}
    Message.objects.filter(pk=message.pk).update(status=Message.Status.NOISE, **locked)
    Issue.objects.filter(pk=issue.pk).update(locked_fields=["title"])
    changes = issue.changes.count()
    addresses = [
        reverse("admin:issues_issue_decide", args=[issue.pk, "approve"]),
        reverse("admin:issues_issue_split", args=[issue.pk, message.pk]),
        reverse("admin:issues_issue_detach", args=[issue.pk, message.pk]),
        reverse("admin:chat_messages_message_retry", args=[message.pk]),
        reverse("admin:chat_messages_message_reclassify", args=[message.pk]),
        reverse("admin:chat_messages_message_unlock", args=[message.pk, "category"]),
        reverse("admin:issues_issue_unlock", args=[issue.pk, "title"]),
        reverse("admin:issues_dayanalysis_post", args=[foreign[DayAnalysis].pk]),
        reverse("admin:exports_taskexport_retry", args=[foreign[TaskExport].pk]),
        reverse("admin:exports_taskexport_move", args=[foreign[TaskExport].pk]),
        reverse("admin:exports_taskexport_preview", args=[foreign[Issue].pk]),
        reverse("admin:exports_exportpolicy_of", args=[foreign[Project].pk]),
        reverse("admin:exports_tracker_check", args=[foreign[Tracker].pk]),
        reverse("admin:exports_tracker_order", args=[foreign[Tracker].pk]),
        reverse("admin:sources_source_check", args=[foreign[Source].pk]),
        reverse("admin:sources_deadletter_replay", args=[foreign[DeadLetter].pk]),
    ]
    for address in addresses:
        response = operator.post(address, {"category": "bug", "priority": "high"})
        assert response.status_code == 302, address

    issue.refresh_from_db()
    message.refresh_from_db()
    assert issue.status == Issue.Status.NEW
    assert issue.changes.count() == changes
    assert (message.status, message.locked_fields) == (Message.Status.NOISE, ["category"])
    assert issue.locked_fields == ["title"]
    assert TaskExport.objects.get(pk=foreign[TaskExport].pk).status == TaskExport.Status.FAILED
    assert DeadLetter.objects.get(pk=foreign[DeadLetter].pk).replayed_at is None


def test_actions_on_ids_of_foreign_rows_change_nothing(
    operator: Client, rows: dict[type, Any], foreign: dict[type, Any]
):
    operator.post(
        admin_url(Issue, "changelist"),
        {"action": "approve_selected", "_selected_action": [foreign[Issue].pk]},
    )

    assert Issue.objects.get(pk=foreign[Issue].pk).status == Issue.Status.NEW


def test_an_issue_is_not_merged_into_a_foreign_one(
    operator: Client, rows: dict[type, Any], foreign: dict[type, Any]
):
    page = reverse("admin:issues_issue_merge")
    response = operator.post(page, {"ids": rows[Issue].pk, "into": foreign[Issue].pk})
    operator.post(
        reverse("admin:issues_issue_merge_suggested", args=[rows[Issue].pk, foreign[Issue].pk])
    )

    assert SECRET_NAME not in response.content.decode()
    assert Issue.objects.get(pk=rows[Issue].pk).status == Issue.Status.NEW


def test_autocomplete_does_not_name_other_projects(operator: Client, foreign: dict[type, Any]):
    response = operator.get(
        reverse("admin:autocomplete"),
        {
            "app_label": "sources",
            "model_name": "project",
            "field_name": "members",
            "term": SECRET_NAME[:4],
        },
    )

    assert SECRET_NAME not in response.content.decode()


def test_an_answer_to_another_projects_message_shows_only_its_id(
    operator: Client, rows: dict[type, Any], foreign: dict[type, Any]
):
    answered, message = foreign[Message], rows[Message]
    Message.objects.filter(pk=message.pk).update(reply_to=answered, reply_to_external_id="-1001:1")
    page = operator.get(admin_url(Message, "change", message.pk)).content.decode()

    assert SECRET_NAME not in page
    assert "-1001:1" in page


def test_a_message_that_was_routed_here_does_not_name_the_issues_it_was_compared_with(
    operator: Client, rows: dict[type, Any], foreign: dict[type, Any]
):
    Match.objects.update(message=rows[Message], issue=foreign[Issue])

    page = operator.get(admin_url(Message, "change", rows[Message].pk)).content.decode()

    assert SECRET_NAME not in page


RENAMED = {
    "title": "Renamed",
    "state": "on",
    "project": "",
    "topics-TOTAL_FORMS": 0,
    "topics-INITIAL_FORMS": 0,
}


@pytest.mark.parametrize("role", ["operator", "viewer"])
def test_a_chat_does_not_name_the_foreign_project_that_it_goes_to(
    client_of: Callable[[str], Client],
    rows: dict[type, Any],
    foreign: dict[type, Any],
    role: str,
):
    chat = rows[Chat]
    Chat.objects.filter(pk=chat.pk).update(project=foreign[Project])
    for address in (admin_url(Chat, "change", chat.pk), admin_url(Chat, "changelist")):
        page = client_of(role).get(address)
        assert page.status_code == 200
        assert SECRET_NAME not in page.content.decode(), address


def test_editing_a_chat_keeps_the_foreign_project_that_it_goes_to(
    operator: Client, rows: dict[type, Any], foreign: dict[type, Any]
):
    chat = rows[Chat]
    Chat.objects.filter(pk=chat.pk).update(project=foreign[Project])
    operator.post(admin_url(Chat, "change", chat.pk), RENAMED)

    chat.refresh_from_db()
    assert (chat.title, chat.project_id) == ("Renamed", foreign[Project].pk)


def test_a_member_routes_a_chat_back_from_a_project_of_theirs(
    operator: Client,
    rows: dict[type, Any],
    other_project: Project,
    people: dict[str, User],
):
    other_project.members.add(people["operator"])
    chat = rows[Chat]
    Chat.objects.filter(pk=chat.pk).update(project=other_project)
    operator.post(admin_url(Chat, "change", chat.pk), RENAMED)

    chat.refresh_from_db()
    assert (chat.title, chat.project_id) == ("Renamed", None)


def test_a_member_cannot_let_others_into_the_project(
    operator: Client, people: dict[str, User], project: Project
):
    people["operator"].user_permissions.add(Permission.objects.get(codename="change_project"))
    stranger = User.objects.create_user("stranger")
    address = admin_url(Project, "change", project.pk)
    page = operator.get(address).content.decode()
    operator.post(
        address,
        {
            "name": "Renamed",
            "slug": project.slug,
            "language": "uk",
            "timezone": "Europe/Kyiv",
            "policy": "cascade",
            "exported_quotes": "replace",
            "duplicate_window_hours": 24,
            "open_issue_days": 30,
            "closed_issue_days": 14,
            "run_minutes": 5,
            "raise_priority_from": 3,
            "members": [stranger.pk],
            "glossary-TOTAL_FORMS": 0,
            "glossary-INITIAL_FORMS": 0,
        },
    )

    project.refresh_from_db()
    assert 'name="members"' not in page
    assert project.name == "Renamed"
    assert not project.members.filter(pk=stranger.pk).exists()


@pytest.mark.parametrize(
    "name",
    ["auth_user", "auth_group", "authtoken_tokenproxy"],
)
def test_accounts_stay_closed_even_with_the_permission(
    operator: Client, people: dict[str, User], name: str
):
    people["operator"].user_permissions.set(Permission.objects.all())

    assert operator.get(reverse(f"admin:{name}_changelist")).status_code == 403


def test_a_viewer_decides_nothing(viewer: Client, rows: dict[type, Any]):
    issue, export = rows[Issue], rows[TaskExport]
    viewer.post(reverse("admin:issues_issue_decide", args=[issue.pk, "approve"]))
    viewer.post(reverse("admin:exports_taskexport_retry", args=[export.pk]))
    merge = viewer.get(f"{reverse('admin:issues_issue_merge')}?ids={issue.pk}")
    page = viewer.get(admin_url(Issue, "change", issue.pk)).content.decode()

    assert merge.status_code == 302
    assert Issue.objects.get(pk=issue.pk).status == Issue.Status.NEW
    assert TaskExport.objects.get(pk=export.pk).status == TaskExport.Status.FAILED
    assert "decision-button" not in page


def test_who_is_in_no_project_is_told_so(people: dict[str, User], project: Project):
    project.members.clear()
    client = Client()
    client.force_login(people["operator"])

    assert "Nothing to see yet" in client.get(reverse("admin:index")).content.decode()
