"""Due dates of work in both languages: where a text names one.

A date with "by" or "до" is one. A bare date is one where its sentence asks for work or tells what is
about to happen; not where it tells what happened, when people meet or who is away.
"""

import re
from collections.abc import Iterator
from itertools import islice

from apps.messages.entities.due_dates import is_in_no_calendar
from apps.messages.entities.due_words import (
    CLOCK,
    DATE,
    DAY,
    MOMENT,
    MONTH,
    RELATIVE,
    TIME,
    WEEKDAY,
)

SENTENCE = 200  # characters to each side that may tell whether work is asked for
DATES = 200  # that are looked at; a text of more is a calendar
_SENTENCE_MARKS = ("!", "?", "\n", ". ")
_CLAUSE_MARKS = (*_SENTENCE_MARKS, ",", ";", "«", "»", '"', "“", "”", "(", ")")
LIMIT = 20  # due dates of one message

_NUMBER = r"(?:an?|one|two|three|four|five|six|ten|few|\d{1,3}|дві|два|три|чотири|пів|пару|кілька)"
_SPAN = (
    rf"(?:within|in)\s(?:the\s)?(?:next\s)?(?:{_NUMBER}\s)?(?:minutes?|hours?|days?|weeks?|months?)"
    rf"|(?:через\s(?:{_NUMBER}\s)?|(?:вже\s)?за\s{_NUMBER}\s|(?:вже|сьогодні,)\sза\s)(?:годин\w|день|дні|днів|тиждень|тижні|тижнів|місяць|місяці|хвилин\w?)"
)
_LOOSE = (
    r"next (?:week|sprint)|наступного (?:тижня|спринту)|цього тижня|asap|in\sq[1-4]|sprint \d{1,3}"
    rf"|(?:in|у|в)\s{MONTH}|end of the quarter|at the end of (?:the )?(?:sprint|week|month)"
)
_ADJECTIVE = r"(?:завтрашн|сьогоднішн|січнев|лютнев|березнев|квітнев|травнев|червнев|липнев|серпнев|вереснев|жовтнев|листопадов|груднев|п['’ʼ]ятничн)\w+"
_NO_NOUN = (
    r"(?!(?:today|tomorrow|tonight|and|or|since|so|please|if|but|when|as|in|at|to|i|we|by|on)\b)"
)
#: Before something that has a date of its own: "before the sale on Friday", "до аудиту 20 травня".
_EVENT = (
    rf"(?:before|by|until)\s(?:the\s|our\s)?(?:{MONTH}(?:\s\d{{1,2}})?|{CLOCK}|{WEEKDAY}['’]s|tomorrow['’]s|today['’]s)"
    rf"\s{_NO_NOUN}[a-z-]+(?:\s(?:center\s)?(?:visit|run|call|freeze|release|launch|drop))?"
    rf"|(?:before|by|until)\s(?:the\s|our\s)?(?:[a-z-]+\s){{1,2}}on\s{DAY}"
    rf"|до\s(?:\w{{4,}}\s){{1,3}}(?:(?:в|у|на)\s{WEEKDAY}|\((?:{DATE})\)|(?:{DATE}))|до\s{_ADJECTIVE}\s\w+"
    rf"|до\s(?:чорної\sп['’ʼ]ятниці(?:\s\((?:{DATE})\))?|літа|осені|зими|весни|свят|різдва|нового\sроку|сезону\s\d+|закінчення\s\w+)"
    r"|before\s(?:the\s)?(?:black friday|christmas(?:\sseason)?|holidays|new year)"
)
_PREPOSITION = r"by|before|until|till|no later than|due(?: on| by)?|deadline(?: is)?|не пізніше|до"


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.I)


_BY_EVENT = _words(_EVENT)
_BY = _words(
    rf"(?:(?:today|tomorrow|сьогодні|завтра),?\s)?(?:{_PREPOSITION})\s{MOMENT}(?:\sвключно)?"
)
_IN = _words(rf"(?:(?:{RELATIVE}),?\s)?(?:{_SPAN})")
_TIMED = _words(rf"(?:(?:on|у|в)\s)?{DAY},?\s(?:{TIME})")
#: Dates that begin something, name something or come again; they hide the day inside them.
_NO_DATE = _words(
    rf"(?:since|з|із|from|each|every|кожн\w+|що)\s{WEEKDAY}|black\sfriday|чорн\w+\sп['’ʼ]ятниц\w+|20\d\d-\d\d-\d\d[\sT]\d\d:\S+"
    rf"|{WEEKDAY}['’]s|(?:weeks?|тиждень|тижні)\s(?:(?:starts?|begins?|починається)\s)?(?:on|з)\s{WEEKDAY}"
)
_CLOCKED = _words(
    rf"(?:(?:at|о)\s)(?:{CLOCK}|noon|midnight|\d{{1,2}}(?![\d:.%]))(?:\s(?:{DAY}))?|{CLOCK}\s{DAY}"
)
_ON = _words(rf"(?:on|у|в|на)\s{DAY}")
_HAS_DAY = _words(DAY)
_FROM = _words(rf"(?:from|з|із)\s(?:{DATE})")
_TODAY = _words(r"today|tonight|сьогодні(?:\sж)?|this (?:afternoon|evening)")
_DAY = _words(
    rf"tomorrow|завтра|післязавтра|(?:next\s|наступн\w+\s)?{WEEKDAY}|\d{{1,2}}\s{MONTH}|{MONTH}\s\d{{1,2}}(?![\d:.])|\d{{1,2}}\sчисла"
)
_SOME = _words(_LOOSE)

