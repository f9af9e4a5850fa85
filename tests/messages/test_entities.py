"""Entities of a message: each surface is a piece of the text, each normal form says what it stands for."""

import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.messages.entities.base import KINDS, Entity, Term
from apps.messages.entities.extract import extract, normal_forms
from tasktracker.lib.text import clean

TUESDAY = datetime(2026, 3, 10, 9, tzinfo=UTC)  # 11:00 in Kyiv


def surfaces(text, kind, **options):
    return [entity.surface for entity in extract(text, **options)[kind]]


def normals(text, kind, **options):
    return [entity.normal for entity in extract(text, **options)[kind]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Підняли кафку на проді", ["Kafka"]),
        ("у редісі закінчилась памʼять, в графані видно", ["Redis", "Grafana"]),
        ("nginx and PostgreSQL 16 behind Cloudflare", ["nginx", "PostgreSQL", "Cloudflare"]),
        ("в хромі ок, у VPN-клієнті ні", ["Chrome", "VPN"]),
        ("the room is warm, please switch the light on, no matter what", []),
        ("Google Merchant Center rejects the feed", ["Google Merchant Center"]),
    ],
)
def test_technologies_have_one_normal_form(text, expected):
    assert normals(text, "technologies") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("після 4.12.1 не відкривається", ["4.12.1"]),
        ("crashes on iOS 17.5 and Android 14", ["17.5", "14"]),
        ("build 20811 is up, v2.31 next", ["20811", "v2.31"]),
        ("server 10.0.0.12 answers in 1.4 ms", []),
        ("здаємо до 15.11, бюджет 1.2 млн, о 18.30", []),
        ("rating fell, price is $4.99", []),
        ("Release ver. 2.3 crashes on start", ["2.3"]),
        ("Після вер. 2.3 і v. 2.4 падає", ["2.3", "2.4"]),
        ("у ver.2.3-rc1 порожньо", ["2.3-rc1"]),
        ("було 12 вер. 10.30, сиділи у вер. 2026", []),
    ],
)
def test_versions_are_not_dates_addresses_or_amounts(text, expected):
    assert surfaces(text, "versions") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@anna_pm глянь разом з Тарасом", ["@anna_pm", "Тарасом"]),
        ("Viktor, can you look? mail me: ops@example.com", ["Viktor"]),
        ("Над цим і Вас просять подумати", []),
    ],
)
def test_people_keep_their_at_sign(text, expected):
    assert surfaces(text, "people") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("stock-bridge has been stuck", ["stock-bridge"]),
        ("у MedLine не відкривається картка", ["MedLine"]),
        ("https://example.com/some-api is a link", []),
        ("TypeScript and GitHub are technologies", []),
    ],
)
def test_projects_are_services_and_product_names(text, expected):
    assert surfaces(text, "projects") == expected


def test_the_glossary_of_a_project_is_obeyed():
    found = extract("У Кавалiку та в лавці", glossary=[Term("Лавка", aliases=("лавці",))])

    assert [(entity.surface, entity.normal) for entity in found["projects"]] == [("лавці", "Лавка")]


@pytest.mark.parametrize(
    ("text", "surface", "normal"),
    [
        ("треба до п'ятниці", "до п'ятниці", "2026-03-13"),
        ("потрібно до 15.12", "до 15.12", "2026-12-15"),
        ("треба завтра до 12:00", "завтра до 12:00", "2026-03-11T12:00+02:00"),
        ("we need it by Friday", "by Friday", "2026-03-13"),
        ("ship it by 14 Feb please", "by 14 Feb", "2027-02-14"),
        ("зробіть до кінця місяця", "до кінця місяця", "2026-03-31"),
        ("audit in two weeks, we need a report", "in two weeks", "2026-03-24"),
        ("must be ready by 5pm", "by 5pm", "2026-03-10T17:00+02:00"),
    ],
)
def test_deadlines_become_dates_of_the_teams_zone(text, surface, normal):
    found = extract(text, sent_at=TUESDAY)["deadlines"]

    assert [(entity.surface, entity.normal) for entity in found] == [(surface, normal)]


