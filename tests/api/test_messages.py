from datetime import timedelta

import pytest
from django.utils import timezone

from apps.messages.models import Classification, Message
from apps.sources.models import Source
from tests.api.conftest import NOON


def body(**changes):
    return {
        "id": "abc-1",
        "content": "The cart is empty",
        "author": "Olena",
        "timestamp": "2025-10-05T10:20:00Z",
        "chat_id": "-100",
        **changes,
    }


def test_posted_message_is_stored_and_waits_for_the_pipeline(api, project):
    response = api.post("/api/messages", body(), format="json")

    message = Message.objects.get()
    assert response.status_code == 201
    assert response.json() == {"status": "message received", "id": message.pk}
    assert (message.project, message.status) == (project, Message.Status.RECEIVED)
    assert message.source.kind == "api"


def test_same_message_again_is_stored_once(api, project):
    first = api.post("/api/messages", body(), format="json")
    second = api.post("/api/messages/", body(), format="json")

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["id"] == second.json()["id"]
    assert Message.objects.count() == 1


def test_posted_message_is_listed_under_the_names_of_the_contract(api, project):
    avatar = "https://example.org/a.png"
    made = api.post("/api/messages", body(user_id=5, avatar_url=avatar), format="json").json()

    [row] = api.get("/api/messages").json()["results"]
    assert row["id"] == made["id"]
    assert row["external_message_id"] == "abc-1"
    assert row["content"] == "The cart is empty"
    assert row["author"] == "Olena"
    assert row["source_name"] == "API"
    assert row["avatar_url"] == avatar
    assert (row["analyzed"], row["persisted"]) == (False, True)
    assert (row["project"], row["chat"], row["status"]) == ("shop", "-100", "received")


def test_member_of_several_projects_must_say_which(api, member, project, other_project):
    other_project.members.add(member)

    refused = api.post("/api/messages", body(), format="json")
    stored = api.post("/api/messages", body(project="bank"), format="json")

    assert refused.status_code == 400
    assert "bank, shop" in refused.json()["errors"]["project"][0]
    assert stored.status_code == 201
    assert Message.objects.get().project == other_project


def test_somebody_elses_project_does_not_exist(api, project, other_project):
    assert api.post("/api/messages", body(project="bank"), format="json").status_code == 404
    assert api.get("/api/messages?project=bank").status_code == 404
    assert api.get("/api/messages?project=%00").status_code == 404


def test_chat_that_is_not_monitored_is_refused(api, project):
    api.post("/api/messages", body(), format="json")
    Source.objects.get().chats.update(state="off")

    response = api.post("/api/messages", body(id="abc-2"), format="json")

    assert response.status_code == 409
    assert response.json()["code"] == "not_monitored"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("content", ""),
        ("content", "   "),
        ("content", None),
        ("content", ["a"]),
        ("content", "a\0b"),
        ("content", "x" * 20_001),
        ("author", "x" * 201),
        ("author", ""),
        ("id", "x" * 91),
        ("id", ""),
        ("chat_id", "x" * 91),
        ("timestamp", "yesterday"),
        ("timestamp", "0001-01-01T00:00:00+14:00"),
        ("timestamp", "9999-12-31T23:59:59Z"),
        ("timestamp", 10**30),
        ("avatar_url", "javascript:alert(1)"),
        ("project", "x" * 101),
    ],
)
def test_bad_field_is_named_and_nothing_is_stored(api, project, field, value):
    response = api.post("/api/messages", body(**{field: value}), format="json")

    assert response.status_code == 400
    assert list(response.json()["errors"]) == [field]
    assert response.json()["code"] == "invalid"
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "'; DROP TABLE x; --", "\u202eabc\u200b", "%_\\"]
)
def test_text_is_kept_as_it_was_written(api, project, text):
    api.post("/api/messages", body(content=text, author=text), format="json")

    [row] = api.get("/api/messages", {"q": text}).json()["results"]
    assert (row["content"], row["author"]) == (text, text)


def test_list_shows_only_own_projects_newest_first(api, say, project, other_project):
    older = say(project)
    newer = say(project, sent_at=NOON + timedelta(hours=1))
    say(other_project)

    listed = api.get("/api/messages").json()

    assert listed["count"] == 2
    assert [row["id"] for row in listed["results"]] == [newer.pk, older.pk]


def test_one_message_shows_its_classifications(api, say, project, other_project):
    message, foreign = say(project), say(other_project)
    Classification.objects.create(
        message=message,
        classifier="rules",
        version="1",
        category="bug",
        priority="high",
        confidence=1,
    )

    shown = api.get(f"/api/messages/{message.pk}").json()

    assert [answer["classifier"] for answer in shown["classifications"]] == ["rules"]
    assert api.get(f"/api/messages/{foreign.pk}").status_code == 404


def test_days_begin_and_end_in_the_zone_of_the_project(api, say, project):
    before_midnight = say(project, sent_at=NOON.replace(hour=20, minute=59))
    after_midnight = say(project, sent_at=NOON.replace(hour=21))

    def listed(**query):
        return [row["id"] for row in api.get("/api/messages", query).json()["results"]]

    assert listed(date_to="2025-10-05") == [before_midnight.pk]
    assert listed(date_from="2025-10-06") == [after_midnight.pk]
    assert listed(date_from="2025-10-05", date_to="2025-10-06") == [
        after_midnight.pk,
        before_midnight.pk,
    ]


