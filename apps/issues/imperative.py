"""Turns the usual ways to ask for something into what is to be done, where that is sure.

"Could we add X?" -> "Add X", «Додайте X» -> «Додати X». What does not fit a pattern stays as it was.
"""

import re

_VERB = (
    "add|make|move|change|show|hide|allow|enable|disable|remove|delete|rename|replace|support|switch|sync|export"
    "|import|upgrade|update|migrate|extend|increase|reduce|raise|lower|split|merge|put|build|create|write"
    "|introduce|implement|keep|cache|log|send|document|translate|sort|group|filter|fix|improve|use|turn|set"
    "|store|track|limit|restore|bring|provide|offer|display|highlight|automate|drop|stop|open|close"
)
_DO = frozenset(_VERB.split("|"))
_GERUNDS = {
    (
        verb[:-1]
        if verb.endswith("e")
        else verb + verb[-1]
        if verb in {"put", "set", "split", "log", "drop", "stop"}
        else verb
    )
    + "ing": verb
    for verb in _DO
}
_NICE = r"(?:really |so |very |super )?(?:nice|great|good|cool|awesome|handy|useful|helpful|lovely)"
_WISH = (
    rf"(?:it (?:would|'d|will) be {_NICE}|would be {_NICE}|(?:i|we)(?:'d| would) (?:really )?(?:love|like)"
    r"|would (?:really )?(?:love|like))"
)
_SOFTLY = r"(?:maybe |perhaps |possibly |please |also |just )?"
_WHO = r"(?:we|you|somebody|someone|anybody|anyone|the team|i)"

#: Pattern -> what stands before the rest; `{verb}` is the verb that was found.
_ENGLISH: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.I), start)
    for pattern, start in (
        (rf"^(?:can|could|would|will|should) {_WHO} {_SOFTLY}(?P<verb>{_VERB}) ", "{verb} "),
        (rf"^(?:can|could) (?:we|i) {_SOFTLY}(?:have|get) (?=an? |the |some |more )", "add "),
        (rf"^{_WISH} to (?:have|get|see) (?=an? |the |some |more )", "add "),
        (rf"^{_WISH} to (?P<verb>{_VERB}) ", "{verb} "),
        (rf"^{_WISH} (?=an? |some |more )", "add "),
        (rf"^(?:i|we) (?:really )?(?:need|want) to (?P<verb>{_VERB}) ", "{verb} "),
        (r"^(?:i|we) (?:really )?(?:need|want) (?=an? |some |more )", "add "),
        (rf"^(?:let's|lets|let us) (?P<verb>{_VERB}) ", "{verb} "),
        (rf"^(?:i (?:suggest|propose)|we should|should we) {_SOFTLY}(?P<verb>{_VERB}) ", "{verb} "),
        (
            rf"^(?:how about|what about|(?:i |we )?(?:suggest|propose)) (?P<verb>{'|'.join(_GERUNDS)}) ",
            "{verb} ",
        ),
    )
)
#: The request without the reasons that follow in small letters.
_REQUEST = re.compile(r"^\S+(?:\s+\S+){2,}?(?<=\w{2}[.?!])(?=\s)")
_POLITE = re.compile(
    r"(?:^|[\s,]+)(?:please|pls|plz|будь[\s-]?ласка|плз|пліз|прошу вас)(?=[\s,.!?)]|$),?", re.I
)

