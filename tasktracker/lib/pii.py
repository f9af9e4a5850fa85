"""Masks what a prompt must not carry: phones, addresses, cards, accounts, tax numbers, secrets.

Deterministic and reversible: the same value gets the same placeholder, and `unmask` brings it back. Every
pattern runs in linear time (bounded or possessive repetition), whatever the chat throws at it.
"""

import ipaddress
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple

import phonenumbers
from stdnum import iban, luhn
from stdnum.ua import rntrc

HOME = "UA"  # the region of phone numbers without a country code


class Span(NamedTuple):
    start: int
    end: int
    kind: str


class Masker:
    """One prompt's placeholders; texts masked by the same one share them."""

    def __init__(self) -> None:
        self.originals: dict[str, str] = {}  # placeholder -> original
        self._placeholders: dict[tuple[str, str], str] = {}
        self._numbers: Counter[str] = Counter()

    def mask(self, text: str) -> str:
        parts, done = [], 0
        for span in find(text):
            parts += [
                text[done : span.start],
                self._placeholder(span.kind, text[span.start : span.end]),
            ]
            done = span.end
        return "".join([*parts, text[done:]])

    def unmask(self, text: str) -> str:
        return _PLACEHOLDER.sub(lambda match: self.originals.get(match[0], match[0]), text)

    def _placeholder(self, kind: str, value: str) -> str:
        if (kind, value) not in self._placeholders:
            self._numbers[kind] += 1
            placeholder = f"[{kind}_{self._numbers[kind]}]"
            self._placeholders[kind, value] = placeholder
            self.originals[placeholder] = value
        return self._placeholders[kind, value]


def mask(text: str) -> tuple[str, dict[str, str]]:
    """The masked text, and what each placeholder stands for."""
    masker = Masker()
    return masker.mask(text), masker.originals


def placeholders(text: str) -> set[str]:
    """What looks like having been masked by us."""
    kinds = {kind for kind, _finder in _FINDERS}
    return {one for one in _PLACEHOLDER.findall(text) if one[1:].partition("_")[0] in kinds}


def find(text: str) -> list[Span]:
    """What is to be masked, in order and without overlaps; an earlier finder wins over a later one."""
    taken = bytearray(len(text))
    spans = []
    for kind, finder in _FINDERS:
        for start, end in finder(text):
            if start < end and not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                spans.append(Span(start, end, kind))
    return sorted(spans)


_Finder = Callable[[str], Iterator[tuple[int, int]]]


def _by_pattern(pattern: str, is_right: Callable[[str], bool] = bool) -> _Finder:
    """Spans of the group `value`, or of the whole match, that pass the check."""
    compiled = re.compile(pattern)
    group = "value" if "value" in compiled.groupindex else 0

    def finder(text: str) -> Iterator[tuple[int, int]]:
        for match in compiled.finditer(text):
            if is_right(match[group]):
                yield match.span(group)

    return finder


# Placeholder-like text of the chat itself: masked too, so that nobody can borrow another's value.

_PLACEHOLDER = re.compile(r"\[[A-Z]{2,12}_\d{1,9}\]")

# Secrets

_SECRETS = (
    # Private keys: to the end line, or as far as the lines look like one.
    (
        r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----"
        r"(?:(?:[^-]|-(?!----))*+-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----"
        r"|(?:\s*+[A-Za-z0-9+/=]{40,80}+)*+)"
    ),
    r"(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+(?:\.[\w-]*+)?",  # JWT
    r"(?i:\bbearer)\s{1,4}(?P<value>[\w.~+/=-]{12,}+)",
    r"(?i:\bbasic)\s{1,4}(?P<value>[A-Za-z0-9+/]{16,}+={0,2})",
    r"(?<![\w-])(?:sk|pk|rk)[-_][\w-]{16,}+",  # OpenAI, Stripe
    r"(?<![\w-])(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|hf_|npm_|pypi-|lin_api_|dop_v1_)[\w-]{16,}+",
    r"(?<![\w-])(?:AKIA|ASIA)[0-9A-Z]{16}(?!\w)",  # AWS
    r"(?<![\w-])AIza[\w-]{30,}+",  # Google
    r"(?<![\w-])SG\.[\w-]{16,}+\.[\w-]{16,}+",  # SendGrid
    r"(?<!\d)\d{8,10}:[\w-]{34,36}(?![\w-])",  # Telegram bot
    r"(?<=://)[^\s/:@]{0,100}:(?P<value>[^\s/@]{1,200})@",  # a password in an address
)

_NAMES_OF_SECRETS = (
    r"(?:pass(?:word|wd|phrase)?|pwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|auth[_-]?key"
    r"|credentials?|пароль|паролю|токен|секрет|ключ)"
)
_ASSIGNED = rf"(?i:(?<![^\W_]){_NAMES_OF_SECRETS})[\"']?\s{{0,3}}=\s{{0,3}}[\"']?(?P<value>[^\s\"',;&]{{4,200}}+)"
_SAID = rf"(?i:(?<![^\W_]){_NAMES_OF_SECRETS})[\"']?\s{{0,3}}(?::|-|—)\s{{0,3}}[\"']?(?P<value>[^\s\"',;&]{{6,200}}+)"


def _is_no_word(value: str) -> bool:
    """`password: is wrong` tells no password; one has a digit, or a sign inside."""
    return any(letter.isdigit() for letter in value) or bool(re.search(r"[^\w.!?…]", value))


def _is_random(value: str) -> bool:
    """Looks drawn by lot: mixed letters and digits, no words in it."""
    if not (re.search(r"[a-z]", value) and re.search(r"[A-Z]", value)):
        return False
    if sum(letter.isdigit() for letter in value) < 3:
        return False
    shares = [count / len(value) for count in Counter(value).values()]
    return -sum(share * math.log2(share) for share in shares) > 4.2