@pytest.mark.parametrize(
    "query",
    [
        "date_from=2025-13-01",
        "date_from=05.10.2025",
        "date_to=0000-00-00",
        "date_to=9999-12-31",
        "date_from=0001-01-01",
        "author=a%00b",
        "q=%00",
        "source=%00",
        "chat=%00",
        "category=chore",
        "status=open",
        "ordering=text",
        "ordering=%00",
        "is_superseded=%00&q=%00",
    ],
)
def test_bad_filter_is_refused(api, project, query):
    response = api.get(f"/api/messages?{query}")

    assert response.status_code == 400
    assert set(response.json()) == {"detail", "code", "errors"}


def test_filters_narrow_the_list(api, say, project):
    wanted = say(project, "Кошик порожній", author_name="Олена", source="Чат")
    say(project, "50 percent", author_name="Petro")
    Message.objects.filter(pk=wanted.pk).update(category="bug", priority="high", status="filed")

    for query in (
        {"q": "кошИК"},
        {"author": "олен"},
        {"source": "чат"},
        {"category": "bug"},
        {"priority": "high"},
        {"status": "filed"},
        {"status": ["filed", "noise"]},
    ):
        rows = api.get("/api/messages", query).json()["results"]
        assert [row["id"] for row in rows] == [wanted.pk], query


def test_percent_and_underscore_in_a_search_mean_themselves(api, say, project):
    literal = say(project, "50% off_line", author_name="a_b")
    say(project, "50 offXline", author_name="aXb")

    for query in ({"q": "50%"}, {"q": "off_line"}, {"author": "a_b"}):
        rows = api.get("/api/messages", query).json()["results"]
        assert [row["id"] for row in rows] == [literal.pk], query


def test_text_that_an_edit_replaced_is_left_out(api, say, project):
    original = say(project, "teh cart", number=7)
    edited = say(project, "the cart", number=7, edit=1759656000)

    shown = api.get("/api/messages").json()["results"]
    replaced = api.get("/api/messages?is_superseded=true").json()["results"]

    assert [row["id"] for row in shown] == [edited.pk]
    assert [row["id"] for row in replaced] == [original.pk]


@pytest.mark.parametrize("limit", ["1000000", "-1", "x", "9" * 5000])
def test_page_is_never_larger_than_200(api, project, say, limit):
    say(project)

    response = api.get("/api/messages", {"limit": limit, "offset": "9" * 30})

    assert response.status_code == 200
    assert response.json()["results"] == []


def test_list_costs_the_same_for_one_and_for_many(api, say, project, django_assert_max_num_queries):
    for _ in range(5):
        say(project)

    with django_assert_max_num_queries(2):  # the page, and how many there are
        assert len(api.get("/api/messages").json()["results"]) == 5


def test_filters_tell_what_there_is(api, say, project, other_project):
    say(project, author_name="Петро", source="telegram")
    say(project, author_name="Olena", source="mail", sent_at=NOON + timedelta(days=2))
    say(other_project, author_name="Stranger", source="secret")

    filters = api.get("/api/messages/filters").json()

    assert filters["authors"] == ["Olena", "Петро"]
    assert filters["sources"] == ["mail", "telegram"]
    assert filters["total_messages"] == 2
    assert filters["date_range"] == {"earliest": "2025-10-05", "latest": "2025-10-07"}


def test_filters_of_an_empty_project_are_empty(api, project):
    filters = api.get("/api/messages/filters/").json()

    assert (filters["authors"], filters["total_messages"]) == ([], 0)
    assert filters["date_range"] == {"earliest": None, "latest": None}


def test_person_says_what_a_message_really_is(api, say, project):
    message = say(project)

    response = api.patch(
        f"/api/messages/{message.pk}", {"category": "bug", "priority": "high"}, format="json"
    )

    assert response.status_code == 200
    assert response.json()["status"] == "actionable"
    assert (response.json()["category"], response.json()["decided_by"]) == ("bug", "person")


def test_message_without_an_answer_needs_a_category(api, say, project):
    response = api.patch(f"/api/messages/{say(project).pk}", {"priority": "low"}, format="json")

    assert list(response.json()["errors"]) == ["category"]


def test_failed_message_is_read_again(api, say, project):
    message = say(project)
    Message.objects.filter(pk=message.pk).update(status="failed")

    assert api.post(f"/api/messages/{message.pk}/retry").json()["status"] == "received"


def test_message_at_work_cannot_be_read_again(api, say, project):
    response = api.post(f"/api/messages/{say(project).pk}/retry")

    assert response.status_code == 409
    assert response.json()["code"] == "wrong_transition"


def test_timestamp_without_a_zone_is_utc(api, project):
    api.post("/api/messages", body(timestamp="2025-10-05T10:20:00"), format="json")

    assert Message.objects.get().sent_at.isoformat() == "2025-10-05T10:20:00+00:00"


def test_message_from_tomorrow_is_refused(api, project):
    later = timezone.now() + timedelta(days=2)

    response = api.post("/api/messages", body(timestamp=later.isoformat()), format="json")

    assert list(response.json()["errors"]) == ["timestamp"]


def test_what_waits_for_a_yes_is_listed_only_when_it_is_asked_for(api, project, say):
    Message.objects.filter(pk=say(project, "held").pk).update(status="held")
    say(project, "read")

    assert [row["content"] for row in api.get("/api/messages").json()["results"]] == ["read"]
    asked = api.get("/api/messages?status=held").json()["results"]
    assert [row["content"] for row in asked] == ["held"]
    assert api.get("/api/messages/filters").json()["total_messages"] == 1
