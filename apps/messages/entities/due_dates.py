"""Which day or time the words of a due date mean, for who wrote them at a moment in a zone."""

import re
import warnings
from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from apps.messages.entities.due_words import MONTHS, WEEKDAYS

_FRIDAY = 4
_SHIFTS = (
    (r"післязавтра", 2),
    (r"завтра|tomorrow", 1),
    (r"сьогодні|today|tonight|this (?:morning|afternoon|evening)", 0),
)
_NEXT = r"\bnext\b|наступн"
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10,
    "два": 2, "дві": 2, "пару": 2, "три": 3, "чотири": 4, "пʼять": 5, "п'ять": 5, "шість": 6, "десять": 10,
}  # fmt: skip
_SPAN = re.compile(
    r"\b(?:in|within|за|через)\s(?:the\s)?(?:next\s)?(?:(?P<number>[\w'ʼ]+)\s)?"
    r"(?P<unit>minute|hour|day|week|month|хвилин|годин|день|дні|днів|тиж|місяц)"
)
_LEAP_YEAR = 2024
_ISO_DAY = re.compile(r"\b(20\d\d)-(\d\d)-(\d\d)\b")
_NUMERIC_DAY = re.compile(r"(?<!\d)(\d{1,2})\.(\d{2})(?:\.((?:20)?\d\d))?(?!\d)")
_DAY_OF_MONTH = r"(?<![\d:.])(\d{{1,2}})(?:st|nd|rd|th)?\s(?:of\s)?(?:{0})\b|\b(?:{0})\s(\d{{1,2}})(?![\d:.]|\s?[ap]m)"
_CLOCKS = (
    (r"після обіду|afternoon", time(15)),
    (r"\bnoon\b|midday|lunch|обіду|полудня", time(12)),
    (r"опівночі|midnight", time(23, 59)),
    (r"вечора|вечором|ввечері|увечері|evening|tonight", time(18)),
    (r"ранку|зранку|вранці|morning", time(9)),
)


def due_at(surface: str, sent_at: datetime, zone: str) -> str:
    """ISO date (with the time when one is named) that the words mean; empty when they do not tell."""
    now = sent_at.astimezone(ZoneInfo(zone))
    lower = surface.lower()
    soon = _in_hours(lower, now)
    if soon is not None:
        return soon.isoformat(timespec="minutes")
    day = _day_of(lower, now)
    clock = _clock_of(lower)
    if day is None:
        return _later(now, clock).isoformat(timespec="minutes") if clock else ""
    if clock is None:
        return day.date().isoformat()
    return datetime.combine(day.date(), clock, tzinfo=now.tzinfo).isoformat(timespec="minutes")


def is_in_no_calendar(surface: str) -> bool:
    """Whether the words tell a day that no year has: 31.13, 30 лютого."""
    return any(
        not 1 <= month <= 12 or not 1 <= day <= monthrange(_LEAP_YEAR, month)[1]
        for day, month in _days_in_numbers(surface.lower())
    )


def _days_in_numbers(lower: str) -> Iterator[tuple[int, int]]:
    """Each day and its month; 18.30 may be a time of the day."""
    for found in _ISO_DAY.finditer(lower):
        yield int(found[3]), int(found[2])
    for found in _NUMERIC_DAY.finditer(lower):
        day, month = int(found[1]), int(found[2])
        if found[3] or day > 23 or month > 59 or month <= 12:
            yield day, month
    for number, pattern in enumerate(MONTHS, start=1):
        for found in re.finditer(_DAY_OF_MONTH.format(pattern), lower):
            yield int(found[1] or found[2]), number


def _in_hours(lower: str, now: datetime) -> datetime | None:
    """Hours and minutes pass alike on the day when the clocks change."""
    span = _SPAN.search(lower)
    if span is None or span["unit"] not in ("minute", "hour", "хвилин", "годин"):
        return None
    count = _number(span["number"])
    if count is None:
        return None
    unit = "hours" if span["unit"] in ("hour", "годин") else "minutes"
    moment = now.astimezone(UTC) + timedelta(**{unit: count})
    return moment.astimezone(now.tzinfo)


def _number(word: str | None) -> int | None:
    if word is None or word == "the":
        return 1
    return int(word) if word.isdecimal() and len(word) < 4 else _NUMBERS.get(word)


def _later(now: datetime, clock: time) -> datetime:
    moment = datetime.combine(now.date(), clock, tzinfo=now.tzinfo)
    return moment if moment > now else moment + timedelta(days=1)


def _day_of(lower: str, now: datetime) -> datetime | None:
    """A day told relative to today."""
    for pattern, days in _SHIFTS:
        if re.search(pattern, lower):
            return now + timedelta(days=days)
    for told in (_calendar_day, _weekday, _end_of, _after_span, _parsed):
        day = told(lower, now)
        if day is not None:
            return day
    return None


def _weekday(lower: str, now: datetime) -> datetime | None:
    """The first one to come; "next Tuesday" is the one of the next week."""
    for number, pattern in enumerate(WEEKDAYS):
        if re.search(rf"\b(?:{pattern})", lower):
            if re.search(_NEXT, lower):
                return now + timedelta(days=7 - now.weekday() + number)
            return now + timedelta(days=(number - now.weekday()) % 7 or 7)
    return None