def _is_hex_secret(value: str) -> bool:
    return any(letter.isdigit() for letter in value) and any(letter.isalpha() for letter in value)


# Money and people


def _is_card(value: str) -> bool:
    digits = re.sub(r"\D", "", value)
    is_issued = re.match(r"4|5[1-5]|2[2-7]|3[47]|6", digits) is not None
    return is_issued and len(set(digits)) > 1 and bool(luhn.is_valid(digits))


def _is_iban(value: str) -> bool:
    return bool(iban.is_valid(value, check_country=False))


_TAX_WORDS = re.compile(
    r"(?i:\b(?:іпн|інн|рнокпп|рнокп|податков\w{0,5}|ідентифікаційн\w{0,5}|tax\s?id|inn|tin)\b)"
)
_NUMBERED = re.compile(
    r"(?i:[#№/=_-]|\b(?:замовлен\w{0,4}|заявк\w{0,3}|тікет\w{0,3}|номер\w{0,3}|рахун\w{0,4}|id|order|ticket|issue"
    r"|invoice|ts|time|timestamp|chat|user|job|build))\W{0,3}$"
)
_TEN_DIGITS = re.compile(r"(?<![\w.,-])\d{10}(?![\w-]|[.,]\d)")


def _tax_numbers(text: str) -> Iterator[tuple[int, int]]:
    """РНОКПП: by its name, else by its checksum and a birth date of somebody who works."""
    for match in _TEN_DIGITS.finditer(text):
        before = text[max(0, match.start() - 40) : match.start()]
        if _TAX_WORDS.search(before) or (_is_tax_number(match[0]) and not _NUMBERED.search(before)):
            yield match.span()


def _is_tax_number(value: str) -> bool:
    """The first five digits count days since 1899: 1949 to 2012, and no seconds of the Unix epoch."""
    return 18_000 < int(value[:5]) < 41_000 and bool(rntrc.is_valid(value))


# Phones

_PHONE = re.compile(
    r"(?<![\w.+,/=#№-])(?:\+|00)?\(?\d(?:[ \u00a0().-]{0,2}\d){8,14}(?![\w-]|[.,:]\d)"
)


def _phones(text: str) -> Iterator[tuple[int, int]]:
    for match in _PHONE.finditer(text):
        if _is_phone(match[0]):
            yield match.span()


def _is_phone(value: str) -> bool:
    digits = re.sub(r"\D", "", value)
    if value.startswith("+"):
        return 10 <= len(digits) <= 15
    if value.startswith("00"):
        return _is_valid_phone(f"+{digits[2:]}")
    if len(digits) == 12 and digits.startswith("380"):
        return True
    if len(digits) == 11 and digits.startswith("80"):
        return _is_valid_phone(f"+3{digits}")
    return len(digits) == 10 and digits.startswith("0") and _is_valid_phone(digits)


def _is_valid_phone(number: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(number, HOME))
    except phonenumbers.NumberParseException:
        return False


# Addresses

_VERSION_WORDS = re.compile(
    r"(?i:\b(?:v|ver|version|верс\w{0,4}|build|release|реліз\w{0,2}|chrome|chromium|firefox|safari|edge|opera)"
    r"\s{0,2}[/:=]?\s{0,2})$"
)
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f:]{4,39}+(?:\.\d{1,3}){0,3}(?![\w:])")


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    for match in _IPV4.finditer(text):
        before = text[max(0, match.start() - 20) : match.start()]
        if _is_somebodys(match[0]) and not _VERSION_WORDS.search(before):
            yield match.span()
    for match in _IPV6.finditer(text):
        has_digit = any(letter.isdigit() for letter in match[0])  # Dead::Beef is a class
        if has_digit and match[0].count(":") >= 2 and _is_somebodys(match[0]):
            yield match.span()


def _is_somebodys(value: str) -> bool:
    """Everybody's own machine (127.0.0.1, 0.0.0.0) tells nothing about anybody."""
    try:
        address = ipaddress.ip_address(value)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


_FINDERS: tuple[tuple[str, _Finder], ...] = (
    ("TEXT", _by_pattern(_PLACEHOLDER.pattern)),
    *(("SECRET", _by_pattern(pattern)) for pattern in _SECRETS),
    ("SECRET", _by_pattern(_ASSIGNED)),
    ("SECRET", _by_pattern(_SAID, _is_no_word)),
    (
        "EMAIL",
        _by_pattern(
            r"(?<![\w.+%'-])[\w.+%'-]{1,64}+@(?:[\w-]{1,63}+\.){1,8}[^\W\d_]{2,24}(?![\w-])"
        ),
    ),
    (
        "IBAN",
        _by_pattern(
            r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)", _is_iban
        ),
    ),
    (
        "CARD",
        _by_pattern(
            r"(?<![\w.,-])\d{4}(?:[ -]?\d{4}){3}(?:[ -]?\d{1,3})?(?![\w-]|[.,]\d)", _is_card
        ),
    ),
    ("CARD", _by_pattern(r"(?<![\w.,-])\d{4}[ -]?\d{6}[ -]?\d{5}(?![\w-]|[.,]\d)", _is_card)),
    ("IP", _addresses),
    ("PHONE", _phones),
    ("TAX", _tax_numbers),
    ("SECRET", _by_pattern(r"(?<![\w:-])[0-9a-fA-F]{32,}+(?![\w-])", _is_hex_secret)),
    ("SECRET", _by_pattern(r"(?<![\w+/.-])[A-Za-z0-9+/_-]{32,}+={0,2}(?![\w-])", _is_random)),
)
