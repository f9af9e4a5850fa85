"""Finds projects, technologies, versions, people and deadlines in a message, with their normal forms.

Plain rules and shipped lists: the same text always gives the same answer, in well under 3 ms.
Each surface is an exact piece of the text.
"""

import re
from collections.abc import Iterable
from datetime import datetime

from apps.messages.entities.base import KINDS as KINDS
from apps.messages.entities.base import Entity as Entity
from apps.messages.entities.base import Term as Term
from apps.messages.entities.deadlines import find_deadlines
from apps.messages.entities.due_dates import due_at
from apps.messages.entities.gazetteers import names, technologies
from apps.messages.entities.ruler import find_named
from tasktracker.lib.text import clean

MAX_CHARACTERS = 8000  # a longer text is a log


_TOKEN = re.compile(r"(?<![\w@/])\w+(?:[.\-'’ʼ]\w+)*[+#]*")
_LINK = re.compile(r"https?://\S+|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{1,190}")
_MENTION = re.compile(r"(?<![\w.@/])@[A-Za-z][\w.]{1,31}(?<!\.)")
_SERVICE = re.compile(
    r"(?<![\w/.@-])[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*[-_](?:api|svc|service|worker|gw|gateway|core|web|bot|proxy|relay|bridge"
    r"|builder|engine|cabinet|intake|portal|app|router|feed|cleaner|sender|scheduler|backend|frontend|mailer|page|suite"
    r"|ws|gate|runner|nightly|prod|server|client|admin|crm|dwh)(?![\w-])"
)
_CAMEL = re.compile(r"(?<![\w./@-])[A-Z][a-z]+(?:[A-Z][a-z]+)+(?:\s(?:CRM|B2B|API))?(?![\w(.]\w)")
#: Alerts and exceptions are called like this, not products.
_ALARM = re.compile(
    r"(?:Errors?|Exception|Warning|Rate|RateHigh|RateLow|Lag|LagHigh|Down|Full|Latency|Usage|Failed|Failing|Failures?|Broken"
    r"|Looping|Unavailable|Unreachable|Timeout|Draining|Replicated|Expiring|Mismatch|Degraded|Pressure|Throttling|Backlog"
    r"|NotReady)\Z"
)
_NAMED = re.compile(
    r"(?:\b(?:in|on|for|у|в|на|по)\s)([A-Z][a-z]{3,}(?:\s(?:CRM|Hub|Online))?)(?![\w'’])"
)
_QUOTED = re.compile(r"(?:\b[уУвВ]\s|\b[нН]а\s|\b[пП]о\s)[«\"]([А-ЯІЇЄҐ][\w ]{3,30}?)[»\"]")
_LEADING = re.compile(r"^([A-Z][a-z]{3,}(?:\s(?:CRM|Hub))?):\s")
_DOTTED = re.compile(
    r"(?<![\w.,:/\-])v?\d{1,4}(?:\.\d{1,5}){1,3}(?:-?(?:rc|beta|alpha)\.?\d*)?(?![\w%:]|[.,]\d|-\d)"
    r"|(?<![\w.])\d+\.x\b",
    re.I,
)
_UNIT = re.compile(
    r"\s?(?:%|k\b|m\b|ms|s\b|sec|min|hours?|h\b|kb|mb|gb|тис|млн|млрд|грн|гб|мб|кб|год|хв|сек|с\b|к\b|м\b|см|km|км|x\b"
    r"|times|points?|stars?|eur|usd|uah|€|\$|зір|рази?\b)",
    re.I,
)
_MONEY = re.compile(r"[$€£₴]\s?$")
_DATE_BEFORE = re.compile(r"\b(?:до|by|on|before|until|з|від|from|на)\s$", re.I)
_VERSION_WORD = re.compile(
    r"\b(?:version|versions|release|patch|update|firmware|hotfix|build|sdk|theme|since|ver|реліз\w*|верс\w*|патч\w*|апдейт\w*"
    r"|оновлен\w*|прошив\w*|білд\w*|збірк\w*|після|до|на|після апдейту|for|after|to|на|ota|v|чи|or|with|by|and|vs)\s$",
    re.I,
)
_SHORTENED = re.compile(
    r"(?<![\w.])(?<!\d\s)(?:ver|вер|v)\.\s?(\d{1,3}(?:\.\d{1,5}){1,3}(?:-?(?:rc|beta|alpha)\.?\d*)?)(?![\w%:]|[.,]\d)",
    re.I,
)
_BUILD = re.compile(r"\b(?:build|білд|збірка|build no\.?)\s#?(\d{3,6})\b", re.I)
_NUMBERED = re.compile(
    r"\b(?:iOS|Android|Postgres(?:QL)?|Chrome|Firefox|Safari|Edge|Node|Vue|React|Angular|Windows|Python|macOS|Xcode|Unity|PHP"
    r"|Java|Next\.js|SDK|Django|Ubuntu|Debian|Redis|Kubernetes|Maya|StoreKit|андро[їй]д\w*|хром\w*|вінд\w*|айос)"
    r"\s(\d{1,4}(?:/\d{1,2})?)(?:, (\d{1,3}))?(?![\w.:%]\d|\w|%)",
    re.I,
)
_NOT_PROJECT_WORDS = (
    "JavaScript TypeScript GitHub GitLab PostgreSQL YouTube LinkedIn WhatsApp Steps Actual Expected Result Repro Result "
    "Monday Tuesday Wednesday Thursday Friday Saturday Sunday January February March April June July August September "
    "October November December Slack German English French Polish Ukrainian Ukraine Kyiv Berlin Warsaw Prague London "
    "Europe Belgium Germany Poland Spain Update Note Request Proposal Question Steps Error Alert Warning This That Then"
)
_NOT_PROJECTS = frozenset(_NOT_PROJECT_WORDS.split())


