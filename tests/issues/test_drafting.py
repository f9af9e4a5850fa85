"""Titles and descriptions drafted without a model."""

import json
from pathlib import Path

import pytest

from apps.issues.drafting import TITLE_LIMIT, draft
from apps.messages.entities.extract import Entity

TRAINING = Path(__file__).resolve().parents[2] / "data" / "training"


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Хлопці, експорт у CSV падає. Гляньте плз", "Експорт у CSV падає"),
        ("Hi all, the login page is blank!! 🔥🔥", "The login page is blank"),
        ("@anna @bob привіт! Не приходять листи з рахунками", "Не приходять листи з рахунками"),
        (
            "**Urgent**: see https://evil.example/x the `cart` loses items",
            "See the cart loses items",
        ),
        ("stock-bridge has been stuck since 2am", "stock-bridge has been stuck since 2am"),
        ("Народ! Шось не те. Після оновлення зникла кнопка оплати", "Шось не те"),
        ("Notes from the call\nGift cards must have a picture", "Gift cards must have a picture"),
        ("- Додайте темну тему в кабінет", "Додайте темну тему в кабінет"),
    ],
)
def test_a_title_is_the_first_telling_sentence(text, title):
    assert draft(text).title == title


def test_the_person_who_is_asked_is_not_in_the_title():
    drafted = draft(
        "Вікторе, експорт знову падає", entities={"people": [Entity("Вікторе", "Віктор")]}
    )

    assert drafted.title == "Експорт знову падає"


def test_a_title_has_neither_markup_nor_invisible_characters():
    title = draft(
        "<script>alert(1)</script> <b>Кошик</b>\u200b\u202e губить [товари](http://x.example)"
    ).title

    assert not set(title) & set("<>[]`\u200b\u202e")
    assert "http" not in title
    assert "губить" in title


def test_the_description_quotes_the_message():
    text = "Кошик **губить** товари\n\n<b>кроки</b>: 1, 2"

    assert draft(text).description == text


@pytest.mark.parametrize(
    "text", ["🔥🔥🔥", "https://example.com/a", "```\nTraceback\n```", "@anna", "!!!"]
)
def test_a_message_without_sentences_still_gets_some_title(text):
    assert draft(text).title.strip()


def test_every_bug_and_feature_of_the_corpus_gets_a_short_title():
    rows = [
        json.loads(line)
        for path in sorted(TRAINING.glob("part_*.jsonl"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    titles = [draft(row["text"]).title for row in rows if row["category"] in ("bug", "feature")]

    assert len(titles) > 700
    assert all(5 <= len(title) <= TITLE_LIMIT and "\n" not in title for title in titles)
