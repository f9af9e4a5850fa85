"""What a report names becomes the issue's entities and labels."""

import pytest

from apps.issues.models import Issue
from apps.issues.naming import entities_of, labels_of
from apps.issues.triage import file
from apps.messages.models import Classification
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


def test_an_issue_gets_labels_of_tags_projects_and_technologies(make_message, project):
    GlossaryTerm.objects.create(project=project, name="Billing", aliases="білінг*")
    report = make_message(
        REPORT, status="actionable", category="bug", priority="high", tags=["night shift"]
    )

    file([report])

    assert Issue.objects.get().labels == ["night shift", "Billing", "PostgreSQL"]


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("C++", "C++"),
        (".NET", ".NET"),
        ("Node.js", "Node.js"),
        ("<script>alert(1)</script>", "script alert 1 /script"),
        ("=cmd|' /C calc'!A0", "cmd ' /C calc' A0"),
        ("[click](https://x.example)", "click https://x.example"),
        ("a\nb,c;d", "a b c d"),
        ("я" * 60, "я" * 50),
        ("**bold**", "bold"),
        ("@", None),
    ],
)
def test_a_label_is_a_short_plain_word(word, label):
    assert labels_of({}, [word]) == ([label] if label else [])


def test_labels_are_few_and_each_stands_once():
    entities = {"technologies": [{"surface": "кафку", "normal": "Kafka"}] * 2}

    assert labels_of(entities, ["kafka"]) == ["kafka"]
    assert len(labels_of(entities, [f"tag {number}" for number in range(30)])) == 10
    assert labels_of({"technologies": "broken", "projects": None}) == []


def test_who_should_do_it_and_how_soon_is_kept_as_a_suggestion_and_sets_nothing(make_message):
    text = "Логін падає, терміново! Хай Іван візьме"
    file([make_message(text, status="actionable", category="bug", priority="low")])

    issue = Issue.objects.get()
    assert issue.entities["assignees"] == [{"surface": "Іван", "normal": "Іван"}]
    assert issue.entities["urgency"] == [{"surface": "терміново", "normal": "high"}]
    assert issue.priority == "low"
    assert issue.labels == []
