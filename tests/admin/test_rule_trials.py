"""Rules are tried before they are saved, and all of them together."""

import pytest

from apps.messages import trial
from apps.messages.models import Message, Rule
from tests.admin.rule_pages import OUTAGE, TRY, page_of, post, words


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