def extract(
    text: str,
    *,
    sent_at: datetime | None = None,
    timezone: str = "Europe/Kyiv",
    glossary: Iterable[Term] = (),
) -> dict[str, list[Entity]]:
    """Entities by kind, in order of appearance, each surface once."""
    text = clean(text)[:MAX_CHARACTERS]
    prose = _LINK.sub(lambda match: " " * len(match.group()), text)
    found: dict[str, list[Entity]] = {kind: [] for kind in KINDS}
    for named in find_named(prose, tuple(glossary)):
        found[named.kind].append(named.entity)
    people = {entity.surface for entity in found["people"]}
    found["people"] += [entity for entity in _people(prose) if entity.surface not in people]
    taken = {entity.surface for entities in found.values() for entity in entities}
    found["projects"] += [
        Entity(surface, surface) for surface in _projects(prose) if surface not in taken
    ]
    found["versions"] += [Entity(value, value.lstrip("vV")) for value in _versions(prose)]
    found["deadlines"] += [
        Entity(surface, due_at(surface, sent_at, timezone) if sent_at else "")
        for surface, _position in find_deadlines(prose)
    ]
    return {kind: _unique(entities) for kind, entities in found.items()}


def normal_forms(text: str, glossary: Iterable[Term] = ()) -> set[str]:
    """Everything that a text names, as written and in its normal form, in lower case."""
    found = extract(text, glossary=glossary)
    return {
        form.casefold()
        for entities in found.values()
        for entity in entities
        for form in (entity.surface, entity.normal)
        if form
    }


def _people(text: str) -> list[Entity]:
    people = [Entity(match.group(), match.group().lower()) for match in _MENTION.finditer(text)]
    lists, known = names(), technologies()
    tokens = [token for token in _TOKEN.finditer(text) if token.group()[:1].isupper()]
    for token in tokens:
        word = re.sub(r"['’]s$", "", token.group())
        if lists.has(word) and not known.find(word):
            people.append(Entity(word, word))
    return people


def _projects(text: str) -> list[str]:
    found = [match.group() for match in _SERVICE.finditer(text)]
    found += [match.group() for match in _CAMEL.finditer(text)]
    for pattern in (_NAMED, _QUOTED, _LEADING):
        found += [match.group(1) for match in pattern.finditer(text)]
    return [
        surface
        for surface in found
        if surface.split()[0] not in _NOT_PROJECTS
        and not _ALARM.search(surface)
        and not technologies().find(surface)
        and not names().has(surface)
    ]


def _versions(text: str) -> list[str]:
    found = [
        (match.start(), match.group())
        for match in _DOTTED.finditer(text)
        if _is_version(text, match)
    ]
    for pattern in (_SHORTENED, _BUILD):
        found += [(match.start(1), match.group(1)) for match in pattern.finditer(text)]
    for match in _NUMBERED.finditer(text):
        found += [
            (match.start(group), match.group(group)) for group in (1, 2) if match.group(group)
        ]
    return [value for _start, value in sorted(found)]


def _is_version(text: str, match: re.Match[str]) -> bool:
    """Not a date, an address, an amount of something or a time."""
    value, before, after = match.group(), text[: match.start()], text[match.end() :]
    numbers = value.lstrip("vV").split("-")[0].split(".")
    if value[:1] in "vV" or "x" in value:
        return True
    if len(numbers) == 4 or (len(numbers) == 3 and len(numbers[2]) == 4):
        return False  # an address, 12.05.2026
    if len(numbers) == 3:
        return True
    if _UNIT.match(after) or _MONEY.search(before):
        return False
    is_date = len(numbers[1]) == 2 and int(numbers[0]) <= 31 and 1 <= int(numbers[1]) <= 12
    if is_date and len(numbers[0]) == 2 and _DATE_BEFORE.search(before):
        return False
    last = re.search(r"([\w.+#-]+)[\s:]+$", before)
    is_named = last is not None and (
        last[1][:1].isupper() or technologies().find(last[1]) is not None
    )
    is_first = not before.strip() or before.rstrip(" ")[-1:] in "\n`(,"
    return is_named or is_first or _VERSION_WORD.search(before) is not None


def _unique(entities: Iterable[Entity]) -> list[Entity]:
    return list({entity.surface: entity for entity in reversed(list(entities))}.values())[::-1]
