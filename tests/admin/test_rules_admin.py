"""Rules in the admin: refused when they cannot work, tried before they are saved, and nobody else's."""

import pytest
from django.urls import reverse
from django.utils import timezone, translation

from apps.messages.classify import classify
from apps.messages.models import Rule
from apps.sources.models import Chat, Source
from tests.admin.rule_pages import ADD, LIST, OUTAGE, page_of, post, words


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
