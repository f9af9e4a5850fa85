"""Ukrainian in Latin letters, by whatever rules: "ne pracyuye login na prodi" is "не працює логін на проді".

People write the sounds in many ways (pratsiuie, pracyuye, pracuje). Words are compared by their bones:
without y, i and j, which are what differs. A text is Ukrainian when enough of its words are frequent
Ukrainian and not English ones; then every word that is not English is put into Cyrillic.
"""

import re
from functools import lru_cache
from importlib import resources

from rapidfuzz import fuzz

from tasktracker.lib.letters import CYRILLIC
from tasktracker.lib.spellings import shipped, tokens_of

WORDS = "words/{language}.txt"
MIN_LETTERS = 4  # shorter words mean something in too many languages
MIN_BONES = 3
READ = 400  # characters that show the language
MIN_SHARE = 0.5  # share of the words that must be Ukrainian

#: Too short to be told by their sound: as they are written.
_SHORT = {
    "ne": "не", "na": "на", "ni": "ні", "nu": "ну", "ta": "та", "te": "те", "tse": "це", "ce": "це", "tsi": "ці",
    "yak": "як", "jak": "як", "shcho": "що", "scho": "що", "sho": "що", "shto": "що", "vse": "все", "vsi": "всі",
    "de": "де", "tut": "тут", "tam": "там", "ale": "але", "abo": "або", "chy": "чи", "ci": "ці", "ya": "я", "ja": "я",
    "my": "ми", "vy": "ви", "vin": "він", "ti": "ті", "ty": "ти", "za": "за", "do": "до", "po": "по", "u": "у", "v": "в",
    "z": "з", "i": "і", "j": "й", "nas": "нас", "vas": "вас", "nam": "нам", "vam": "вам", "mij": "мій", "shos": "щось",
    "vid": "від", "pid": "під", "bez": "без", "pry": "при", "pro": "про", "tak": "так", "toi": "той", "toy": "той",
    "tsya": "ця", "cya": "ця", "vzhe": "вже", "vje": "вже", "vge": "вже", "ye": "є", "je": "є", "zi": "зі", "iz": "із",
    "tsey": "цей", "cej": "цей", "cey": "цей", "bo": "бо", "ije": "і", "sche": "ще", "shche": "ще", "kho": "хто",
    "hto": "хто", "khto": "хто", "xto": "хто", "raz": "раз", "den": "день", "bud": "будь", "dva": "два", "try": "три",
    "den'": "день", "shoto": "щось", "dlya": "для", "dlia": "для", "yih": "їх", "jih": "їх", "im": "їм", "yim": "їм",
}  # fmt: skip
_SHORT_ENGLISH = frozenset(
    [
        "do",
        "my",
        "pro",
        "try",
        "de",
        "im",
        "vin",
        "i",
        "u",
        "v",
        "z",
        "te",
        "ti",
        "ta",
        "bo",
        "ale",
        "den",
        "vas",
        "bud",
        "ty",
        "j",
    ]
)

_BONES = (
    ("shch", "7"), ("sch", "7"), ("sh", "6"), ("zh", "5"), ("kh", "h"), ("ch", "4"), ("ts", "c"), ("tz", "c"),
    ("yo", "o"), ("x", "h"), ("w", "v"), ("q", "k"), ("g", "h"),
)  # fmt: skip
_CYRILLIC_BONES = str.maketrans(
    {
        "а": "a", "б": "b", "в": "v", "г": "h", "ґ": "h", "д": "d", "е": "e", "є": "e", "ж": "5", "з": "z", "и": "",
        "і": "", "ї": "", "й": "", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s",
        "т": "t", "у": "u", "ф": "f", "х": "h", "ц": "c", "ч": "4", "ш": "6", "щ": "7", "ь": "", "ю": "u", "я": "a",
        "ё": "o", "ы": "", "э": "e", "ъ": "",
    }
)  # fmt: skip
_ROMAN = str.maketrans(
    {
        "а": "a", "б": "b", "в": "v", "г": "h", "ґ": "g", "д": "d", "е": "e", "є": "ye", "ж": "zh", "з": "z", "и": "y",
        "і": "i", "ї": "yi", "й": "y", "к": "k", "л": "l", "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "s",
        "т": "t", "у": "u", "ф": "f", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ь": "", "ю": "yu",
        "я": "ya", "'": "",
    }
)  # fmt: skip
_SOUNDS = {
    "shch": "щ", "sch": "щ", "zh": "ж", "kh": "х", "ch": "ч", "sh": "ш", "ts": "ц", "ya": "я", "ia": "я", "ja": "я",
    "yu": "ю", "iu": "ю", "ju": "ю", "ye": "є", "ie": "є", "je": "є", "yi": "ї", "ji": "ї", "a": "а", "b": "б", "c": "ц",
    "d": "д", "e": "е", "f": "ф", "g": "г", "h": "г", "i": "і", "j": "й", "k": "к", "l": "л", "m": "м", "n": "н",
    "o": "о", "p": "п", "q": "к", "r": "р", "s": "с", "t": "т", "u": "у", "v": "в", "w": "в", "x": "х", "y": "и",
    "z": "з", "'": "",
}  # fmt: skip
_SOUND = re.compile("|".join(sorted(_SOUNDS, key=len, reverse=True)))
_REFLEXIVE = re.compile("(?<=[a-z]{3})(?:ts|c)[yij]a$")
_DOUBLED = re.compile(r"(.)\1+")
_PLAIN = re.compile(r"[A-Za-z0-9]+(?:'[A-Za-z]+)*")
_CODE = re.compile(r"`[^`\n]*`|\S+(?:://|@)\S+")
_NAME = re.compile(
    r"[A-Z].*[A-Z0-9]|.*\d"
)  # identifiers and abbreviations: iPhone12, JWT, PostgreSQL


