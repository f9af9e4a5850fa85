"""What a message names: found locally, and what a language model added."""

import pytest

from apps.messages.models import Classification
from apps.messages.naming import entities_of
from apps.sources.models import GlossaryTerm

REPORT = "Після 2.4.1 у білінгу впав postgres, вхід через Фортецю не працює"


def answered(message, entities, **changes):
    values = {"classifier": "llm", "version": "1", "category": "bug", "priority": "high"}
    return Classification.objects.create(
        message=message, confidence=0.9, entities=entities, **{**values, **changes}
    )


def named(message):
    return {
        kind: [(item["surface"], item["normal"]) for item in items]
        for kind, items in entities_of(message).items()
        if items
    }


def test_a_report_is_read_with_the_glossary_of_its_project(make_message, project, other_project):
    GlossaryTerm.objects.create(project=project, name="Billing", aliases="білінг*")
    GlossaryTerm.objects.create(project=other_project, name="Foreign", aliases="вхід")

    assert named(make_message(REPORT)) == {
        "projects": [("білінгу", "Billing")],
        "technologies": [("postgres", "PostgreSQL")],
        "versions": [("2.4.1", "2.4.1")],
    }


def test_words_that_a_model_found_join_the_local_ones(make_message, project):
    GlossaryTerm.objects.create(project=project, name="Fortress SSO", aliases="фортец*")
    message = make_message(REPORT)
    answered(message, {"technologies": ["postgres"], "projects": ["Фортецю", "білінгу"]})

    found = named(message)

    assert found["technologies"] == [("postgres", "PostgreSQL")]
    assert found["projects"] == [("Фортецю", "Fortress SSO"), ("білінгу", "білінгу")]


@pytest.mark.parametrize(
    "said",
    [
        {"secrets": ["впав"]},
        {"technologies": ["Oracle"]},
        {"technologies": "postgres"},
        {"technologies": [{"surface": "впав"}, None, 5, "", "  "]},
        {"technologies": [REPORT * 3]},
        {"technologies": None},
        ["впав"],
    ],
)
def test_what_is_not_in_the_text_is_not_believed(make_message, said):
    message = make_message(REPORT)
    before = named(message)
    answered(message, said)

    assert named(message) == before


def test_the_newest_answer_with_entities_counts(make_message):
    message = make_message(REPORT)
    answered(message, {"people": ["вхід"]})
    answered(message, {"people": ["Фортецю"]})
    answered(message, {}, classifier="person")

    assert named(message)["people"] == [("Фортецю", "Фортецю")]


def test_an_author_who_takes_it_is_named_and_a_bot_is_not(make_message):
    assert named(make_message("я візьму"))["assignees"] == [("я візьму", "Олена")]
    assert named(make_message("я візьму", is_from_bot=True)) == {}


@pytest.mark.parametrize(
    "text",
    [
        "[FIRING:1] HighMemory smachno-api (prod)",
        "[RESOLVED] HighErrorRate smachno-api (prod)",
        "**Firing**\n\nLabels:\n - alertname = DiskFillsSoon\n - service = smachno-api",
    ],
)
def test_the_name_of_an_alert_is_no_project(make_message, text):
    found = named(make_message(text, is_from_bot=True))

    assert found["projects"] == [("smachno-api", "smachno-api")]


def test_a_project_of_the_glossary_may_name_its_alert(make_message, project):
    GlossaryTerm.objects.create(project=project, name="SmachnoBill", aliases="")

    found = named(make_message("[FIRING:1] SmachnoBill (prod)", is_from_bot=True))

    assert found["projects"] == [("SmachnoBill", "SmachnoBill")]


def test_what_a_watch_calls_down_is_a_project(make_message):
    found = named(make_message("Monitor is DOWN: PayHub (https://pay.example)", is_from_bot=True))

    assert found["projects"] == [("PayHub", "PayHub")]
