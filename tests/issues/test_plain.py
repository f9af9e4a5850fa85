"""Words that nothing acts upon."""

import pytest

from apps.issues.plain import invents_numbers, plain


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Fix the cart, fixes #12", "Fix the cart,"),
        ("Closes org/repo#7 and the tab", "and the tab"),
        ("Resolves ENG-12 at once", "ENG-12 at once"),
        ("Fixes #ENG-12", "ENG-12"),
        ("Fixes closes ENG-1", "ENG-1"),
        ("close [ENG-12]", "ENG-12"),
        ("Fix UTF-8 in exports", "Fix UTF-8 in exports"),
        ("Order #12345 is lost", "Order 12345 is lost"),
        ("See https://evil.example/x and ask @all", "See and ask"),
        ("**Bold** <b>x</b> [link](http://a.example)", "Bold x link"),
        ("Write to [EMAIL_1] today", "Write to … today"),
        ("two\nlines\u202e", "two lines"),
    ],
)
def test_only_words_are_left(text, words):
    assert plain(text) == words


@pytest.mark.parametrize(
    ("text", "expected"), [("502 since 2am", False), ("all 5,000 users", True)]
)
def test_a_number_that_the_source_does_not_hold_is_invented(text, expected):
    assert invents_numbers(text, "Прод лежить, 502, from 2am") is expected
