"""Words that two reports share across alphabets: loan words, product names, numbers.

"воркспейс" and "workspace" have the same skeleton of consonants; so have "метабейз" and "Metabase".
"""

from functools import lru_cache

from tasktracker.lib.text import normal_form

MIN_SKELETON = 3
MIN_WORDS = 3
MIN_CHARACTERS = 12  # "не працює", "still broken": the same words, hardly the same problem
MAX_CHARACTERS = 2000  # as for embeddings: a longer text is a log, its head says what it is about

_SOUNDS = str.maketrans(
    {
        "б": "b", "в": "v", "г": "h", "ґ": "g", "д": "d", "ж": "j", "з": "s", "к": "k", "л": "l", "м": "m",
        "н": "n", "п": "p", "р": "r", "с": "s", "т": "t", "ф": "f", "х": "h", "ц": "s", "ч": "c", "ш": "c",
        "щ": "c", "w": "v", "q": "k", "z": "s", "g": "h",
    }
)  # fmt: skip
_SILENT = str.maketrans("", "", "aeiouyаеєиіїйоуюяьёыэъ'")
_NUMBERS = {
    "two": "2", "дві": "2", "два": "2", "двох": "2", "three": "3", "три": "3", "трьох": "3", "four": "4",
    "чотири": "4", "five": "5", "пять": "5", "six": "6", "шість": "6", "seven": "7", "сім": "7", "eight": "8",
    "вісім": "8", "nine": "9", "девять": "9", "ten": "10", "десять": "10", "twenty": "20", "двадцять": "20",
    "thirty": "30", "тридцять": "30", "fifty": "50", "пятдесят": "50", "hundred": "100", "сто": "100",
    "million": "1000000", "мільйон": "1000000", "мільйони": "1000000", "мільйоні": "1000000",
}  # fmt: skip
#: Frequent words say nothing about a problem, whatever their skeleton.
_COMMON_WORDS = (
    "the and for not are was were this that with from have has but can you they when then than there what which "
    "our your its all any just only after before since into out more very still now new them their been will "
    "що як так але або для при від під над без його її вони вже ще тут там був була було були коли якщо тільки "
    "після потім зараз дуже може треба просто хтось щось мене мені нас вас нам вам цей ця ці той та те"
)
_COMMON = frozenset(_COMMON_WORDS.split())


@lru_cache(maxsize=16384)
def skeleton(word: str) -> str:
    """Consonants as one alphabet writes them; a number as digits; empty for a word that tells nothing."""
    if word in _NUMBERS:
        return _NUMBERS[word]
    if word in _COMMON:
        return ""
    if any(character.isdigit() for character in word):
        return word
    sounds = (
        word.replace("ph", "f")
        .replace("ck", "k")
        .replace("x", "ks")
        .replace("sh", "c")
        .replace("ch", "c")
    )
    sounds = sounds.replace("c", "c" if "c" in word and ("ch" in word or "sh" in word) else "k")
    bones = sounds.translate(_SOUNDS).translate(_SILENT)
    squeezed = "".join(
        letter for index, letter in enumerate(bones) if index == 0 or letter != bones[index - 1]
    )
    return squeezed if len(squeezed) >= MIN_SKELETON else ""


@lru_cache(maxsize=4096)
def words_of(text: str) -> str:
    """The normal form of the head of `text`; cached, because candidates come again with every report."""
    return normal_form(text[:MAX_CHARACTERS])


@lru_cache(maxsize=4096)
def skeletons(text: str) -> frozenset[str]:
    found = frozenset(skeleton(word) for word in words_of(text).split())
    return found - {""}


@lru_cache(maxsize=4096)
def stems(text: str) -> frozenset[str]:
    """Beginnings of the telling words: enough to see through Ukrainian endings."""
    return frozenset(
        word if any(character.isdigit() for character in word) else word[:5]
        for word in words_of(text).split()
        if word not in _COMMON and len(word) > 2
    )


def is_telling(normal: str) -> bool:
    """Long enough for the same words to mean the same problem."""
    return len(normal.split()) >= MIN_WORDS and len(normal) >= MIN_CHARACTERS
