"""Deadlines: which words are one, and which day or time they mean to who wrote them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.messages.entities.deadlines import LIMIT, find_deadlines
from apps.messages.entities.due_dates import due_at

TUESDAY = datetime(2026, 3, 10, 9, tzinfo=UTC)  # 11:00 in Kyiv


def found(text):
    return [surface for surface, _position in find_deadlines(text)]


@pytest.mark.parametrize(
    ("text", "surface"),
    [
        ("зробіть до п'ятниці", "до п'ятниці"),
        ("треба завтра до обіду", "завтра до обіду"),
        ("звіт потрібен до 15.12", "до 15.12"),
        ("потрібно до кінця місяця", "до кінця місяця"),
        ("реліз наступного вівторка", "наступного вівторка"),
        ("аудит за два тижні", "за два тижні"),
        ("закрити маємо до аудиту 20 травня", "до аудиту 20 травня"),
        ("відповідь треба до завтрашнього дзвінка", "до завтрашнього дзвінка"),
        ("розсилка йде завтра о 9:00", "завтра о 9:00"),
        ("доступ потрібен сьогодні", "сьогодні"),
        ("сервери вимикаємо о 05:00", "о 05:00"),
        ("Технічна частина стартує 2 січня", "2 січня"),
        ("we need it by EOD Fri", "by EOD Fri"),
        ("please finish by the 10th", "by the 10th"),
        ("should be live by end of Q1", "by end of Q1"),
        ("I need it before the 3pm call", "before the 3pm call"),
        ("ready before the sale on Friday", "before the sale on Friday"),
        ("Campaign goes live Thursday", "Thursday"),
        ("The bundle goes live on 15 December", "on 15 December"),
        ("Nintendo lotcheck closes tomorrow 10:00 JST", "tomorrow 10:00 JST"),
        ("Season 4 begins in three weeks", "in three weeks"),
        ("can someone fix it today please", "today"),
        ("зробити треба о 19:40", "о 19:40"),
        ("please send it at 5pm", "at 5pm"),
        ("викочуємо реліз о 18:00", "о 18:00"),
        ("виправте статус «кур'єр приїде» до 18:00", "до 18:00"),
        ("здаємо до 18.30", "до 18.30"),
    ],
)
def test_a_due_date_is_found_as_it_was_written(text, surface):
    assert found(text) == [surface]


@pytest.mark.parametrize(
    "text",
    [
        "показувало що курʼєр буде о 19:40",
        "показувало що кур'єр буде о 19:40",
        "замовлення приїде о 19:40",
        "замовлення приїде завтра о 19:40",
        "посилку привезуть до 19:40",
        "доставка буде о 12:00",
        "курʼєр обіцяв бути до 19:40",
        "замовлення має приїхати до 19:40",
        "буду о 19:40",
        "сайт не працює, а людина прийде о 19:40",
        "the courier will be here at 7pm",
        "The order arrives tomorrow at 19:40",
        "my parcel will be delivered by 5pm",
        "I will be there at 7pm",
        "дзвінок з клієнтом завтра о 15:00",
        "interview tomorrow at 3pm",
    ],
)
def test_a_delivery_a_call_and_a_bare_time_are_no_due_dates(text):
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "колись 31.13.2026",
        "зробити до 31.13.2026",
        "треба до 31.02",
        "треба до 30 лютого",
        "please fix by 2026-02-30",
        "please fix by February 30",
    ],
)
def test_a_date_that_is_in_no_calendar_is_no_due_date(text):
    assert found(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "мітинг о 15:00 завтра",
        "стендап завтра о 10:00",
        "ретро в п'ятницю",
        "завтра мене не буде, лікар",
        "сьогодні з 23:00 до 01:00 сайт буде недоступний",
        "вебхуки падають з понеділка",
        "останній раз працювало в середу",
        "впав один раз о 3:12, піднявся сам",
        "хтось сьогодні в офісі?",
        "2025-02-11 09:41:07 INFO deleted s3://media",
        "сьома людина за день пише",
        "The sync is tomorrow at 10:00",
        "retro on thursday or friday",
        "Since Monday the report is empty",
        "It broke on Friday and stopped yesterday",
        "Rolled out to 100% at 13:20",
        "the date picker starts the week on Sunday",
        "I'm out until the 25th, vacation",
        "what a quiet Friday",
        "Black Friday was fun",
        "version 4.12 is out, price 3.50",
    ],
)
def test_meetings_windows_and_the_past_are_no_due_dates(text):
    assert found(text) == []


@pytest.mark.parametrize(
    ("surface", "meaning"),
    [
        ("до п'ятниці", "2026-03-13"),
        ("до п’ятниці 17:00", "2026-03-13T17:00+02:00"),
        ("завтра до обіду", "2026-03-11T12:00+02:00"),
        ("до завтрашнього ранку", "2026-03-11T09:00+02:00"),
        ("до вечора", "2026-03-10T18:00+02:00"),
        ("завтра о 9", "2026-03-11T09:00+02:00"),
        ("післязавтра", "2026-03-12"),
        ("до вівторка", "2026-03-17"),
        ("наступного вівторка", "2026-03-17"),
        ("до 15.12", "2026-12-15"),
        ("до 5.02", "2027-02-05"),
        ("до 15.12.26", "2026-12-15"),
        ("2 січня", "2027-01-02"),
        ("до аудиту 20 травня", "2026-05-20"),
        ("до чорної п'ятниці (29.11)", "2026-11-29"),
        ("до 25-го", "2026-03-25"),
        ("до 5 числа", "2026-04-05"),
        ("за два тижні", "2026-03-24"),
        ("через 3 дні", "2026-03-13"),
        ("через місяць", "2026-04-10"),
        ("за дві години", "2026-03-10T13:00+02:00"),
        ("до кінця дня", "2026-03-10"),
        ("до кінця тижня", "2026-03-13"),
        ("до кінця місяця", "2026-03-31"),
        ("до кінця листопада", "2026-11-30"),
        ("до кінця кварталу", "2026-03-31"),
        ("до кінця року", "2026-12-31"),
        ("by EOD Fri", "2026-03-13"),
        ("by EOD", "2026-03-10"),
        ("by the 10th", "2026-03-10"),
        ("by the 9th", "2026-04-09"),
        ("by end of Q1", "2026-03-31"),
        ("by end of Q4", "2026-12-31"),
        ("by end of next month", "2026-04-30"),
        ("by end of next week", "2026-03-20"),
        ("next Monday", "2026-03-16"),
        ("on Monday 6am CET", "2026-03-16T06:00+02:00"),
        ("before noon", "2026-03-10T12:00+02:00"),
        ("before the 3pm call", "2026-03-10T15:00+02:00"),
        ("by 10:00", "2026-03-11T10:00+02:00"),
        ("in three weeks", "2026-03-31"),
        ("in 50 minutes", "2026-03-10T11:50+02:00"),
        ("within the hour", "2026-03-10T12:00+02:00"),
        ("December 5", "2026-12-05"),
        ("by 2026-04-01", "2026-04-01"),
        ("до 31 вересня", ""),
        ("sprint 14", ""),
        ("до літа", ""),
        ("до 99.99", ""),
        ("by 25:99", ""),
    ],
)
def test_a_due_date_is_meant_from_the_time_of_the_message(surface, meaning):
    assert due_at(surface, TUESDAY, "Europe/Kyiv") == meaning


@pytest.mark.parametrize(
    ("surface", "sent", "zone", "meaning"),
    [
        # 23:50 in Kyiv is 21:50 in UTC, and still the same day in New York.
        ("завтра", datetime(2026, 3, 10, 21, 50, tzinfo=UTC), "Europe/Kyiv", "2026-03-11"),
        ("сьогодні", datetime(2026, 3, 10, 21, 50, tzinfo=UTC), "Europe/Kyiv", "2026-03-10"),
        ("завтра", datetime(2026, 3, 10, 22, 10, tzinfo=UTC), "Europe/Kyiv", "2026-03-12"),
        ("tomorrow", datetime(2026, 3, 11, 2, 0, tzinfo=UTC), "America/New_York", "2026-03-11"),
        ("до вечора", datetime(2026, 3, 10, 21, 50, tzinfo=UTC), "Europe/Kyiv", "2026-03-11T18:00+02:00"),
        # The clocks of Kyiv go forward on 29 March 2026 at 3:00, and back on 25 October at 4:00.
        ("завтра о 9:00", datetime(2026, 3, 28, 9, tzinfo=UTC), "Europe/Kyiv", "2026-03-29T09:00+03:00"),
        ("за дві години", datetime(2026, 3, 29, 0, 30, tzinfo=UTC), "Europe/Kyiv", "2026-03-29T05:30+03:00"),
        ("tomorrow 9am", datetime(2026, 10, 24, 9, tzinfo=UTC), "Europe/Kyiv", "2026-10-25T09:00+02:00"),
        ("до кінця місяця", datetime(2024, 2, 10, 9, tzinfo=UTC), "Europe/Kyiv", "2024-02-29"),
        ("через місяць", datetime(2026, 1, 31, 9, tzinfo=UTC), "Europe/Kyiv", "2026-02-28"),
        ("by the 5th", datetime(2026, 12, 20, 9, tzinfo=UTC), "Europe/Kyiv", "2027-01-05"),
    ],
)  # fmt: skip
def test_zones_nights_and_changing_clocks(surface, sent, zone, meaning):
    assert due_at(surface, sent, zone) == meaning


@given(
    text=st.lists(
        st.sampled_from(
            [
                "до",
                "завтра",
                "п'ятниці",
                "15.12",
                "o",
                "9:00",
                "by",
                "the",
                "before",
                "on",
                "Friday",
                "31st",
                "end",
                "of",
                "in",
                "три",
                ".",
                "\n",
            ]
        ),
        max_size=40,
    ).map(" ".join)
)
@settings(max_examples=150, deadline=None)
def test_any_mixture_of_these_words_is_survived(text):
    for surface, position in find_deadlines(text):
        assert text[position:].startswith(surface) or surface in text
        due_at(surface, TUESDAY, "Europe/Kyiv")


@pytest.mark.parametrize(
    "piece", ["до завтра ", "on Friday we need ", "за два ", "before the ", "9:00 "]
)
def test_a_calendar_is_no_list_of_deadlines(piece):
    assert len(find_deadlines(piece * 2000)) <= LIMIT