def _end_of(lower: str, now: datetime) -> datetime | None:
    """The last day of what is named; of a week, its Friday."""
    if not re.search(r"end of|кінця|\be(?:od|ow|om)\b|\bcob\b|asap|цього тижня", lower):
        return None
    if re.search(r"eow|week|тижня", lower):
        weeks = 7 if re.search(_NEXT, lower) else 0
        ahead = (_FRIDAY - now.weekday()) % 7 if not weeks else _FRIDAY - now.weekday()
        return now + timedelta(days=ahead + weeks)
    quarter = re.search(r"q([1-4])", lower)
    if quarter:
        return _month_end(now, int(quarter[1]) * 3)
    for number, pattern in enumerate(MONTHS, start=1):
        if re.search(rf"\b(?:{pattern})\b", lower):
            return _month_end(now, number)
    if re.search(r"eom|month|місяця", lower):
        return _month_end(now, now.month % 12 + 1 if re.search(_NEXT, lower) else now.month)
    if re.search(r"quarter|кварталу", lower):
        return _month_end(now, (now.month + 2) // 3 * 3)
    if re.search(r"year|року", lower):
        return _month_end(now, 12)
    return None if re.search(r"sprint|спринту", lower) else now  # of the day


def _month_end(now: datetime, month: int) -> datetime:
    """The last day of the next such month to come."""
    year = now.year + (month < now.month)
    return now.replace(year=year, month=month, day=monthrange(year, month)[1])


def _after_span(lower: str, now: datetime) -> datetime | None:
    if re.search(r"next week|наступного тижня", lower):
        return now + timedelta(days=7)
    span = _SPAN.search(lower)
    count = _number(span["number"]) if span else None
    if span is None or count is None:
        return None
    if span["unit"] in ("month", "місяц"):
        year, month = divmod(now.year * 12 + now.month - 1 + count, 12)
        return now.replace(
            year=year, month=month + 1, day=min(now.day, monthrange(year, month + 1)[1])
        )
    return now + timedelta(days=count * (7 if span["unit"] in ("week", "тиж") else 1))


def _calendar_day(lower: str, now: datetime) -> datetime | None:
    """A day told by its number: 15.12, 20 грудня, the 10th; the next one to come."""
    standard = _ISO_DAY.search(lower)
    if standard:
        return _date(now, int(standard[3]), int(standard[2]), standard[1])
    numeric = _NUMERIC_DAY.search(lower)
    if numeric:
        return _date(now, int(numeric[1]), int(numeric[2]), numeric[3])
    for number, pattern in enumerate(MONTHS, start=1):
        if re.search(rf"\b(?:{pattern})\b", lower):
            day = re.search(r"(?<![\d:])(\d{1,2})(?:st|nd|rd|th)?(?![\d:]|\s?[ap]m)", lower)
            return _date(now, int(day[1]), number, None) if day else None
    day = re.search(r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|-го|-те| числа)\b", lower)
    if day:
        month = now.month if int(day[1]) >= now.day else now.month % 12 + 1
        return _date(now, int(day[1]), month, None)
    return None


def _date(now: datetime, day: int, month: int, year: str | None) -> datetime | None:
    try:
        if year:
            return now.replace(year=2000 + int(year) % 100, month=month, day=day)
        found = now.replace(month=month, day=day)
        return found if found.date() >= now.date() else found.replace(year=now.year + 1)
    except ValueError:
        return None


def _parsed(lower: str, now: datetime) -> datetime | None:
    """Rarer words ("in a decade") are dateparser's; it is slow to load."""
    if not re.search(r"\b(?:in|within|через|за)\b", lower):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import dateparser  # type: ignore[import-untyped]

        words = re.sub(r"^(?:by|before|until|within)\s(?:the\s)?|^за\s", "", lower)
        found = dateparser.parse(
            words if not lower.startswith("за ") else f"через {words}",
            languages=["uk", "en"],
            settings={"RELATIVE_BASE": now.replace(tzinfo=None), "PREFER_DATES_FROM": "future"},
        )
    return found.replace(tzinfo=now.tzinfo) if found else None


def _clock_of(lower: str) -> time | None:
    clock = re.search(
        r"(?<!\d)(\d{1,2}):([0-5]\d)(?:\s?([ap]m))?|(?<!\d)(\d{1,2})\s?([ap]m)\b", lower
    )
    if clock:
        hour, minute = int(clock[1] or clock[4]), int(clock[2] or 0)
        half = clock[3] or clock[5]
        if half:
            hour = hour % 12 + (12 if half == "pm" else 0)
        return time(hour % 24, minute)
    for pattern, part in _CLOCKS:
        if re.search(pattern, lower):
            return part
    hour_alone = re.search(r"\b(?:о|об)\s(\d{1,2})\b", lower)
    return time(int(hour_alone[1])) if hour_alone and int(hour_alone[1]) < 24 else None
