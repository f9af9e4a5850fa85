"""Due dates of work in both languages: where a text names one, and which day or time it means."""

import re
import warnings
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

SENTENCE = 200  # characters to each side that may tell whether work is asked for
LIMIT = 20  # due dates of one message; more of them are a calendar, not deadlines

_WEEKDAYS = (
    r"monday|mon\b|понеділ[о]?к\w*|пн\b",
    r"tuesday|tue\b|вівтор[о]?к\w*|вт\b",
    r"wednesday|wed\b|серед[аиіу]|ср\b",
    r"thursday|thu\b|четвер\w*|чт\b",
    r"friday|fri\b|п['’ʼ]?ятниц\w*|пт\b",
    r"saturday|sat\b|субот\w*|сб\b",
    r"sunday|sun\b|неділ[яіюею]+|нд\b",
)
_MONTHS = (
    r"jan(?:uary)?|січ\w*", r"feb(?:ruary)?|лют(?:ого|ий|ому|невої)", r"mar(?:ch)?|берез(?:ня|ень|ні)",
    r"apr(?:il)?|квіт(?:ня|ень|ні)", r"may|трав(?:ня|ень|ні)", r"june?|черв(?:ня|ень|ні)", r"july?|лип(?:ня|ень|ні)",
    r"aug(?:ust)?|серп(?:ня|ень|ні)", r"sept?(?:ember)?|верес(?:ня|ень|ні)", r"oct(?:ober)?|жовт(?:ня|ень|ні)",
    r"nov(?:ember)?|листопад[аі]?", r"dec(?:ember)?|груд(?:ня|ень|ні)",
)  # fmt: skip
_WEEKDAY = "(?:" + "|".join(_WEEKDAYS) + ")"
_MONTH = "(?:" + "|".join(_MONTHS) + r")\b"
_CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d|(?:1[0-2]|0?[1-9])(?::[0-5]\d)?\s?(?:am|pm)\b"
_PART = r"morning|noon|afternoon|evening|night|eod|cob|вечора|ввечері|увечері|ранку|зранку|вранці|обіду|після обіду"
_DATE = (
    rf"(?:the\s)?\d{{1,2}}(?:st|nd|rd|th)?\s(?:of\s)?{_MONTH}(?:\s20\d\d)?|{_MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?(?!\d|[:.]\d)"
    r"|\d{1,2}\.\d{2}(?:\.(?:20)?\d\d)?(?![\d.])|20\d\d-\d\d-\d\d|the\s\d{1,2}(?:st|nd|rd|th)|\d{1,2}-(?:го|те|е)|\d{1,2}\sчисла"
)
_END = (
    r"(?:the\s)?end of (?:the\s|this\s|next\s)?(?:day|week|month|quarter|year|sprint)|eod|eow|cob"
    r"|кінця (?:дня|тижня|місяця|кварталу|року|спринту)"
)
_DAY = rf"(?:today|tonight|tomorrow|сьогодні(?:шн\w+)?|завтра(?:шн\w+)?|післязавтра|(?:next\s|this\s|наступн\w+\s)?{_WEEKDAY}|{_DATE}|{_END})"
_TIME = rf"(?:(?:at|о|до|by|before)\s)?(?:{_CLOCK})|{_PART}|о\s\d{{1,2}}(?![\d:.%])"
_BASE = rf"(?:{_DAY}(?:[\s,]+(?:{_TIME}))?|(?:{_CLOCK})(?:\s(?:today|tomorrow|tonight|завтра|сьогодні))?|noon|midnight|обіду|вечора|ранку|завтрашнього\s\w+)"

