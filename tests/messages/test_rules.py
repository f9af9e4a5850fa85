"""Rules settle only what is certain."""

import pytest

from apps.messages.classifiers.base import Sample
from apps.messages.classifiers.rules import Rule, RulesClassifier


def answer(text, *rules):
    (verdict,) = RulesClassifier(rules).classify([Sample(text)])
    return verdict and (verdict.category, verdict.priority)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \u200b",
        "👍",
        "🔥🔥🔥",
        "ок",
        "+",
        "Дякую! 🙏",
        "Всім доброго ранку",
        "thank you so much",
        "hi team",
    ],
)
def test_text_that_says_nothing_is_info(text):
    assert answer(text) == ("info", "low")


@pytest.mark.parametrize(
    "text",
    [
        "??",
        "502",
        "лежимо",
        "ок?",
        "API down",
        "дякую, але не працює",
        "good",
        "hi, checkout is broken",
        "ні",
    ],
)
def test_text_that_may_say_something_is_left_to_the_next_classifier(text):
    assert answer(text) is None


def test_rule_of_the_project_comes_before_the_built_in_ones():
    assert answer("дякую", Rule("дякую", "feature", "high")) == ("feature", "high")


@pytest.mark.parametrize("text", ["ІНЦИДЕНТ на проді", "два інциденти", "закрили інцидентом"])
def test_star_stands_for_any_ending(text):
    assert answer(text, Rule("інцидент*", "bug", "critical")) == ("bug", "critical")


def test_phrase_matches_whole_words_only():
    rule = Rule("prod down", "bug", "critical")

    assert answer("Prod   DOWN!", rule) == ("bug", "critical")
    assert answer("preprod downgrade", rule) is None


def test_pattern_is_never_a_regular_expression():
    rule = Rule("(a+)+$ v1.2", "bug")

    assert answer("aaaa v1.2", rule) is None
    assert answer("see (a+)+$ v1.2", rule) == ("bug", "medium")


@pytest.mark.parametrize(
    "wrong", [("x", "chore", "low"), ("x", "bug", "urgent"), ("!*", "bug", "low")]
)
def test_rule_that_cannot_work_is_refused(wrong):
    with pytest.raises(ValueError, match=r"no category|needs a word"):
        Rule(*wrong)


def test_first_matching_rule_wins():
    rules = (Rule("invoice", "question"), Rule("invoice broken", "bug"))

    assert answer("invoice broken", *rules) == ("question", "medium")
