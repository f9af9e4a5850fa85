"""Messages that are no report by themselves but add to one: "+1", a log line, a version, a screenshot.

Cheap signs only. What they add to is told by the reply chain, the author and the time.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from apps.messages.classifiers.conversation import REPORTS
from tasktracker.lib.text import clean

ECHO_WITHIN = 10 * 60  # seconds in which "me too" needs no reply
ECHO_AFTER = 4  # messages back, at most, that it can mean
CHAIN = 8  # replies that are followed back
BARE_ECHO = 8  # words
LONGEST_ECHO = 120  # characters; who writes more tells something of their own


class Sign(StrEnum):
    """What makes a message add to a report."""

    ECHO = "echo"  # "+1", "у мене теж"
    LOG = "log"  # a line of a log or of a stack trace
    DETAIL = "detail"  # a version, a device, a number, a screenshot
    WORDS = "words"  # no idle talk: adds when the reporter says it


#: Signs that need no reply: whoever says so right after a report means it.
BARE = frozenset({Sign.ECHO, Sign.LOG})


@dataclass(frozen=True)
class Said:
    """One message of the chat, as far as follow-ups need it; `category` is None while undecided."""

    number: int
    author: str
    seconds_before: float
    category: str | None

    @property
    def is_report(self) -> bool:
        return self.category in REPORTS

    @property
    def is_open(self) -> bool:
        return self.category is None


@dataclass(frozen=True)
class Meant:
    """The reports that a follow-up can mean, newest first; they must all be about one problem."""

    reports: tuple[Said, ...]
    is_reply: bool


#: It depends on messages of which nobody has decided yet whether they report anything.
OPEN = Meant((), is_reply=False)


def sign_of(text: str, kind: str = "text") -> Sign | None:
    """The sign of a text that is not a report; None for idle talk, thanks, promises and questions."""
    text = clean(text)
    if not text:
        return Sign.DETAIL if kind in ATTACHMENTS else None
    lowered = text.lower().replace("’", "'").replace("ʼ", "'")
    if _QUESTION.search(lowered) or _DONE.search(lowered):
        return None
    if _LOG.search(text):
        return Sign.LOG
    if _ECHO.search(lowered) and len(text) <= LONGEST_ECHO:
        return Sign.ECHO
    if _TALK.search(lowered) or _ASKS.search(lowered) or not re.search(r"\w", lowered):
        return None
    return Sign.DETAIL if _DETAIL.search(lowered) else Sign.WORDS


def is_bare_echo(text: str) -> bool:
    """So short an echo says nothing alone, even when it names a failure: "і у мене, 503"."""
    return len(text.split()) <= BARE_ECHO and sign_of(text) == Sign.ECHO


def is_only_echo(text: str) -> bool:
    """Not one word of its own: "у мене теж" names no problem, "і у мене, 503" does."""
    words = re.findall(r"[^\W\d_]+|\d+", clean(text).lower())
    return is_bare_echo(text) and all(word in _EMPTY for word in words)


def meant_by(
    sign: Sign,
    author: str,
    *,
    chain: Sequence[Said],
    recent: Sequence[Said],
    is_reply: bool,
    run: float,
) -> Meant | None:
    """What a message with this sign adds to, or OPEN; `run` is how long one author's run may last.

    `chain` is what it replies to, and so on back; `recent` are the chat's last messages, newest first.
    A reply is about what it replies to, whatever was said in between.
    """
    if is_reply:
        return _meant_by_reply(sign, author, chain)
    return _meant_by_run(author, recent, run) or _meant_by_nearness(sign, author, recent)


def _meant_by_reply(sign: Sign, author: str, chain: Sequence[Said]) -> Meant | None:
    """A sign of its own, the reporter's own words, or the answer to a question about the report."""
    for place, said in enumerate(chain[:CHAIN]):
        is_answer = place > 0 and chain[0].category == "question"
        is_own = bool(author) and said.author == author
        if said.is_open:
            return OPEN
        if said.is_report:
            adds = sign != Sign.WORDS or is_own or is_answer
            return Meant((said,), is_reply=True) if adds else None
    return None


def _meant_by_run(author: str, recent: Sequence[Said], run: float) -> Meant | None:
    """The author's own report a moment ago, when nobody else has reported anything since."""
    since: list[Said] = []
    for said in recent:
        since.append(said)
        if said.is_report or said.seconds_before > run:
            break
    own = [said for said in since if author and said.author == author]
    may_mean = [said for said in own if said.seconds_before <= run]
    if not any(said.is_report or said.is_open for said in may_mean):
        return None
    if any(said.is_open for said in since):
        return OPEN
    return Meant((may_mean[-1],), is_reply=False)