#: What makes a time a due date: by, before, until; then bare days where people ask for work.
_BY = re.compile(
    rf"\b(?:(?:today|tomorrow|сьогодні|завтра)\s)?(?:by|before|until|till|no later than|due(?: on| by)?|deadline(?: is)?|не пізніше|до|на|к)\s(?:{_BASE})(?:\s(?:включно|ранку|вечора|today))?(?!\w)",
    re.I,
)
_DUE_DAY = re.compile(
    rf"\b(?:(?:сьогодні|завтра|післязавтра)(?:\s(?:до|о)\s(?:{_CLOCK}|\d{{1,2}}(?!\d)|кінця дня)|\s(?:{_PART}))?"
    rf"|(?:today|tomorrow|tonight)(?:\s(?:{_PART})|\sat\s(?:{_CLOCK})|\s(?:{_CLOCK}))?|(?:on|у|в)\s{_WEEKDAY}(?!\w)|(?:on|з)\s(?:{_DATE})"
    r"|(?:within|in)\s(?:the\s)?(?:next\s)?(?:an?\s|one\s|two\s|three\s|\d+\s)?(?:hours?|days?|weeks?)"
    r"|(?:через|за)\s(?:дві\s|два\s|три\s|\d+\s)?(?:годин\w|дні|днів|тиждень|тижні|місяць|хвилин)"
    rf"|next (?:week|sprint)|цього тижня|asap|end of the quarter)(?!\w)",
    re.I,
)
#: Days that only say when something happened or happens.
_PAST = re.compile(
    r"\b(?:since|from|after|починаючи|після|з)\s$|\b(?:now|yesterday|зараз|дотепер)\b.{0,3}$", re.I
)
_ASKS = re.compile(
    r"\b(?:need|must|should|have to|want|please|pls|can (?:you|we)|could|waits?|expects?|confirm|deadline|goes?|starts?"
    r"|closes?|release|ship|block|треба|потріб\w*|мусимо|маємо|прош\w*|чека\w*|встиг\w*|підтверд\w*|зроб\w*|будь ласка|плз"
    r"|реліз\w*|виход\w*|старту\w*|здат\w*|здаємо|подат\w*|дедлайн\w*|терміново|фриз\w*|код-фриз)\b",
    re.I,
)


def find_deadlines(text: str) -> list[tuple[str, int]]:
    """(surface, position) of each due date, in order."""
    found: list[tuple[str, int]] = []
    taken: list[tuple[int, int]] = []
    for match in _candidates(text):
        if any(match.start() < end and start < match.end() for start, end in taken):
            continue
        taken.append(match.span())
        if len(taken) > LIMIT:
            break
        found.append((match.group().strip(" ,"), match.start()))
    return sorted(found, key=lambda item: item[1])


def _candidates(text: str) -> Iterator[re.Match[str]]:
    yield from _BY.finditer(text)
    for match in _DUE_DAY.finditer(text):
        sentence = _sentence(text, match.start())
        if _ASKS.search(sentence) and not _PAST.search(
            text[max(0, match.start() - 30) : match.start()]
        ):
            yield match


def _sentence(text: str, position: int) -> str:
    """The sentence around `position`, at most SENTENCE characters to each side."""
    before, after = (
        text[max(0, position - SENTENCE) : position],
        text[position : position + SENTENCE],
    )
    start = max(before.rfind(mark) for mark in ".!?\n")
    ends = [end for mark in ".!?\n" if (end := after.find(mark)) >= 0]
    return before[start + 1 :] + after[: min(ends, default=len(after))]


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
    for number, pattern in enumerate(_WEEKDAYS):
        if re.search(rf"\b(?:{pattern})", lower):
            ahead = (number - now.weekday()) % 7 or 7
            return now + timedelta(days=ahead)
    return None


def _calendar_day(lower: str, now: datetime) -> datetime | None:
    """A day told by its number: 15.12, 20 грудня, the 10th; the next one to come."""
    numeric = re.search(r"(?<!\d)(\d{1,2})\.(\d{2})(?:\.((?:20)?\d\d))?(?!\d)", lower)
    if numeric:
        return _date(now, int(numeric[1]), int(numeric[2]), numeric[3])
    for number, pattern in enumerate(_MONTHS, start=1):
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
