"""Whom a text wants to do it and how urgent it calls it: suggestions, never fields."""

import pytest

from apps.messages.entities.base import KINDS, Term
from apps.messages.entities.extract import extract
from apps.messages.entities.suggestions import MOST, SUGGESTED, suggest


def suggested(text, kind, glossary=()):
    found = suggest(text, extract(text, glossary=glossary)["people"])[kind]
    return [(entity.surface, entity.normal) for entity in found]


def assignees(text):
    return [surface for surface, _normal in suggested(text, "assignees")]


@pytest.mark.parametrize(
    ("text", "people"),
    [
        ("Логін падає, хай Іван візьме", ["Іван"]),
        ("нехай @taras подивиться, чому падає експорт", ["@taras"]),
        ("Іване, глянь плз, логін падає", ["Іване"]),
        ("@ivan глянь чому падає логін", ["@ivan"]),
        ("Олено, можеш перевірити оплату?", ["Олено"]),
        ("признач на @olena", ["@olena"]),
        ("Закиньте цю задачу на Тараса", ["Тараса"]),
        ("передайте Олені цей баг", ["Олені"]),
        ("Виконавець: Марія", ["Марія"]),
        ("задача на Олену до п'ятниці", ["Олену"]),
        ("The export fails, assign to @olena", ["@olena"]),
        ("please assign this ticket to John", ["John"]),
        ("let Maria fix it", ["Maria"]),
        ("can John take a look at the cart?", ["John"]),
        ("Viktor, please check the cart", ["Viktor"]),
        ("@john please look at the cart", ["@john"]),
        ("owner: @kate", ["@kate"]),
        ("hand it over to Maria, or let John handle it", ["Maria", "John"]),
    ],
)
def test_who_is_asked_to_do_it_is_suggested(text, people):
    assert assignees(text) == people


@pytest.mark.parametrize(
    "text",
    [
        "Ігор каже, що логін падає",
        "Передайте Олені, що сертифікат протерміновано",
        "не призначайте на Тараса",
        "please don't assign it to John",
        "У Марії не відкривається звіт",
        "Maria can't open the report",
        "Maria's account is locked",
        "assign it to nobody",
        "хай хтось візьме",
        "John says the cart is empty",
    ],
)
def test_who_is_only_named_is_not(text):
    assert assignees(text) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("я візьму", "я візьму"),
        ("Так, я це завтра пофікшу", "я це завтра пофікшу"),
        ("беру на себе", "беру на себе"),
        ("> хто візьме:\nя візьму", "я візьму"),
        ("Ок, беру цю задачу на себе", "беру цю задачу на себе"),
        ("взяла в роботу", "взяла в роботу"),
        ("признач на мене", "признач на мене"),
        ("The export is down, I'll take it", "I'll take it"),
        ("I’ll have a look", "I’ll have a look"),
        ("let me handle this", "let me handle this"),
        ("I'm on it", "I'm on it"),
        ("please assign it to me", "assign it to me"),
    ],
)
def test_an_author_who_takes_it_is_suggested(text, said):
    (entity,) = suggest(text, [], author="Олена")["assignees"]

    assert (entity.surface, entity.normal) == (said, "Олена")
    assert suggest(text, [])["assignees"] == []


@pytest.mark.parametrize(
    "text",
    [
        "я не візьму",
        "не беру на себе",
        "I won't take it",
        "don't assign it to me",
        "коли я перевірю пошту, вилітає",
        "Іван каже: я візьму",
        "Іван: «беру на себе»",
        "> я візьму\nдякую",
        "if I'll take it, what then",
        "I'll take a break",
        "маля візьму",
        "let me know",
        "беру каву",
    ],
)
def test_an_author_who_does_not_take_it_is_not(text):
    assert suggest(text, [], author="Олена")["assignees"] == []


def test_the_glossary_says_who_it_is():
    glossary = [Term("Olena Marchuk", "people", ("Олен*",))]

    assert suggested("хай Олена візьме", "assignees", glossary) == [("Олена", "Olena Marchuk")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Терміново! Логін падає", [("Терміново", "high")]),
        ("This is critical, fix it ASAP", [("critical", "critical"), ("ASAP", "high")]),
        ("це критично і це блокер", [("критично", "critical"), ("блокер", "critical")]),
        ("не терміново, коли буде час", [("не терміново", "low"), ("коли буде час", "low")]),
        ("not urgent, no rush", [("not urgent", "low"), ("no rush", "low")]),
        ("кнопка завелика", []),
        ("урgent criticality", []),
    ],
)
def test_words_of_urgency_name_a_priority(text, expected):
    assert suggested(text, "urgency") == expected


def test_suggestions_are_no_entities_that_are_measured():
    assert not set(SUGGESTED) & set(KINDS)
    assert set(extract("хай Іван візьме, терміново")) == set(KINDS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0",
        "хай " * 2000,
        "@a, " * 2000,
        "assign it " * 2000,
        "John, please " * 600,
        "я це " * 1600,
        "беру " * 1600,
    ],
)
def test_any_text_is_survived_and_suggestions_are_few(text):
    found = suggest(text, extract(text)["people"], author="Олена")

    assert set(found) == set(SUGGESTED)
    assert all(len(entities) <= MOST for entities in found.values())
