"""Which day or time the words of a due date mean, for who wrote them at a moment in a zone."""

import re
import warnings
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from apps.messages.entities.due_words import MONTHS, WEEKDAYS


def due_at(surface: str, sent_at: datetime, zone: str) -> str:
    """ISO date (with the time when one is named) that the words mean; empty when they do not tell."""
    now = sent_at.astimezone(ZoneInfo(zone))
    lower = surface.lower()
    day = _day_of(lower, now) or _calendar_day(lower, now)
    clock = _clock_of(lower)
    if day is None:
        return _later(now, clock).isoformat(timespec="minutes") if clock else ""
    if clock is None:
        return day.date().isoformat()
    return datetime.combine(day.date(), clock, tzinfo=now.tzinfo).isoformat(timespec="minutes")


def _later(now: datetime, clock: time) -> datetime:
    moment = datetime.combine(now.date(), clock, tzinfo=now.tzinfo)
    return moment if moment > now else moment + timedelta(days=1)


def _day_of(lower: str, now: datetime) -> datetime | None:
    """A day told relative to today."""
    if "післязавтра" in lower:
        return now + timedelta(days=2)
    if re.search(r"завтра|tomorrow", lower):
        return now + timedelta(days=1)
    if re.search(r"сьогодні|today|tonight|eod|cob|asap|end of (?:the |this )?day|кінця дня", lower):
        return now
    if re.search(r"end of (?:the |this )?week|eow|кінця тижня|цього тижня", lower):
        return now + timedelta(days=(4 - now.weekday()) % 7)
    if re.search(r"end of (?:the |this )?month|кінця місяця", lower):
        return _end_of_month(now)
    if re.search(r"next week|через тиждень|за тиждень", lower):
        return now + timedelta(days=7)
    for number, pattern in enumerate(WEEKDAYS):
        if re.search(rf"\b(?:{pattern})", lower):
            ahead = (number - now.weekday()) % 7 or 7
            return now + timedelta(days=ahead)
    return None


def _calendar_day(lower: str, now: datetime) -> datetime | None:
    """A day told by its number: 15.12, 20 грудня, the 10th; the next one to come."""
    numeric = re.search(r"(?<!\d)(\d{1,2})\.(\d{2})(?:\.((?:20)?\d\d))?(?!\d)", lower)
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
    return _parsed(lower, now)


def _date(now: datetime, day: int, month: int, year: str | None) -> datetime | None:
    try:
        if year:
            return now.replace(year=2000 + int(year) % 100, month=month, day=day)
        found = now.replace(month=month, day=day)
        return found if found.date() >= now.date() else found.replace(year=now.year + 1)
    except ValueError:
        return None


def _parsed(lower: str, now: datetime) -> datetime | None:
    """The rest ("in two weeks", "через 3 дні") is dateparser's; it is slow to load and rarely needed."""
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
        r"(?<!\d)(\d{1,2}):(\d{2})(?:\s?([ap]m))?|(?<!\d)(\d{1,2})\s?([ap]m)\b", lower
    )
    if clock:
        hour, minute = int(clock[1] or clock[4]), int(clock[2] or 0)
        half = clock[3] or clock[5]
        if half:
            hour = hour % 12 + (12 if half == "pm" else 0)
        return time(hour % 24, minute)
    if re.search(r"\bnoon\b|обіду", lower):
        return time(12)
    return None


def _end_of_month(now: datetime) -> datetime:
    first = now.replace(day=28) + timedelta(days=4)
    return first - timedelta(days=first.day)
