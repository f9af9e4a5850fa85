"""Titles say what is wrong, not who said it or who is asked."""

import re

import pytest

from apps.issues.drafting import draft
from apps.messages.entities.extract import extract

NAMES = re.compile(
    r"\b(?:Ігор|Ол[юя]|Олен|Тарас|Мар[іи]|Іван|Петр|John|Maria|Viktor|Anna|@|ivan|прив|hey|hi)",
    re.I,
)


def title_of(text, category="bug"):
    return draft(text, category, extract(text)).title


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Ігор каже, що логін падає", "Логін падає"),
        ("Ігор каже що логін падає", "Логін падає"),
        ("Ігор Петренко написав: експорт у CSV порожній", "Експорт у CSV порожній"),
        ("Оля щойно написала, що кошик губить товари", "Кошик губить товари"),
        ("Олю, привіт, логін падає після оновлення", "Логін падає після оновлення"),
        ("Привіт, Олю, логін падає після оновлення", "Логін падає після оновлення"),
        ("Добрий день, пане Тарасе! Логін падає після оновлення", "Логін падає після оновлення"),
        ("@ivan глянь, логін падає зранку", "Логін падає зранку"),
        ("@ivan глянь плз чому логін падає", "Логін падає"),
        ("Іване, подивись, будь ласка, не приходять листи", "Не приходять листи"),
        ("За словами Тараса, експорт падає зранку", "Експорт падає зранку"),
        ("Експорт падає зранку, каже Тарас", "Експорт падає зранку"),
        ("Експорт падає зранку, Тарасе, глянь плз", "Експорт падає зранку"),
        ("У Марії не відкривається звіт", "Не відкривається звіт"),
        ("Тарас і Марія кажуть, що звіт порожній", "Звіт порожній"),
        ("Не приходять листи для Олени та Тараса з п'ятниці", "Не приходять листи з п'ятниці"),
        ("Ганна з підтримки каже: лінк у листі веде на 404", "Лінк у листі веде на 404"),
        ("Олена Ковальчук не отримала листа про оплату", "Не отримала листа про оплату"),
        ("Олено, Прод лежить після оновлення", "Прод лежить після оновлення"),
        ("Maria Nowak can't see Chrome exports", "Can't see Chrome exports"),
        ("Greta from finance found that the export is empty", "The export is empty"),
        ("Hey John, the export fails on stage", "The export fails on stage"),
        ("Hi John! The export fails on stage", "The export fails on stage"),
        ("John says the login is broken", "The login is broken"),
        ("John reported that the login is broken", "The login is broken"),
        ("Maria and John noticed that search is slow", "Search is slow"),
        ("According to Maria, search is slow", "Search is slow"),
        ("As John said, search is slow on prod", "Search is slow on prod"),
        ("The export fails, can you take a look, John?", "The export fails"),
        ("Viktor - the report is empty again", "The report is empty again"),
        ("Maria's account is locked since Friday", "Account is locked since Friday"),
        ("Maria can't open the report", "Can't open the report"),
        ("thanks Anna, but the cart is empty again", "The cart is empty again"),
    ],
)
def test_a_title_names_nobody(text, title):
    assert title_of(text) == title
    assert not NAMES.search(title)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Марія просить додати темну тему", "Додати темну тему"),
        ("John asks for a dark theme in the app", "A dark theme in the app"),
        ("Maria wants us to add a dark theme", "Add a dark theme"),
        ("Олено, додай темну тему в кабінет", "Додати темну тему в кабінет"),
        ("Hey John, could we add a dark theme?", "Add a dark theme"),
    ],
)
def test_a_wish_of_somebody_is_what_is_to_be_done(text, title):
    assert title_of(text, "feature") == title


@pytest.mark.parametrize(
    "text",
    [
        "Mark all as read does nothing",
        "Max upload size is ignored",
        "Roman numerals are sorted as words",
        "Дані не зберігаються після оновлення",
        "Jenkins падає на збірці",
        "Prometheus не бачить сервіс",
        "Look at the broken footer",
    ],
)
def test_words_that_are_no_people_stay(text):
    assert title_of(text) == text


@pytest.mark.parametrize(
    "text", ["Олена", "@ivan", "Hey John!", "Ігор каже", "Тарасе?", "@ivan @olena"]
)
def test_a_message_that_only_names_people_still_gets_a_title_without_them(text):
    title = title_of(text)

    assert title.strip()
    assert not NAMES.search(title)


def test_a_person_is_only_what_is_written_as_one():
    entities = {"people": [{"surface": "кошик", "normal": "кошик"}]}

    assert draft("Оновлення губить кошик", "bug", entities).title == "Оновлення губить кошик"
