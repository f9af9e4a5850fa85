"""One form for every refusal, in the language of the request, and never a 5xx for ugly input."""

import json
import os

import pytest
from asgiref.sync import async_to_sync
from django.db import transaction
from django.test import AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

UGLY = int(os.environ.get("UGLY_REQUESTS", "30"))  # of each kind
ADDRESSES = [
    "/api/messages",
    "/api/messages/filters",
    "/api/tasks",
    "/api/stats",
    "/api/activity",
    "/api/events",
    "/api/exports",
    "/api/exports/feed",
    "/api/trackers",
    "/api/projects",
    "/api/sources",
    "/api/chats",
    "/api/webhook-settings",
    "/api/schema",
    "/api/schema/docs",
    "/api/schema/redoc",
]


def post_raw(client, address, data, content_type="application/json"):
    return client.post(address, data, content_type=content_type)


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_members_read_with_and_without_a_trailing_slash(api, project, address, slash):
    assert api.get(address + slash).status_code == 200


@pytest.mark.parametrize("address", ADDRESSES)
def test_strangers_are_asked_who_they_are(anybody, db, address):
    response = anybody.get(address)

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize(
    "address", ["/api/messages", "/api/tasks", "/api/analyze-day", "/api/webhook-settings"]
)
def test_strangers_change_nothing(anybody, db, address):
    assert anybody.post(address, {}, format="json").status_code == 401


def test_token_opens_the_api(anybody, member):
    token = Token.objects.create(user=member)
    anybody.credentials(HTTP_AUTHORIZATION=f"Token {token.key}")

    assert anybody.get("/api/tasks").status_code == 200


@pytest.mark.parametrize(
    "header", ["Token wrong", "Token", "Token a b", "Token \xff", "Basic eDp5"]
)
def test_wrong_token_is_refused(anybody, db, header):
    anybody.credentials(HTTP_AUTHORIZATION=header)

    assert anybody.get("/api/tasks").status_code == 401


def test_token_of_somebody_who_left_is_refused(anybody, member):
    token = Token.objects.create(user=member)
    member.is_active = False
    member.save()
    anybody.credentials(HTTP_AUTHORIZATION=f"Token {token.key}")

    assert anybody.get("/api/tasks").status_code == 401


def test_session_needs_a_csrf_token_to_change_something(member, project):
    client = APIClient(enforce_csrf_checks=True)
    client.login(username="olena", password="x")

    response = client.post("/api/tasks", {}, format="json")

    assert client.get("/api/tasks").status_code == 200
    assert response.status_code == 403
    assert response.json()["code"] == "permission_denied"


def test_member_of_nothing_sees_nothing_and_adds_nothing(api, member, project, make_issue):
    make_issue()
    member.projects.clear()
    task = {"title": "a", "category": "bug", "priority": "low"}

    assert api.get("/api/tasks").json()["count"] == 0
    assert api.post("/api/tasks", task, format="json").status_code == 403


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff\xfe",
        b'{"title": NaN}',
        b'{"title": ' + b"9" * 5000 + b"}",
        b"null",
        b"[]",
        b'"text"',
        b"1",
        b'{"title": "\\ud800", "category": "\\ud800", "priority": "\\udfff"}',
        b'{"\\ud800": 1}',
    ],
)
@pytest.mark.parametrize(
    "address",
    ["/api/messages", "/api/tasks", "/api/tasks/1/status", "/api/analyze-day?target_date=x"],
)
def test_body_that_makes_no_sense_is_a_bad_request(api, project, make_issue, address, data):
    if "/1/" in address:
        address = address.replace("1", str(make_issue().pk))
        response = api.put(address, data, content_type="application/json")
    else:
        response = post_raw(api, address, data)

    assert response.status_code == 400
    assert {"detail", "code"} <= set(response.json())


def test_text_that_no_database_can_keep_is_named(api, project):
    response = post_raw(api, "/api/tasks", b'{"title": "\\ud800"}')

    assert "title" in response.json()["errors"]


@pytest.mark.parametrize("charset", ["utf-8", "rot13", "base64", "nonsense", "undefined"])
def test_strange_charset_of_json_does_no_harm(api, project, charset):
    data = json.dumps({"title": "Кошик", "category": "bug", "priority": "low"}).encode()

    response = post_raw(api, "/api/tasks", data, f"application/json; charset={charset}")

    assert response.status_code == 201
    assert response.json()["title"] == "Кошик"