def is_transliterated(text: str) -> bool:
    """Whether a text in Latin letters is Ukrainian."""
    return text[:READ].isascii() and _is_ukrainian(text[:READ])


def in_cyrillic(text: str) -> str:
    """A Ukrainian text in Latin letters in its own; any other text as it is."""
    if not is_transliterated(text):
        return text
    pieces, done = [], 0
    for token in tokens_of(text):
        written = text[token.start : token.end]
        pieces += [text[done : token.start], _word_in_cyrillic(written)]
        done = token.end
    return "".join([*pieces, text[done:]])


@lru_cache(maxsize=4096)
def _is_ukrainian(text: str) -> bool:
    if not text.isascii():
        return False
    written = _PLAIN.findall(_CODE.sub(" ", text))
    # Somebody's name inside an English sentence says nothing about its language.
    names = [
        bool(at and word[:1].isupper()) or bool(_NAME.match(word))
        for at, word in enumerate(written)
    ]
    words = [word.lower() for word, is_name in zip(written, names, strict=True) if not is_name]
    frequent = _english()
    english = sum(word in frequent and word not in _SHORT for word in words)
    if 2 * english >= len(words):
        return False
    telling = sum(_is_telling(word) for word in words)
    short = sum(word in _SHORT and word not in _SHORT_ENGLISH for word in words)
    ukrainian = telling + sum(word in _SHORT for word in words)
    if telling + short < 2 or not telling:
        return False
    return ukrainian > english and ukrainian >= len(words) * MIN_SHARE


def _is_telling(word: str) -> bool:
    return (
        len(word) >= MIN_LETTERS
        and word not in _english()
        and len(bones(word)) >= MIN_BONES
        and bones(word) in _ukrainian()
    )


def _word_in_cyrillic(written: str) -> str:
    word = written.lower()
    if word in _SHORT:
        return _cased(_SHORT[word], written)
    if _NAME.match(written) or not written.isascii():
        return written
    known = _ukrainian().get(bones(word), ()) if len(word) >= MIN_LETTERS else ()
    nearest = max(known, key=lambda one: fuzz.ratio(one.translate(_ROMAN), word), default="")
    if nearest and word not in _english():
        return _cased(nearest, written)
    if word in _english() or any(one.canonical.isascii() for one in shipped().exact.get(word, ())):
        return written  # "login", "redis": written like this in Ukrainian as well
    word = _REFLEXIVE.sub("ться", word)
    return _cased(_SOUND.sub(lambda found: _SOUNDS[found.group()], word), written)


@lru_cache(maxsize=16384)
def bones(word: str) -> str:
    """What all ways to write the word in Latin letters have in common; the same for Cyrillic ones."""
    word = word.replace("'", "")
    if CYRILLIC.search(word):
        return _DOUBLED.sub(r"\1", word.translate(_CYRILLIC_BONES))
    for letters, bone in _BONES:
        word = word.replace(letters, bone)
    return _DOUBLED.sub(r"\1", re.sub("[yij]", "", word))


@lru_cache(maxsize=1)
def _ukrainian() -> dict[str, tuple[str, ...]]:
    """Frequent words and those of the shipped list by their bones, the most frequent first."""
    found: dict[str, list[str]] = {}
    frequent = [word for word in _lines("ukrainian") if len(word) >= MIN_LETTERS]
    slang = sorted(word for word in shipped().words() if len(word) >= MIN_LETTERS)
    for word in [*frequent, *slang]:
        found.setdefault(bones(word), []).append(word)
    return {bone: tuple(dict.fromkeys(words)) for bone, words in found.items() if len(bone) > 1}


@lru_cache(maxsize=1)
def _english() -> frozenset[str]:
    return frozenset(_lines("english"))


def _lines(language: str) -> list[str]:
    path = resources.files("tasktracker.lib") / WORDS.format(language=language)
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def _cased(word: str, written: str) -> str:
    return word[:1].upper() + word[1:] if written[:1].isupper() else word
