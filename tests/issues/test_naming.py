"""What a report names becomes the issue's entities and labels."""

import pytest

from apps.issues.models import Issue
from apps.issues.naming import labels_of
from apps.issues.triage import file
from apps.sources.models import GlossaryTerm

REPORT = "Після 2.4.1 у білінгу впав postgres, вхід через Фортецю не працює"


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