@pytest.mark.parametrize("address", ["/api/messages", "/api/tasks"])
def test_body_of_more_than_a_megabyte_is_too_large(api, project, address):
    response = post_raw(api, address, json.dumps({"title": "x" * 1_000_000}))

    assert response.status_code == 413
    assert response.json()["code"] == "too_large"


def test_body_is_bounded_under_asgi_too(member):
    headers = {"authorization": f"Token {Token.objects.create(user=member).key}"}
    task = {"title": "a", "category": "bug", "priority": "low"}

    def post(body):
        send = async_to_sync(AsyncClient().post)
        return send("/api/tasks", body, "application/json", headers=headers).status_code

    assert post({**task, "description": "x" * 1_000_000}) == 413
    assert post(task) == 201


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "text/xml", "nonsense"]
)
def test_other_content_type_is_not_supported(api, project, content_type):
    assert post_raw(api, "/api/tasks", b"title=a", content_type).status_code == 415


def test_unknown_address_answers_in_the_same_form(anybody, db):
    for response in (anybody.get("/api/nothing"), anybody.post("/api/a/b/c", {}, format="json")):
        assert response.status_code == 404
        assert response.json()["code"] == "not_found"


def test_wrong_method_is_said(api, project):
    assert api.delete("/api/tasks").status_code == 405


def test_refusals_speak_the_language_of_the_request(api, project):
    english = api.post("/api/tasks", {}, format="json", HTTP_ACCEPT_LANGUAGE="en").json()
    ukrainian = api.post("/api/tasks", {}, format="json", HTTP_ACCEPT_LANGUAGE="uk").json()

    assert english["errors"]["title"] == ["This field is required."]
    assert ukrainian["errors"]["title"] == ["Це поле обов’язкове."]


ugly_text = st.text(
    st.characters(exclude_categories=[]) | st.sampled_from("\0\ud800\u202e\u200b<>'\"%_\\"),
    max_size=60,
)
ugly_value = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | ugly_text
    | st.sampled_from(
        ["bug", "high", "urgent", "2025-10-05T10:20:00Z", "9999-12-31T23:59:59-12:00"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ugly_text, inner, max_size=3),
    max_leaves=6,
)
MESSAGE_FIELDS = [
    "id",
    "content",
    "author",
    "timestamp",
    "chat_id",
    "user_id",
    "avatar_url",
    "project",
]
TASK_FIELDS = ["title", "description", "category", "priority", "source", "project"]
GOOD = {
    "id": "1",
    "content": "text",
    "author": "Olena",
    "timestamp": "2025-10-05T10:20:00Z",
    "chat_id": "1",
    "title": "text",
    "category": "bug",
    "priority": "low",
}


@pytest.mark.parametrize(
    ("address", "fields"), [("/api/messages", MESSAGE_FIELDS), ("/api/tasks", TASK_FIELDS)]
)
@settings(
    max_examples=UGLY, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_ugly_input_never_breaks_the_server(api, project, address, fields, data):
    ugly = data.draw(st.dictionaries(st.sampled_from(fields), ugly_value, min_size=1, max_size=3))
    good = {name: value for name, value in GOOD.items() if name in fields}

    with transaction.atomic():
        response = post_raw(api, address, json.dumps({**good, **ugly}))

        assert response.status_code in {200, 201, 400, 404, 409}
        assert api.get(address).status_code == 200
        transaction.set_rollback(True)  # the next example is not a repeat of this one


@pytest.mark.parametrize(
    "address",
    ["/api/messages", "/api/tasks", "/api/activity", "/api/events", "/api/exports", "/api/chats"],
)
@settings(
    max_examples=UGLY, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    query=st.dictionaries(
        st.sampled_from(
            [
                "q",
                "author",
                "source",
                "chat",
                "category",
                "priority",
                "status",
                "date_from",
                "date_to",
                "ordering",
                "limit",
                "offset",
                "project",
                "period",
                "month",
                "year",
                "since",
                "task",
                "tracker",
                "is_superseded",
                "format",
            ]
        ),
        ugly_text.map(lambda text: text.encode("utf-8", "replace").decode())
        | st.integers().map(str)
        | st.dates().map(str),
        max_size=4,
    )
)
def test_ugly_queries_never_break_the_server(api, project, address, query):
    assert api.get(address, query).status_code in {200, 400, 404}