_ASKS = _words(
    r"need\w*|must|should|shall|have to|has to|want\w*|please|pls|plz|can (?:you|we|someone|somebody)|could|deadline|due|required?|requires"
    r"|треба|потріб\w*|мус\w+|маємо|маю|прош\w*|встиг\w*|підтверд\w*|зроб\w+|будь ласка|плз|pls|дедлайн\w*|терміново|негайно"
    r"|крайній термін|хотілось би|приберіть|заберіть|зробіть|прикрутіть|додайте|вимагає\w*"
)
_HAPPENS = _words(
    r"goes?(?: live| public)?|go live|live|starts?|begins?|closes?|opens?|expires?|expiry|ends?|audit\w*|launch\w*|releas\w+"
    r"|ship\w*|signs?|cuts?|posts?|visits?|locks?|freeze|fr[io]zen?|switch\w*|vote|demo|renewals?|inspection|review|leaves|scheduled"
    r"|shuts?|shut down|runs?|sends?|will|\w+['’]ll|comes|won['’]t|play|aim|moved? to|rebuilt|renam\w+|drives|trim|stop accepting|campaign|fixed"
    r"|реліз\w*|старту?\w*|почина\w*|закрит\w*|закрива\w*|виход\w*|викоч\w*|викот\w*|кат(?:имо|им)|коти(?:мо|м)|сплива\w*|догорить|фриз\w*"
    r"|код-фриз\w*|здат\w*|здаємо|подат\w*|показ\w*|покажу|демо|підписан\w*|вимика\w*|відключ\w*|бере\w*|йде|іде|їдемо|прийдуть|приїд\w+"
    r"|перевірк\w*|запуск\w*|планов\w*|план\w*|викладк\w*|віддаємо|зупиня\w*|переносимо|зсуваємо|аудит\w*|розпродаж\w*|чергуван\w*"
    r"|приймаємо|буде|випробуван\w*|знесу|пропаяю|скину|прод|анонс\w*|ембарго|вікно|спроба|чекпойнт|повністю|мінят\w*|міняємо|взят\w*"
)
_PAST = _words(
    r"was|were|did|died|left|stopped|lost|celebrated|released|rolled|went|deleted|paid|updated|ran|got|fell|been|had|last|yesterday|ago|already"
    r"|created|submitted|revoked|since|incident|every|each|joins?|stuck|"
    r"вчора|учора|востаннє|останній раз|минул\w+|уже вдруге|щодня|щоночі|кожн\w+|по понеділках|впа[влд]\w*|піднявся|відкликано|вимкнено|помер\w*|звільни\w+"
)
_NO_WORK = _words(
    r"retro|standup|stand-up|sync|meet(?:ing|up)|invite|lunch|vacation|pto|out of office|i['’]m out|day off|office|hackathon|workshop|maintenance"
    r"|ретро|стендап\w*|мітинг\w*|зустріч\w*|співбесід\w*|лекці\w+|навчання|відпуст\w*|лікар|мене нема|мене не буде|офіс\w*|санітарний"
    r"|поверта\w+|на зв['’ʼ]язку|розбір|мемів"
)
_CALL = r"(?:дзвінок|зідзвон|созвон|call|interview)"
_CALL_BEFORE = re.compile(
    rf"(?<![\w-]){_CALL}(?:\s(?:з|із|зі|with)(?:\s\w+){{1,3}})?(?:\s(?:is|буде))?\s\Z", re.I
)
_CALL_AFTER = re.compile(rf"\s(?:an?\s|the\s|our\s|буде\s)?{_CALL}(?!\w)", re.I)
#: What somebody waits for: its time is no date of work.
_GOODS = r"(?:кур[’'ʼ]?єр\w*|замовленн\w+|доставк\w+|посил(?:к\w+|ок)|courier|driver|orders?|parcels?|packages?|delivery)"
_COMES = (
    r"(?:приїхати|прибути|обіця\w+|приїд\w+|приїжджа\w+|приход\w+|прийд\w+|прибу(?:де|ває|дуть)|привез\w+|довез\w+|достав(?:ить|лять|лено)|(?:буде|будуть)(?=\s(?:о|об|за|до|через|вже|тут|завтра|сьогодні)\s)"
    r"|arriv\w+|com(?:es|ing)|will (?:be (?:here|there)|come)|delivers|delivered|shows? up)"
)
_DELIVERY = _words(
    rf"{_GOODS}\s(?:[\w'’ʼ]+\s){{0,3}}?{_COMES}|{_COMES}\s(?:[\w'’ʼ]+\s){{0,2}}?{_GOODS}"
)
#: What is about to happen, but to people or of itself: with a bare time it asks for nothing.
_ONLY_HAPPENS = _words(
    r"буде|приїд\w+|прийдуть|прийде|will|\w+['’]ll|comes|won['’]t|runs?|play|показ\w*|їдемо|йде|іде"
)
_AWAY = _words(r"vacation|pto|out of office|day off|відпуст\w*|мемів|на мені|закрит\w+ до")
_RANGE = re.compile(r"\s?[–—-]\s?\d|\s?(?:to|till|до|по)\s\d")
_FROM_TIME = re.compile(
    rf"(?<!\w)(?:з|із|from|between)\s(?:{CLOCK}|\d{{1,2}})\s$|(?:було|was)\s$", re.I
)


