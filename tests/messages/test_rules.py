"""Rules settle only what is certain, look at nothing that a sender could break them with, and say why."""

import time

import pytest

from apps.messages.classifiers.base import Sample
from apps.messages.classifiers.rules import (
    PATIENCE_FOR_ALL,
    Facts,
    Rule,
    RulesClassifier,
    first_that_fits,
    problem_of,
)

CATASTROPHE = r"(a+)+$"


def answer(text):
    (verdict,) = RulesClassifier().classify([Sample(text)])
    return verdict and (verdict.category, verdict.priority)


def rule(**conditions):
    return Rule(**{"id": 1, "name": "rule", "category": "bug", **conditions})


def fits(text, **conditions):
    return rule(**conditions).fits(Facts(text))


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


@pytest.mark.parametrize("text", ["ІНЦИДЕНТ на проді", "два інциденти", "закрили інцидентом"])
def test_star_stands_for_any_ending(text):
    assert fits(text, contains=("інцидент*",))


def test_phrase_matches_whole_words_only():
    assert fits("Prod   DOWN!", contains=("prod down",))
    assert not fits("preprod downgrade", contains=("prod down",))


def test_one_of_the_phrases_is_enough():
    assert fits("оплата лежить", contains=("prod down", "оплата"))


def test_phrase_is_never_a_regular_expression():
    assert not fits("aaaa v1.2", contains=("(a+)+$ v1.2",))
    assert fits("see (a+)+$ v1.2", contains=("(a+)+$ v1.2",))


def test_stars_inside_a_word_cannot_hold_up_a_worker():
    started = time.perf_counter()

    assert not fits("a" * 10_000, contains=("*".join("a" * 40) + "b",))

    assert time.perf_counter() - started < 0.5


def test_stars_alone_are_words_and_cannot_hold_up_a_worker():
    assert fits("the whole shop is down", contains=("shop * down",))
    assert not fits("shop down", contains=("shop * down",))
    started = time.perf_counter()

    assert not fits("a" + " " * 9_998, contains=("* * * * x",))

    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    ("conditions", "facts"),
    [
        ({"pattern": r"order #\d{4,}"}, {"text": "Order #45211 is stuck"}),
        ({"pattern": "^оплата"}, {"text": "привіт\nОплата не йде"}),
        ({"author": "@Olena"}, {"text": "x", "author": "olena"}),
        ({"author": "7"}, {"text": "x", "author": "Олена", "author_id": "7"}),
        ({"chat_id": 3}, {"text": "x", "chat_id": 3}),
        ({"language": "uk"}, {"text": "не можу зайти в checkout"}),
        ({"entity": "Kafka"}, {"text": "x", "names_of": lambda: {"kafka", "кафку"}}),
    ],
)
def test_each_condition_can_hold(conditions, facts):
    assert rule(**conditions).fits(Facts(**facts))


@pytest.mark.parametrize(
    ("conditions", "facts"),
    [
        ({"pattern": r"order #\d{4,}"}, {"text": "Order #45 is stuck"}),
        ({"author": "Olena"}, {"text": "x", "author": "Olena K"}),
        ({"chat_id": 3}, {"text": "x", "chat_id": 4}),
        ({"chat_id": 3}, {"text": "x"}),
        ({"language": "en"}, {"text": "не можу зайти"}),
        ({"entity": "Kafka"}, {"text": "x", "names_of": lambda: {"redis"}}),
    ],
)
def test_each_condition_can_fail(conditions, facts):
    assert not rule(**conditions).fits(Facts(**facts))


def test_all_conditions_must_hold():
    assert fits("prod down", contains=("prod",), language="en")
    assert not fits("prod down", contains=("prod",), language="uk")


def test_rule_without_conditions_never_fits():
    assert not fits("anything")


def test_names_are_looked_for_only_when_the_cheaper_conditions_hold():
    def names_of():
        raise AssertionError("nobody needs the names")

    assert not rule(contains=("y",), entity="kafka").fits(Facts("x", names_of=names_of))


def test_first_rule_that_fits_wins():
    rules = [
        rule(name="no", contains=("refund",)),
        rule(name="first", contains=("invoice",)),
        rule(name="second", contains=("invoice broken",)),
    ]

    assert first_that_fits(rules, Facts("invoice broken")).name == "first"


@pytest.mark.parametrize(
    "text",
    ["prod\u200b down", "p\u200bro\u200dd down", "\u202eprod\u202c down", "\u2066prod down\u2069"],
)
def test_invisible_characters_do_not_hide_a_phrase_or_a_match(text):
    assert fits(text, contains=("prod down",))
    assert fits(text, pattern="prod down")


def test_expression_that_takes_too_long_does_not_fit_and_is_named():
    facts = Facts("a" * 5000 + "b")
    started = time.perf_counter()

    assert not rule(pattern=CATASTROPHE).fits(facts)

    assert time.perf_counter() - started < 0.5
    assert facts.timed_out == {CATASTROPHE}


def test_many_slow_expressions_cost_no_more_than_a_few():
    rules = [rule(pattern=f"(a+)+{number}$") for number in range(60)]
    started = time.perf_counter()

    assert first_that_fits(rules, Facts("a" * 5000 + "b")) is None

    assert time.perf_counter() - started < 1.5


def test_names_that_are_slow_to_find_leave_expressions_their_time():
    def names():
        time.sleep(PATIENCE_FOR_ALL + 0.01)
        return {"order"}

    facts = Facts("order stuck", names_of=names)
    rules = [rule(pattern="order", entity="kafka"), rule(name="second", pattern="stuck")]

    assert first_that_fits(rules, facts).name == "second"
    assert not facts.timed_out


def test_long_text_is_looked_at_up_to_a_limit():
    text = "слово " * 1600 + "кінець"  # 9,606 characters

    assert fits(text, pattern="кінець$")
    assert not fits("слово " * 3000 + "кінець", pattern="кінець$")


@pytest.mark.parametrize(
    ("pattern", "position"),
    [("(", 2), ("a)", 2), ("[a", 3), ("*a", 1), ("a{30000}", None), (r"(a{1000}){1000}", None)],
)
def test_expression_that_cannot_be_used_is_told_with_its_place(pattern, position):
    problem = problem_of(pattern)

    assert problem is not None
    assert problem.position == position


@pytest.mark.parametrize("pattern", ["", r"order #\d{4,}", r"^\[.*\]", "[0-9a-f]{8}-[0-9a-f]{4}"])
def test_expression_that_can_be_used_has_no_problem(pattern):
    assert problem_of(pattern) is None


def test_broken_expression_in_the_database_does_not_fit_and_stops_nobody():
    assert not fits("x", pattern="(")


def test_explanation_names_each_condition_and_the_piece_of_text():
    checks = rule(contains=("інцидент*",), pattern="прод.", language="en").explain(
        Facts("Інцидентом на проді")
    )

    assert [(check.condition, check.holds, check.found) for check in checks] == [
        ("language", False, "uk"),
        ("contains", True, "Інцидентом"),
        ("pattern", True, "проді"),
    ]
