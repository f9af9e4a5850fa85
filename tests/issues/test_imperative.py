"""Requests become what is to be done, where the words are sure."""

import pytest

from apps.issues.drafting import draft
from apps.issues.imperative import imperative


@pytest.mark.parametrize(
    ("asked", "title"),
    [
        ("Could we add a dark theme?", "Add a dark theme"),
        ("Please add CSV export", "Add CSV export"),
        ("It would be great to have a changelog", "Add a changelog"),
        ("We need a retry button", "Add a retry button"),
        ("I suggest moving the blog to Astro", "Move the blog to Astro"),
        ("would love a merge button in Helpline. same guy wrote twice", "Add a merge button in Helpline"),
        ("Додайте, будь ласка, темну тему", "Додати темну тему"),
        ("Можна додати фільтр за датою?", "Додати фільтр за датою"),
        ("Хочу експортувати звіт у PDF", "Додати можливість експортувати звіт у PDF"),
        ("Було б добре мати журнал змін", "Додати журнал змін"),
        ("Пропоную перейти на Redis", "Перейти на Redis"),
        ("давайте винесемо пороги в конфіг", "Винести пороги в конфіг"),
    ],
)  # fmt: skip
def test_a_request_says_what_is_to_be_done(asked, title):
    assert imperative(asked) == title


@pytest.mark.parametrize(
    "title",
    [
        "Давайте тести на схему ганяти перед мерджем",
        "Треба сертифікати для стейджу",
        "We need to talk about billing",
        "Passkeys when?",
        "Dark theme",
    ],
)
def test_words_that_fit_no_pattern_stay(title):
    assert imperative(title) == title


def test_only_requests_are_changed():
    text = "Додайте темну тему в кабінет"

    assert draft(text, "feature").title == "Додати темну тему в кабінет"
    assert draft(text, "bug").title == text