def _meant_by_nearness(sign: Sign, author: str, recent: Sequence[Said]) -> Meant | None:
    """Another author's report right before; all reports of the last minutes must be of one problem."""
    if sign not in BARE:
        return None
    near = [said for said in recent if said.seconds_before <= ECHO_WITHIN]
    if any(said.is_open for said in near):
        return OPEN
    reports = tuple(said for said in near if said.is_report)
    is_right_before = bool(reports) and reports[0] in near[:ECHO_AFTER]
    return Meant(reports, is_reply=False) if is_right_before else None


ATTACHMENTS = frozenset({"photo", "document", "video", "video_note", "voice", "audio"})

_ME = (
    r"(?:[уві]|и) (?:мене|нас|мого|моєї|моїй|моїх|наших|неї|нього|них|клієнтів?|всієї|усієї|\w+ому)"
)
_ECHO = re.compile(
    r"^\W*(?:\+ ?\d\b|\++(?!\d)|плюс ?(?:один|1)|плюсую|підтримую|приєднуюсь|аналогічн|підтверджую|тежсаме"
    r"|теж саме|те саме|та сама|така сама|такий самий|так само|ідентично|(?:о, )?(?:і|й|та) (?:мені|нам) (?:таке|теж)"
    r"|(?:(?:ха|ах)+\w*,? )?(?:і |та )?[ув] (?:мене|нас)\b(?!.{0,30}(?:працю|норм|\bок|гаразд|відкрива|добре))"
    rf"|(?:та |і |й |о, )*{_ME}[\w\s,]{{0,24}}? (?:теж|тоже|також|так само|так|те саме|таке)\b"
    r"|(?:та |і |й )у (?:мене|нас)\b|(?:і|й) в (?:мене|нас)\b|так, і (?:на|в|у|з) "
    r"|me too|me also|same\b|\+1|likewise|ditto|seconded|second this|ours too|mine too|here too|us too|also here"
    r"|can confirm|confirmed\b|i confirm|plus one|not (?:just|only) you|не тільки (?:у|в) (?:вас|тебе)"
    r"|yes! me|i(?:'m| am) seeing (?:the same|this too)|we (?:have|see|get) (?:it|this|that|the same) (?:too|as well)"
    r"|(?:\w+ ){1,3}(?:as well|too)(?: now)?\W*$|мені теж|нам теж|(?:\w+ ){1,3}теж\W*$"
    r"|будь ласка-будь ласка)"
)
#: Words of which an echo may consist without saying anything.
_EMPTY_WORDS = (
    "1 плюс один плюсую підтверджую підтримую приєднуюсь аналогічно ідентично о і й та и у в мене мені нас нам теж тоже "
    "також так само тежсаме саме те таке така сама такий самий тут "
    "plus one me us i we too also as well same here it this that the likewise ditto seconded second ours mine can "
    "confirm confirmed see seeing have get m am"
)
_EMPTY = frozenset(_EMPTY_WORDS.split())
_LOG = re.compile(
    r"\w(?:Exception|Error)\b|(?:FATAL|ERROR|PANIC|SEVERE|CRITICAL|Deadlock)\b|\bpanic:|[Ff]atal error"
    r"|\berrno\b|Traceback|\b0x[0-9a-fA-F]+|\.(?:tsx?|jsx?|py|java|swift|kt|go|php|rb|cs|so)[:+(]\d"
    r"|SIG(?:SEGV|KILL|ABRT)|OOM|[Tt]oo many open files|[Nn]o space left|[Tt]imed out \(\d|upstream\b"
    r"|\b(?:GET|POST|PUT|PATCH|DELETE) /|\b[45]\d\d [A-Z][a-z]+|HTTP [45]\d\d|[\w-]+=[\"\w.-]+ [\w-]+=|\{\"\w+\":"
    r"|\bat [\w.$]+\([\w.:]+\)|File \".+\", line|[Uu]ndefined is not|MISCONF|ECONN|encoder timeout|(?:log|лог): "
)
_DETAIL = re.compile(
    r"\b(?:v|версі\w+|version|build|білд|збірка|прошивка|firmware|sha|ref|id|айді\w*|session|сесія|request|запит"
    r"|замовлення|orders?|contract|договір|рахунок|invoice|чек|накладна|рейси?|workspace|tenant|tickets?|тікет)\b\W*\d"
    r"|\b\d+\.\d+(?:\.\d+)?\b|\b[a-zа-яіїє]{1,4}-\d{2,}|\b\d{4,}\b"
    r"|\b(?:iphone|айфон\w*|ipad|айпад\w*|ios|іос|android|андро[їі]д\w*|pixel|піксел\w*|xiaomi|сяомі|ксяомі|редмі|redmi"
    r"|samsung|самсунг\w*|galaxy|huawei|хуавеї?|moto\w*|мотор\w*|nokia|honor|windows|вінда|mac(?:os)?|мак[иу]?|linux"
    r"|chrome|хром\w*|firefox|фаєрфокс|лиса|safari|сафарі|edge|opera|xcode|wi-?fi|вайфай|мобільний інтернет)\b"
    r"|\bскрін\w*|\bscreen ?(?:shot|recording)|скриншот|нижче\W*$|\bbelow\W*$|\bлоги?\b|\blogs?\b|\bвідео\b|\bfile\b|\bфайл\b"
)
_QUESTION = re.compile(r"\?[\s)(\W]*$|^\W*(?:хто|who(?:'s)?|anyone|does anyone|хтось) ")
_ASKS = re.compile(r"\?\s")  # and goes on
_TALK = re.compile(
    r"^\W*(?:ок|мабуть|так\W*$|ні\W*$|yes\W*$|no\W*$|окей|оке|ага|угу|добре|супер|клас\w*|логічно|ясно|зрозум\w+|нотед|домовились|прийнято|дяк\w+|спасиб\w*|спс"
    r"|ok|okay|yep|sure|great|nice|cool|lovely|noted|thanks?|thank you|thx|cheers|right|got it|good|lol|ура|guilty|sorry|сорі|вибач\w*"
    r"|блін|ой|ух|ого|та ну|хаха\w*|ахах\w*|ха\b|ну шо|баржа)\b(?!.{90})"
    r"|дякую|thank you|thanks\b|🙏|😂|🤣|🎉"
    r"|гляну|дивлюс|дивлюсь|подивлюс|глянеш|сяду|займусь|візьму|беру\b|передам|розбер|подумаю|обговор|зараз перевір|\bща\b|роблю|лагоджу"
    r"|лочу|стопаю|додам їх|тестану|пиляю|оціним|заведено|в беклог|наступний спринт|чекаємо|чекаю|чекайте|після (?:обіду|стендап|мітинг)"
    r"|\blook(?:ing)?\b(?! like)|\bi look\b|having a look|checking|on it\b|will do|i'?ll |i will|let me|let'?s |i take it|after (?:lunch|the stand)"
    r"|put it on the board|on the board|will (?:tell|check|see)|please (?:try|tell|do not|don'?t|check|wait|send)|i know\b|we know|already known|minutes? please|they promise"
    r"|відомо|\bзнаю|в курсі|\bknown\b|обід\w*|lunch|coffee|кав[ау]\b|пив[оа]\b|pizza|піц[ау]|борщ|cake|суші|ramen|сирок"
    r"|відпуст|лікарн|мітинг|meeting|дзвінок|стендап|on[- ]call|чергу|monday|понеділ"
)
_DONE = re.compile(
    r"поправи|пофікс|виправ[ил]|\bфікс|вже зроби|зроблено|зроблю|готово|зловив|зловила|\bїде (?:в|у|сьогодні|завтра)|в сторі\b|буде в \d|постав\b|ок\W*$|супер\W*$|поїхав|підтягну|зарахован|відпустило|крашів нуль|знову працює|задепло|викоти|викочу|відкоти|перемкну|перезапу|підня[влт]|закри[влтю]|прибрал|прибив"
    r"|залив|вмерж|змерж|запрацю|відпусти|оновив|оновила|оновіться|повернув|повернул|вимкнув|посунув|почистив|звільнив|зупинив|додав\b"
    r"|поїхало|ожил[аио]|доїхав|пішл[аио]\b|працює\W*$|перевірте|перевіряйте|перепідкл|ребутн|зачинено|перевипустив|викотив"
    r"|\bfix(?:ed|ing)?\b|resolved|rolled back|reverted|deployed|released|restarted|works (?:now|again)|working again|is back\b|^\W*back\b"
    r"|\brenewed|unsealed|all green|are going\b|are moving|go through again|is up\b|shipped|resumed|removing it|removed|cured|moved to|installed new"
)