def find_deadlines(text: str) -> list[tuple[str, int]]:
    """(surface, position) of each due date, in order."""
    found: list[tuple[str, int]] = []
    taken: list[tuple[int, int]] = []
    for match, is_one in islice(_candidates(text), DATES):
        if any(match.start() < end and start < match.end() for start, end in taken):
            continue
        taken.append(match.span())
        if is_one and not is_in_no_calendar(match.group()):
            found.append((match.group().strip(" ,"), match.start()))
    return sorted(found, key=lambda item: item[1])[:LIMIT]


def _candidates(text: str) -> Iterator[tuple[re.Match[str], bool]]:
    """Every date from the most telling form to the least, and whether it is due then."""
    for match in _BY_EVENT.finditer(text):
        yield match, True
    for match in _BY.finditer(text):
        yield match, _is_due(text, match)
    for match in _IN.finditer(text):
        yield match, _is_ahead(text, match)
    for match in _NO_DATE.finditer(text):
        yield match, False
    for pattern, judge in _JUDGED:
        for match in pattern.finditer(text):
            yield match, judge(text, match)


def _is_due(text: str, match: re.Match[str]) -> bool:
    """Not the end of a range ("з 23:00 до 01:00"), of a holiday or of waiting for a parcel."""
    if _is_delivery(text, match):
        return False
    if _FROM_TIME.search(text[max(0, match.start() - 20) : match.start()]):
        return False
    return not _AWAY.search(_sentence(text, match))


def _is_ahead(text: str, match: re.Match[str]) -> bool:
    """Its sentence asks for work, or tells what is about to happen."""
    sentence = _sentence(text, match)
    is_work = bool(_ASKS.search(sentence) or _HAPPENS.search(sentence))
    return is_work and _is_planned(text, match)


def _is_timed(text: str, match: re.Match[str]) -> bool:
    """A time without its day says little: people and things also come at one."""
    if not _is_ahead(text, match):
        return False
    sentence = _sentence(text, match)
    if _HAS_DAY.search(match.group()) or _ASKS.search(sentence):
        return True
    return _HAPPENS.search(_ONLY_HAPPENS.sub(" ", sentence)) is not None


def _is_asked(text: str, match: re.Match[str]) -> bool:
    """Its sentence asks for work: "today" alone says little."""
    sentence = _sentence(text, match)
    return (
        bool(_ASKS.search(sentence))
        and not _PAST.search(sentence)
        and not _NO_WORK.search(sentence)
    )


def _is_planned(text: str, match: re.Match[str]) -> bool:
    """A day with its time is a plan, unless people meet then or something is delivered."""
    sentence = _sentence(text, match)
    if _PAST.search(sentence) or _NO_WORK.search(sentence) or _RANGE.match(text, match.end()):
        return False
    return not (_is_delivery(text, match) or _is_call(text, match))


def _is_delivery(text: str, match: re.Match[str]) -> bool:
    return _DELIVERY.search(_piece(text, match, _CLAUSE_MARKS)) is not None


def _is_call(text: str, match: re.Match[str]) -> bool:
    before = text[max(0, match.start() - SENTENCE) : match.start()]
    return bool(_CALL_BEFORE.search(before) or _CALL_AFTER.match(text, match.end()))


_JUDGED = (
    (_TIMED, _is_planned),
    (_CLOCKED, _is_timed),
    (_ON, _is_ahead),
    (_FROM, _is_ahead),
    (_SOME, _is_ahead),
    (_DAY, _is_ahead),
    (_TODAY, _is_asked),
)


def _sentence(text: str, match: re.Match[str]) -> str:
    """The sentence around it, at most SENTENCE characters to each side."""
    return _piece(text, match, _SENTENCE_MARKS)


def _piece(text: str, match: re.Match[str], marks: tuple[str, ...]) -> str:
    before = text[max(0, match.start() - SENTENCE) : match.start()]
    after = text[match.end() : match.end() + SENTENCE]
    start = max(before.rfind(mark) for mark in marks)
    ends = [end for mark in marks if (end := after.find(mark)) >= 0]
    return before[start + 1 :] + match.group() + after[: min(ends, default=len(after))]
