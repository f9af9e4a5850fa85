"""Whom a text wants to do the work, and how urgent it calls it: for the eyes of whoever decides.

Only suggestions: they lie beside the other entities and set no field, neither here nor in a tracker.
Not among `KINDS`: no model is asked for them and nobody measures them.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from apps.messages.entities.base import Entity
from tasktracker.lib.text import clean

SUGGESTED = ("assignees", "urgency")
READ = 8000  # characters
MOST = 5  # of a kind
_MOST_PEOPLE = 20
_BEFORE = 200  # characters that are looked at for what takes the words back

_NOT = re.compile(r"(?:\bне|\bні|n['’]t|\bnot|\bnever|\bno need to)\s+(?:\w+\s+)?$", re.I)
_SOFTLY = r"(?:\s*,?\s*(?:будь ласка|плз|пліз|please|pls|plz|можеш|ти|can you|could you))*"
_WORK_UK = (
    r"(?:візьм\w+|взя(?:ти|в|ла)|зроб\w+|виправ\w*|пофікс\w+|фіксани|полагод\w+|почин\w+|займ\w+|займи(?:сь|ся|іться)|забер\w+"
    r"|розбер\w+|глян\w+|поглян\w+|подив\w+|перевір\w*|підхоп\w+|закри[йєт]\w*|зреліз\w+|онов\w+)"
)
_DO_UK = (
    r"(?:візьм(?:и|еш|іть)|зроби(?:ть|те)?|виправ(?:те)?|пофікси(?:ть)?|полагодь(?:те)?|займи(?:сь|ся|іться)|забери(?:ть)?"
    r"|розберис[ья]|розберіться|глянь(?:те)?|поглянь(?:те)?|подивис[ья]|подивіться|перевір(?:те)?|підхопи(?:ть)?|закрий(?:те)?"
    r"|взяти|глянути|подивитис[ья]|виправити|перевірити|онови(?:ть)?)"
)
_WORK_EN = r"(?:take|fix|handle|do|own|pick|look|check|investigate|finish|update|deploy|review|grab|have a look)\b"
_GIVE_UK = r"(?:признач\w*|заасайн\w*|асайн\w*|повіс\w+|закинь(?:те)?|кинь(?:те)?|передай(?:те|мо)?|віддай(?:те|мо)?|доруч\w+)"
_WHAT = r"(?:\s+(?:це|її|його|їх|все|цю|цей|задачу|таску|тікет|баг|it|this|that|them|the|task|ticket|bug|issue|one)){0,3}"
_OWNER = (
    r"(?:виконавець|виконавиця|відповідальн(?:ий|а|ою)|асайні|assignee|assigned to|owner|на кому)"
)

_IT_UK = r"(?:\s+(?:це|її|його|цим|нею|цю|цей|сам|сама|тоді|вже|зараз|завтра|сьогодні|задачу|таску|тікет|баг)){0,3}"
#: The author takes it: "я візьму", "беру на себе", "I'll take it".
_MINE = re.compile(
    rf"\bя{_IT_UK}\s+(?:візьм(?:у|усь|уся)|займус[ья]|зроблю|виправлю|пофікшу|полагоджу|підхоплю|заберу|розберус[ья]"
    r"|(?:по)?гляну|подивлюс[ья]|перевірю)(?!\w)"
    rf"|\b(?:беру|візьму|взя(?:в|ла)|забираю|заберу){_IT_UK}\s+(?:на себе|собі|[ву] роботу)(?!\w)"
    rf"|\b(?:признач\w*|(?:за)?асайн\w*){_IT_UK}\s+на мене(?!\w)"
    r"|\b(?:i['’]ll|i will|i['’]m going to|let me)\s+(?:take|fix|handle|grab|own|pick|do|look into|look at|have a look|check)\b"
    r"(?!\s+(?:in|out|a|an|if|whether|with)\b)(?:\s+(?:this|it|that))?"
    r"|\bi['’]m on it\b|\bassign(?:\s+(?:this|it|that))?\s+to me\b",
    re.I,
)
#: What comes before it makes it a condition, a question or another person's words.
_NOT_MINE = re.compile(
    r"(?:\b(?:коли|якщо|щойно|поки|чи|if|when|once|until|unless|whether|каже|сказа(?:в|ла)|said|says)\s*[,:—–-]?\s*"
    r"|[:«“\"][ \t]*|^>.*)\Z",
    re.I | re.M,
)

#: Words of urgency and the priority that they name; the first that fits a place wins.
_URGENCY = tuple(
    (priority, re.compile(pattern, re.I))
    for priority, pattern in (
        (
            "low",
            (
                r"\b(?:не (?:дуже |надто )?(?:терміново|термінова|критично|критична|критичний|горить|поспішає|поспіх)|без поспіху"
                r"|коли буде час|низьк(?:ий|им|ого) пріоритет\w*|not (?:that |very |so )?(?:urgent|critical|a blocker)|no rush"
                r"|low[ -]prio(?:rity)?|nice to have|when you have time|isn['’]t (?:urgent|critical))\b"
            ),
        ),
        (
            "critical",
            r"\b(?:критичн(?:о|ий|а|е|ого|ої)|блокер|blocker|critical(?:ly)?|show-?stopper|p0|sev-?[01]|найвищ(?:ий|им) пріоритет\w*)\b",
        ),
        (
            "high",
            (
                r"\b(?:терміново|терміновий|термінова|термінове|негайно|якнайшвидше|горить|високий пріоритет|високого пріоритету"
                r"|urgent(?:ly)?|asap|high[ -]prio(?:rity)?|as soon as possible|right away|immediately|p1)\b"
            ),
        ),
    )
)


def suggest(text: str, people: Iterable[Entity], *, author: str = "") -> dict[str, list[Entity]]:
    """By kind, in order of appearance: people of the text, and words of it with the priority they name.

    An author who takes the work is the first of the people, by the words that say so.
    """
    text = clean(text)[:READ]
    found = [*_volunteer(text, author), *_assignees(text, list(people))]
    return {"assignees": found[:MOST], "urgency": _urgency(text)}


def _volunteer(text: str, author: str) -> Iterator[Entity]:
    if not author:
        return
    for match in _MINE.finditer(text):
        before = text[max(0, match.start() - _BEFORE) : match.start()]
        if not _NOT.search(before) and not _NOT_MINE.search(before):
            yield Entity(match.group(), author)
            return


def _assignees(text: str, people: list[Entity]) -> list[Entity]:
    known = {person.surface: person for person in people[:_MOST_PEOPLE] if person.surface}
    if not known:
        return []
    names = tuple(sorted(known, key=lambda name: (-len(name), name)))
    found = sorted(
        (match.start("who"), match["who"])
        for pattern in _asked(names)
        for match in pattern.finditer(text)
        if not _NOT.search(text[: match.start()])
    )
    return [known[name] for name in dict.fromkeys(name for _start, name in found)][:MOST]


@lru_cache(maxsize=256)
def _asked(names: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    who = rf"(?<![\w@.])(?P<who>(?-i:{'|'.join(map(re.escape, names))}))(?!\w)"
    return tuple(
        re.compile(pattern, re.I)
        for pattern in (
            rf"\b(?:хай|нехай|най)\s+(?:це\s+|вже\s+)?{who}\s+(?:це\s+|її\s+|його\s+|вже\s+)?{_WORK_UK}",
            rf"{who}(?:\s*,\s*|\s+){_SOFTLY}\s*{_DO_UK}(?!\w)",
            rf"\b{_GIVE_UK}{_WHAT}\s+(?:(?:на|до|для)\s+)?{who}(?!\s*,?\s*(?:що|шо|щоб|як)\b)",
            rf"\b{_OWNER}\s*(?:[:—–-]\s*|\s){who}",
            rf"\b(?:задача|таска|тікет|баг|це)\s+(?:на|для)\s+{who}",
            rf"\b(?:re)?assign(?:ed|ing)?{_WHAT}\s+(?:to\s+)?{who}",
            rf"\b(?:let|have|can|could|should|maybe)\s+{who}\s+(?:please\s+)?{_WORK_EN}",
            rf"{who}\s+(?:can|could|should|will|to|please)\s+(?:please\s+)?{_WORK_EN}",
            rf"{who}\s*,{_SOFTLY}\s*{_WORK_EN}",
            rf"(?=@){who}\s+{_SOFTLY}\s*{_WORK_EN}",
            rf"\b(?:give|hand|pass){_WHAT}\s+(?:over\s+)?to\s+{who}",
        )
    )


def _urgency(text: str) -> list[Entity]:
    return [Entity(surface, priority) for _start, surface, priority in sorted(_urgent(text))][:MOST]


def _urgent(text: str) -> Iterator[tuple[int, str, str]]:
    seen: set[str] = set()
    for priority, pattern in _URGENCY:
        for match in pattern.finditer(text):
            surface = match.group()
            if surface.casefold() not in seen:
                seen.add(surface.casefold())
                yield match.start(), surface, priority
        text = pattern.sub(lambda match: " " * len(match.group()), text)
