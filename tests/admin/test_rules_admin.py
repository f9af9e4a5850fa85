"""Rules in the admin: refused when they cannot work, tried before they are saved, and nobody else's."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from apps.messages import trial
from apps.messages.classify import classify
from apps.messages.models import Message, Rule
from apps.sources.models import Chat, Source

LIST = "admin:chat_messages_rule_changelist"
ADD = reverse("admin:chat_messages_rule_add")
TRY = reverse("admin:chat_messages_rule_try")
OUTAGE = "Прод лежить, 502 на всіх сторінках"


@pytest.fixture
def make_rule(project):
    def make(**values):
        return Rule.objects.create(**{"name": "Rule", "project": project, **values})

    return make


@pytest.fixture
def values(project):
    return {
        "project": project.pk,
        "name": "Outage",
        "position": "10",
        "is_active": "on",
        "contains": "прод лежить",
        "category": "question",
    }


@pytest.fixture
def recent(make_message):
    """Messages of the last hours."""

    def make(text=OUTAGE, **changes):
        decided = {"category": "bug", "priority": "high", "status": "actionable"}
        message = make_message(text, **{**decided, **changes})
        Message.objects.filter(pk=message.pk).update(sent_at=timezone.now() - timedelta(hours=1))
        return message

    return make


def page_of(rule):
    return reverse("admin:chat_messages_rule_change", args=[rule.pk])


def words(response):
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def post(client, values, address=ADD, language="en", **more):
    return client.post(address, {**values, **more}, headers={"Accept-Language": language})


def test_an_operator_makes_a_rule(operator, values):
    response = post(operator, values)

    assert response.status_code == 302
    rule = Rule.objects.get()
    assert (rule.name, rule.phrases, rule.category) == ("Outage", ("прод лежить",), "question")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"contains": ""}, "at least one condition"),
        ({"category": ""}, "at least one action"),
        ({"pattern": "(a"}, "a closing bracket is missing, at character 3"),
        ({"pattern": "(a{1000}){1000}"}, "too many repetitions"),
        ({"contains": "прод\n***"}, "Each phrase needs a word."),
        ({"is_ignored": "on"}, "needs no category"),
    ],
)
def test_a_rule_that_cannot_work_is_refused(operator, values, changes, said):
    page = words(post(operator, values, **changes))

    assert said in page
    assert not Rule.objects.exists()


def test_a_rule_that_routes_to_its_own_project_is_refused(operator, values, project):
    assert "in this project already" in words(post(operator, values, route_to=project.pk))


def test_a_chat_whose_messages_belong_elsewhere_is_refused(administrator, values, other_project):
    source = Source.objects.create(project=other_project, kind="file_import", name="Other")
    chat = Chat.objects.create(source=source, external_id="-2", title="Other")

    assert "belong to another project" in words(post(administrator, values, chat=chat.pk))


def test_a_bad_expression_is_explained_in_the_readers_language(operator, values):
    page = words(post(operator, values, pattern="(a", language="uk"))

    with translation.override("uk"):
        expected = translation.gettext("a closing bracket is missing")
    assert expected in page


# Trying


def test_a_text_is_tried_before_the_rule_is_saved(operator, values):
    page = words(post(operator, values, _try="text", try_text="ПРОД лежить, гляньте"))

    assert "This rule fires." in page
    assert "ПРОД лежить" in page
    assert not Rule.objects.exists()


def test_a_trial_says_which_condition_did_not_hold(operator, values):
    page = words(
        post(operator, values, author="olena", _try="text", try_text=OUTAGE, try_author="ihor")
    )

    assert "No rule fires; the models decide." in page
    assert "author is “olena”" in page


def test_a_trial_says_which_earlier_rule_takes_the_text(operator, values, make_rule):
    make_rule(name="Sooner", position=1, contains="прод", priority="low")

    page = words(post(operator, values, _try="text", try_text=OUTAGE))

    assert "Another rule comes first: “Sooner”." in page


def test_a_trial_of_a_saved_rule_changes_nothing(operator, values, make_rule):
    rule = make_rule(name="Before", contains="каса", category="bug")

    page = words(post(operator, values, page_of(rule), _try="text", try_text=OUTAGE))

    assert "This rule fires." in page
    rule.refresh_from_db()
    assert (rule.name, rule.contains) == ("Before", "каса")


def test_a_trial_without_a_text_asks_for_one(operator, values):
    assert "Paste a text to try." in words(post(operator, values, _try="text", try_text=" "))


def test_a_trial_of_a_bad_expression_says_what_is_wrong(operator, values):
    assert "a closing bracket is missing" in words(post(operator, values, pattern="(", _try="week"))


def test_a_week_is_tried_with_counts_and_what_would_change(operator, values, recent, make_issue):
    make_issue(message=recent())
    recent()
    recent("Каса не друкує чеки")

    page = words(post(operator, values, _try="week"))

    assert "2 of 3 messages; 1 of them is in an issue today" in page
    assert "Question · High" in page
    assert not Rule.objects.exists()
    assert set(Message.objects.values_list("category", flat=True)) == {"bug"}


def test_a_week_tells_how_many_an_earlier_rule_takes(operator, values, recent, make_rule):
    make_rule(name="Sooner", position=1, contains="прод", priority="low")
    recent()

    page = words(post(operator, values, _try="week"))

    assert "0 of 1 message" in page
    assert "1 more fits, but “Sooner” comes first." in page


def test_a_week_stops_at_a_number_and_says_so(operator, values, recent, monkeypatch):
    monkeypatch.setattr(trial, "MOST", 2)
    for _number in range(3):
        recent()

    assert "2 of 2 messages" in words(post(operator, values, _try="week"))


def test_a_week_stops_after_some_seconds_and_says_so(operator, values, recent, monkeypatch):
    monkeypatch.setattr(trial, "LONGEST", -1.0)
    recent()

    assert "only the newest messages were looked at" in words(post(operator, values, _try="week"))


def test_a_week_names_an_expression_that_takes_too_long(operator, values, recent):
    recent("a" * 5000 + "b")

    page = words(post(operator, values, contains="", pattern="(a+)+$", _try="week"))

    assert "This expression takes too long" in page


def test_a_quiet_project_is_tried_on_its_newest_messages(operator, values, make_message, recent):
    for _number in range(2):
        make_message(OUTAGE, category="bug", priority="high")  # months ago
    recent("Каса не друкує чеки")

    page = words(post(operator, values, _try="week"))

    assert "2 of 3 messages" in page
    assert "The last week has 1 message, too few to tell: tried on the newest 3 instead." in page


def test_a_lively_project_is_tried_on_its_last_week(
    operator, values, make_message, recent, monkeypatch
):
    monkeypatch.setattr(trial, "FEW", 1)
    make_message(OUTAGE, category="bug", priority="high")  # months ago
    recent()

    page = words(post(operator, values, _try="week"))

    assert "1 of 1 message" in page
    assert "too few to tell" not in page


def test_what_is_too_long_is_not_called_missing(operator, values):
    page = words(post(operator, values, contains="а" * 2001))

    assert "at most 2000 characters" in page
    assert "at least one condition" not in page


def test_a_week_without_messages_says_so(operator, values):
    assert "The project has no messages yet." in words(post(operator, values, _try="week"))


def test_messages_of_a_trial_are_shown_as_text(operator, values, recent):
    recent("Прод лежить <script>alert(1)</script>")

    page = words(post(operator, values, _try="week"))

    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_what_a_person_has_set_would_stay(operator, values, recent):
    recent(locked_fields=["category", "priority"])

    assert "the same" in words(post(operator, values, _try="week"))


# What a rule did


def test_the_page_of_a_message_names_the_rule_and_the_tags(operator, make_message, make_rule):
    make_rule(name="Тиша <b>", contains="прод", is_ignored=True, tag="quiet-hours")
    message = make_message(OUTAGE)
    classify([message])

    page = words(operator.get(reverse("admin:chat_messages_message_change", args=[message.pk])))

    assert "by rule “Тиша &lt;b&gt;”" in page
    assert "quiet-hours" in page


def test_the_page_of_a_routed_message_does_not_name_the_other_projects_rule(
    operator, make_message, project, other_project, chat
):
    Rule.objects.create(project=other_project, name="Secret", contains="прод", route_to=project)
    message = make_message(OUTAGE, project=other_project)
    classify([message])

    page = words(operator.get(reverse("admin:chat_messages_message_change", args=[message.pk])))

    assert "by a rule of another project" in page
    assert "Secret" not in page


# All rules


@pytest.mark.parametrize("language", ["uk", "en"])
def test_the_page_of_all_rules_opens_for_a_viewer(viewer, make_rule, language):
    make_rule(contains="прод", is_ignored=True)

    response = viewer.get(TRY, headers={"Accept-Language": language})

    assert response.status_code == 200


def test_all_rules_are_tried_on_a_text(viewer, project, make_rule):
    make_rule(name="No", position=1, contains="каса", is_ignored=True)
    make_rule(name="Yes", position=2, contains="прод", is_ignored=True)

    page = words(post(viewer, {"project": project.pk}, TRY, run="text", try_text=OUTAGE))

    assert "“Yes” fires." in page
    assert "contains “каса”" in page


def test_all_rules_are_tried_on_a_week(viewer, project, make_rule, recent):
    make_rule(name="Yes", contains="прод", is_ignored=True)
    recent()

    page = words(post(viewer, {"project": project.pk}, TRY, run="week"))

    assert "<strong>Yes</strong>: 1 of 1 message" in page
    assert "Info · Low" in page


def test_another_projects_rules_cannot_be_tried(operator, other_project):
    page = words(post(operator, {"project": other_project.pk}, TRY, run="week"))

    assert "Kvit Bank" not in page
    assert "What would happen" not in page


# Who sees what


@pytest.fixture
def foreign_rule(other_project):
    return Rule.objects.create(project=other_project, name="Secret", contains="x", tag="secret")


def test_a_rule_of_another_project_is_not_there(operator, foreign_rule):
    assert "Secret" not in words(operator.get(reverse(LIST)))
    assert operator.get(page_of(foreign_rule)).status_code == 302
    post(operator, {"name": "Mine"}, page_of(foreign_rule))
    foreign_rule.refresh_from_db()
    assert foreign_rule.name == "Secret"


def test_a_member_cannot_route_to_a_project_that_is_not_theirs(operator, values, other_project):
    page = words(post(operator, values, route_to=other_project.pk))

    assert "Kvit Bank" not in page
    assert not Rule.objects.exists()


def test_a_route_that_a_member_cannot_see_is_kept_and_not_named(
    operator, values, make_rule, other_project
):
    rule = make_rule(contains="прод", route_to=other_project)

    assert "Kvit Bank" not in words(operator.get(page_of(rule)))
    assert "Kvit Bank" not in words(operator.get(reverse(LIST)))
    page = words(post(operator, values, page_of(rule), _try="text", try_text=OUTAGE))
    assert "Kvit Bank" not in page
    assert post(operator, values, page_of(rule)).status_code == 302
    rule.refresh_from_db()
    assert (rule.name, rule.route_to) == ("Outage", other_project)


def test_a_viewer_looks_and_saves_nothing(viewer, values, make_rule):
    rule = make_rule(contains="прод", tag="x")

    assert "Try on the text" not in words(viewer.get(page_of(rule)))
    assert post(viewer, values, page_of(rule)).status_code == 403
    assert post(viewer, values, ADD).status_code == 403


def test_the_order_is_changed_in_the_list(operator, make_rule):
    rule = make_rule(contains="прод", tag="x")
    form = {
        "form-TOTAL_FORMS": "1",
        "form-INITIAL_FORMS": "1",
        "form-0-id": rule.pk,
        "form-0-position": "5",
        "form-0-is_active": "on",
        "_save": "Save",
    }

    assert operator.post(reverse(LIST), form).status_code == 302

    rule.refresh_from_db()
    assert rule.position == 5


def test_a_rule_that_was_too_slow_says_so_until_its_expression_changes(operator, values, make_rule):
    rule = make_rule(pattern="(a+)+$", tag="x", timeouts=3, last_timeout_at=timezone.now())

    assert "took too long 3 times" in words(operator.get(page_of(rule)))
    assert "Too slow" in words(operator.get(reverse(LIST)))
    post(operator, values, page_of(rule), pattern="a+$")

    rule.refresh_from_db()
    assert rule.timeouts == 0
