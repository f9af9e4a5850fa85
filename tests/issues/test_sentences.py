"""Where a sentence of a chat ends: not at an abbreviation, and not before what goes on."""

import pytest

from apps.issues.drafting import draft
from apps.issues.sentences import sentences


@pytest.mark.parametrize(
    "text",
    [
        "На вул. Хрещатик 15 карта показує ліс",
        "На просп. Перемоги, буд. Шевченка, кв. Олени карта порожня",
        "У м. Київ сума 12 тис. Євро й 500 грн. Замість знижки",
        "Звіт за 2025 р. Показує нулі, напр. Прибуток",
        "Кошик, оплата і т.д. Не відкриваються, див. Скріншот та ін. Файли",
        "Release ver. Alpha crashes on start",
        "Release v. Beta crashes, e.g. Settings, i.e. Everything, etc. And more",
        "Chrome vs. Firefox renders approx. Twice as slow",
        "Mr. Smith and Dr. Adams cannot log in",
        "Лист від Т. Г. Шевченка не доходить",
        "Замовлення No. 15 зникло, коштує бл. 300",
        "Зависає на кроці. 3 клієнти чекають",
        "Кнопка зникла. але тільки в хромі",
        "Не відкривається у v. 2.3 на андроїді",
    ],
)
def test_a_sentence_goes_on_after_an_abbreviation(text):
    assert sentences(text) == [text]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Падає. Гляньте", ["Падає.", "Гляньте"]),
        ("Does it work? No. The button is dead", ["Does it work?", "No.", "The button is dead"]),
        ("Це «злам». Термінова справа!\nДруга", ["Це «злам».", "Термінова справа!", "Друга"]),
        ("Не працює! 5 клієнтів чекають", ["Не працює!", "5 клієнтів чекають"]),
        ("Кроки: 1. Відкрити кошик. 2. Натиснути", ["Кроки: 1. Відкрити кошик.", "2. Натиснути"]),
        ("Відкрили додаток… Порожньо", ["Відкрили додаток…", "Порожньо"]),
        ('He said "it broke." Then left', ['He said "it broke.', "Then left"]),
    ],
)
def test_a_sentence_ends_where_people_end_it(text, parts):
    assert sentences(text) == parts


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (
            "На вул. Хрещатик 15 карта показує інше місто",
            "На вул. Хрещатик 15 карта показує інше місто",
        ),
        ("Release ver. 2.3 crashes on start", "Release ver. 2.3 crashes on start"),
        (
            "Address search: вул. Хрещатик is not found",
            "Address search: вул. Хрещатик is not found",
        ),
    ],
)
def test_a_title_holds_its_abbreviations(text, title):
    assert draft(text).title == title
