"""The lexicon of things, actions and qualities that have names in both languages."""

import json
import re
from importlib import resources

import pytest

from apps.issues.dedup.concepts import LEXICON_FILE, concepts
from tasktracker.lib.text import normal_form

LEXICON = json.loads(
    (resources.files("apps.issues.dedup") / LEXICON_FILE).read_text(encoding="utf-8")
)
FORM = re.compile(r"[a-z0-9]+|[а-яґєіїёыэъ0-9]+")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("на касі не друкується чек", "the till prints no receipt"),
        ("шлагбаум не піднімається", "the barrier does not rise"),
        ("корова кульгає", "the cow limps"),
        ("холодос потік", "the fridge leaks"),
        ("рецепт від лікарки", "a doctor's prescription"),
        ("двері в ліфт", "elevator door"),
        ("декларація на митниці", "customs declaration"),
    ],
)
def test_the_same_things_are_named_in_both_languages(one, other):
    assert len(concepts(one) & concepts(other)) >= 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("імпорт", "експорт"),
        ("додати", "видалити"),
        ("увійти", "вийти"),
        ("надіслати", "отримати"),
        ("прийняти", "відхилити"),
        ("купити", "продати"),
        ("перший", "останній"),
        ("більше", "менше"),
        ("швидко", "повільно"),
        ("login", "logout"),
        ("upload", "download"),
        ("increase", "decrease"),
        ("доктор", "пацієнт"),
        ("лівий", "правий"),
    ],
)
def test_opposites_have_no_name_in_common(one, other):
    assert concepts(one)
    assert concepts(other)
    assert not concepts(one) & concepts(other)


def test_whole_words_are_written_as_texts_are_normalised():
    """Any other word would never be met."""
    whole = {form for forms in LEXICON.values() for form in forms if not form.endswith("*")}

    assert [form for form in sorted(whole) if normal_form(form) != form] == []


def test_a_form_is_one_word_of_one_alphabet():
    forms = {form for forms in LEXICON.values() for form in forms}

    assert [form for form in sorted(forms) if not FORM.fullmatch(form.removesuffix("*"))] == []


def test_a_star_stands_behind_three_letters_or_more():
    stems = {form for forms in LEXICON.values() for form in forms if form.endswith("*")}

    assert [stem for stem in sorted(stems) if len(stem) < 4] == []


def test_no_form_stands_twice_in_a_concept():
    assert [name for name, forms in LEXICON.items() if len(set(forms)) < len(forms)] == []