#: Asked-for form -> infinitive.
_UKRAINIAN_VERBS = {
    "додай": "додати",
    "зроби": "зробити",
    "виправ": "виправити",
    "прибери": "прибрати",
    "перенеси": "перенести",
    "винеси": "винести",
    "заміни": "замінити",
    "зміни": "змінити",
    "онови": "оновити",
    "покажи": "показати",
    "показуй": "показувати",
    "сховай": "сховати",
    "поверни": "повернути",
    "увімкни": "увімкнути",
    "ввімкни": "ввімкнути",
    "вимкни": "вимкнути",
    "дозволь": "дозволити",
    "підтримай": "підтримати",
    "збільш": "збільшити",
    "зменш": "зменшити",
    "розшир": "розширити",
    "перейменуй": "перейменувати",
    "налаштуй": "налаштувати",
    "впровадь": "впровадити",
    "реалізуй": "реалізувати",
    "створи": "створити",
    "перекладай": "перекладати",
    "переклади": "перекласти",
    "підключи": "підключити",
    "прикрути": "прикрутити",
    "надсилай": "надсилати",
    "зберігай": "зберігати",
    "обмеж": "обмежити",
    "постав": "поставити",
    "прискор": "прискорити",
    "розділи": "розділити",
    "об'єднай": "об'єднати",
    "дай": "дати",
    "забери": "забрати",
    "закрий": "закрити",
    "відкрий": "відкрити",
    "опиши": "описати",
    "допиши": "дописати",
    "збери": "зібрати",
}
_PLURALS = {
    **{f"{verb}те": infinitive for verb, infinitive in _UKRAINIAN_VERBS.items()},
    **{
        f"{verb[:-1]}іть": infinitive
        for verb, infinitive in _UKRAINIAN_VERBS.items()
        if verb.endswith("и")
    },
}
_TOGETHER = {
    "додамо": "додати",
    "зробимо": "зробити",
    "винесемо": "винести",
    "перенесемо": "перенести",
    "приберемо": "прибрати",
    "замінимо": "замінити",
    "змінимо": "змінити",
    "оновимо": "оновити",
    "перейдемо": "перейти",
    "повернемо": "повернути",
    "увімкнемо": "увімкнути",
    "вимкнемо": "вимкнути",
    "перейменуємо": "перейменувати",
    "прикрутимо": "прикрутити",
    "поставимо": "поставити",
    "підключимо": "підключити",
}
_ASKED = {**_UKRAINIAN_VERBS, **_PLURALS}
_DO_IN_UKRAINIAN = frozenset({*_ASKED.values(), *_TOGETHER.values()})
#: Not a noun that only ends like one.
_INFINITIVE = (
    r"(?!(?:чати|дати|формати|результати|сертифікати|цитати|плати|роути|дублікати|агрегати|координати)\b)"
    r"(?P<verb>[а-яіїєґ'’]{1,30}[аяиіуйї]ти(?:ся|сь)?)(?![а-яіїєґ'’])"
)
_FIRST = re.compile(r"^(?P<verb>[а-яіїєґ'’]+)(?=\s)", re.I)
_LET_US = re.compile(r"^(?:давайте|давай|може)\s+(?P<verb>[а-яіїєґ'’]+)(?=\s)", re.I)
#: Whoever says so means the work itself.
_WORK = re.compile(
    rf"^(?:нам\s+|нам би\s+)?(?:треба|потрібно|варто|слід|пропоную|пропонуємо|прошу)\s+(?:б\s+|би\s+)?{_INFINITIVE}",
    re.I,
)
#: Whoever says so wants to be able to do it.
_ABILITY = re.compile(
    r"^(?:чи\s+)?(?:а\s+)?(?:можна(?: було би?)?|хотілося би?|хотілось би?|хочеться|хочу|хочемо"
    r"|було би? (?:дуже )?(?:добре|круто|класно|зручно|чудово|непогано|корисно|супер))\s+"
    rf"{_INFINITIVE}",
    re.I,
)


def imperative(title: str) -> str:
    """What is to be done, when the words surely ask for it."""
    polite = " ".join(_POLITE.sub(" ", title).split()).lstrip(" ,")
    changed = _in_english(polite) or _in_ukrainian(polite)
    if not changed and polite != title and polite.split(" ", 1)[0].lower() in _DO:
        changed = _begin(polite)
    if not changed or len(changed.split()) < 2:
        return title
    request = _REQUEST.match(changed)
    return (request[0] if request else changed).rstrip(" ?!.,")


def _in_english(title: str) -> str:
    words = title.replace("’", "'")
    for pattern, start in _ENGLISH:
        found = pattern.match(words)
        if found is not None:
            verb = found.groupdict().get("verb") or ""
            verb = _GERUNDS.get(verb.lower(), verb.lower())
            return _begin(start.format(verb=verb) + words[found.end() :])
    return ""


def _in_ukrainian(title: str) -> str:
    for pattern, forms in ((_LET_US, _TOGETHER), (_FIRST, _ASKED)):
        found = pattern.match(title)
        if found is not None:
            infinitive = forms.get(found["verb"].lower().replace("’", "'"))
            if infinitive is not None:
                return _begin(infinitive + title[found.end() :])
    found = _WORK.match(title)
    if found is not None:
        return _begin(found["verb"].lower() + title[found.end() :])
    found = _ABILITY.match(title)
    if found is None:
        return ""
    verb, rest = found["verb"].lower(), title[found.end() :]
    if verb == "мати":
        return f"Додати{rest}"
    if verb in _DO_IN_UKRAINIAN:
        return _begin(verb + rest)
    return f"Додати можливість {verb}{rest}"


def _begin(words: str) -> str:
    return words[:1].upper() + words[1:]
