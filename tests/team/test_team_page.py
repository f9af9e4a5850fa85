"""The page at `/` as the server draws it."""

import json

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

from apps.exports.models import TaskExport, Tracker
from apps.issues.models import Issue
from tasktracker.team import initials


@pytest.fixture
def signed_in(client, member):
    client.force_login(member)
    return client


def test_a_visitor_is_sent_to_the_login_and_back(client, db):
    response = client.get("/?author=x")

    assert response.status_code == 302
    assert response.url == f"{reverse('login')}?next=/%3Fauthor%3Dx"


def test_a_member_who_is_not_staff_signs_in(client, member):
    member.set_password("correct horse battery staple")
    member.is_staff = False
    member.save()

    response = client.post(
        reverse("login"),
        {
            "username": member.get_username(),
            "password": "correct horse battery staple",
            "next": reverse("team"),
        },
    )

    assert response.url == reverse("team")
    assert client.get(reverse("team")).status_code == 200


def test_a_wrong_password_is_said_and_leads_nowhere_else(client, member):
    response = client.post(
        reverse("login"),
        {"username": member.get_username(), "password": "wrong", "next": "https://evil.example/"},
    )

    assert response.status_code == 200
    assert 'role="alert"' in response.content.decode()


def test_nobody_is_led_to_another_site_after_the_login(client, member):
    member.set_password("correct horse battery staple")
    member.save()

    response = client.post(
        reverse("login"),
        {
            "username": member.get_username(),
            "password": "correct horse battery staple",
            "next": "https://evil.example/",
        },
    )

    assert response.url.startswith("/")


def test_a_program_that_asks_for_json_gets_the_contract(client, db):
    response = client.get("/", headers={"accept": "application/json"})

    assert response.json() == {"message": "Task Tracker API", "status": "running"}


def test_posting_to_the_root_says_where_webhooks_go(client, db):
    response = client.post("/", b"\xff\xfe", content_type="application/json")

    assert response.status_code == 410
    assert response.json()["message"] == "Use /webhook/telegram for Telegram webhooks"


def test_an_empty_page_says_what_to_do(signed_in):
    content = signed_in.get("/").content.decode()

    assert "No messages yet." in content
    assert "No issues yet." in content


def test_a_person_without_a_project_is_told_so(client, db):
    client.force_login(get_user_model().objects.create_user("stranger"))
    response = client.get("/")

    assert response.status_code == 403
    assert b"in no project yet" in response.content


def test_a_member_sees_the_project_and_nothing_of_others(
    signed_in, make_message, other_project, project
):
    make_message("наше")
    for owner, title in ((project, "Our issue"), (other_project, "Foreign issue")):
        Issue.objects.create(
            project=owner, title=title, category="bug", priority="low",
            reported_at="2026-03-02T09:00:00Z",
        )  # fmt: skip
    content = signed_in.get("/").content.decode()

    assert "наше" in content
    assert "Our issue" in content
    assert "Foreign issue" not in content


def test_members_get_no_links_into_the_administration(signed_in, make_message):
    make_message("наше")

    assert "/admin/" not in signed_in.get("/").content.decode()


def test_chat_text_is_never_markup(signed_in, make_message):
    make_message("<script>alert(1)</script>", author='"><b>x', avatar_url="javascript:alert(1)")
    content = signed_in.get("/").content.decode()

    assert "<script>alert(1)" not in content
    assert "<b>x" not in content
    assert "javascript:" not in content


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("author=олен", {"від Олени"}),
        ("author=тарас", {"від Тараса"}),
        ("source=dev", {"від Олени", "від Тараса"}),
        ("source=mail", set()),
        ("project=smachno", {"від Олени", "від Тараса"}),
        ("project=kvit", set()),
        ("author=%", set()),
    ],
)
def test_the_filter_chooses_the_messages(query, expected, signed_in, make_message):
    make_message("від Олени", author="Олена")
    make_message("від Тараса", author="Тарас")
    rows = signed_in.get(f"/?{query}").context["messages_now"]

    assert {row["content"] for row in rows} == expected


@pytest.mark.parametrize("query", ["author=%00", "source=%00x", "project=%00", "author=%ED%A0%80"])
def test_a_filter_that_postgresql_cannot_hold_is_no_error(query, signed_in):
    assert signed_in.get(f"/?{query}").status_code == 200


def test_an_exported_issue_links_to_its_tracker(signed_in, project):
    issue = Issue.objects.create(
        project=project, title="x", category="bug", priority="low",
        reported_at="2026-03-02T09:00:00Z",
    )  # fmt: skip
    for name, address in (("Linear", "https://linear.example/T-1"), ("Odd", "javascript:x")):
        TaskExport.objects.create(
            issue=issue,
            tracker=Tracker.objects.create(project=project, kind="json_file", name=name),
            status="created",
            external_url=address,
        )
    content = signed_in.get("/").content.decode()

    assert 'href="https://linear.example/T-1"' in content
    assert "javascript:x" not in content


def test_a_task_that_has_moved_away_is_not_linked(signed_in, make_export):
    make_export(status="created", is_live=False, external_url="https://linear.example/T-1")

    assert "https://linear.example/T-1" not in signed_in.get("/").content.decode()


def test_the_number_of_queries_does_not_grow_with_the_rows(
    signed_in, make_message, django_assert_max_num_queries
):
    for _ in range(30):
        make_message()

    with django_assert_max_num_queries(16):
        signed_in.get("/")


def test_the_script_gets_the_words_of_the_language(signed_in):
    words = json.loads(signed_in.get("/").context["words"])

    assert words["category"]["bug"] == "Bug"
    assert words["message"]["pending"]


def test_the_page_has_no_inline_script_or_style(signed_in):
    content = signed_in.get("/").content.decode()

    assert "<style" not in content
    assert " style=" not in content
    assert content.count("<script") == content.count("<script src=")
    assert " on" + "click=" not in content


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Олена Петренко", "ОП"),
        ("olena", "O"),
        ("", "?"),
        ("🙂 🙃", "?"),
        ("Anna Maria Schmidt", "AM"),
    ],
)
def test_initials_stand_for_a_person_without_a_picture(name, expected):
    assert initials(name) == expected


def test_the_newest_issue_stands_first(client, member, make_issue):
    make_issue("older")
    newest = make_issue("newest")
    client.force_login(member)

    response = client.get(reverse("team"))

    assert response.context["tasks_now"][0]["id"] == newest.pk