def test_a_day_that_only_says_when_it_happened_is_no_deadline():
    assert surfaces("Since Monday the report is empty. It broke yesterday.", "deadlines") == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0\u200b",
        "<b>hi</b>'; DROP TABLE",
        "a" * 50_000,
        "1.1." * 5000,
        "до 99.99",
        "@" * 3000,
        "today " * 3000,
        "a.a@" * 3000,
        "до " * 4000,
    ],
)
def test_any_text_is_survived(text):
    assert set(extract(text, sent_at=TUESDAY)) == {
        "projects", "technologies", "versions", "people", "deadlines",
    }  # fmt: skip


def test_normal_forms_are_surfaces_and_names_in_lower_case():
    forms = normal_forms("Лавці бракує кафку", [Term("Лавка", aliases=("лавці",))])

    assert forms == {"лавці", "лавка", "кафку", "kafka"}


GLOSSARY = [
    Term("Лавка"),
    Term("Нова Пошта"),
    Term("Білінг", aliases=("білінг*", "billing", "рахунк* клієнтів")),
    Term("Helpdesk", aliases=("хелп-деск*",)),
    Term("Kafka Bridge", "technologies", ("бридж*",)),
    Term("Olena Marchuk", "people", ("Олен*", "Olena", "@olena_mrch")),
]


@pytest.mark.parametrize(
    ("text", "kind", "surface", "normal"),
    [
        ("у лавці пусто", "projects", "лавці", "Лавка"),
        ("відкрили ЛАВКУ", "projects", "ЛАВКУ", "Лавка"),
        ("відправили Новою Поштою", "projects", "Новою Поштою", "Нова Пошта"),
        ("впав білінгом по голові", "projects", "білінгом", "Білінг"),
        ("the billing is down", "projects", "billing", "Білінг"),
        ("у рахунках клієнтів нулі", "projects", "рахунках клієнтів", "Білінг"),
        ("хелп-деском не користуємось", "projects", "хелп-деском", "Helpdesk"),
        ("restart kafka bridge", "technologies", "kafka bridge", "Kafka Bridge"),
        ("бриджі впали", "technologies", "бриджі", "Kafka Bridge"),
        ("скажіть Олені", "people", "Олені", "Olena Marchuk"),
        ("ask Olena, please", "people", "Olena", "Olena Marchuk"),
        ("(@olena_mrch, глянь)", "people", "@olena_mrch", "Olena Marchuk"),
    ],
)
def test_a_glossary_term_is_found_in_its_forms(text, kind, surface, normal):
    found = extract(text, glossary=GLOSSARY)

    assert {kind: entities for kind, entities in found.items() if entities} == {
        kind: [Entity(surface, normal)]
    }


@pytest.mark.parametrize(
    "text",
    ["прилавком", "лавина", "billings", "mail@billing.example", "https://billing/x", "@olena_m"],
)
def test_a_part_of_a_word_or_of_an_address_is_no_glossary_term(text):
    named = {
        entity.normal
        for entities in extract(text, glossary=GLOSSARY).values()
        for entity in entities
    }

    assert not named & {term.name for term in GLOSSARY}


def test_another_glossary_finds_other_words():
    assert normals("шафа і лавка", "projects", glossary=[Term("Шафа")]) == ["Шафа"]
    assert normals("шафа і лавка", "projects", glossary=[Term("Лавка")]) == ["Лавка"]


@given(text=st.text(alphabet="аяіbKафкуLog @-.'’/0:\n1", max_size=200))
@settings(max_examples=60, deadline=None)
def test_every_surface_is_a_piece_of_the_text(text):
    found = extract(text, sent_at=TUESDAY, glossary=GLOSSARY)

    assert all(entity.surface in clean(text) for kind in KINDS for entity in found[kind])


@pytest.mark.parametrize("signs", ["🔴", "(", "`", "*_", "[", "((((a"])
def test_thousands_of_signs_hold_nobody_up(signs):
    extract("кафка", sent_at=TUESDAY)  # loads spaCy
    started = time.perf_counter()

    found = extract("кафка лежить " + signs * (8000 // len(signs)), sent_at=TUESDAY)

    assert time.perf_counter() - started < 2.0
    assert [entity.normal for entity in found["technologies"]] == ["Kafka"]


def test_what_nobody_extracts_nobody_loads():
    check = "import sys, apps.messages.entities.extract; print('spacy' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True
    )

    assert answer.stdout.strip() == "False"


@pytest.mark.parametrize(
    "text", ["знову HighErrorRate горить", "падає з TimeoutError", "бачу KafkaConsumerLag"]
)
def test_names_of_alerts_and_exceptions_are_no_projects(text):
    assert surfaces(text, "projects") == []
