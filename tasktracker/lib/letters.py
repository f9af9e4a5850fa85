"""Letters that only look different: apostrophes, Latin letters in Cyrillic words, stretched words."""

import re

CYRILLIC = re.compile("[\u0400-\u04ff]")
LATIN = re.compile("[A-Za-z]")

_CONSONANTS = "бвгґджзкмнпрстфхцчшщБВГҐДЖЗКМНПРСТФХЦЧШЩ"
_SIGNS = "'\u02b9\u02bb\u02bc\u02bd\u02c8\u2018\u2019\u201b\u2032\u0060\u00b4\uff07"
_APOSTROPHE = re.compile(f"[{_SIGNS}]")
_INSIDE_UKRAINIAN = re.compile(f"(?<=[\u0400-\u04ff])[{_SIGNS}](?=[\u0400-\u04ff])")
#: A phone's keyboard offers these first: п"ять, зв*язок, об^єкт.
_INSTEAD_OF_APOSTROPHE = re.compile(f'(?<=[{_CONSONANTS}])["*^\u201c\u201d\u2033](?=[яюєїЯЮЄЇ])')

_LETTERS = re.compile(r"[^\W\d_]+")
_COMPOUND = re.compile(r"[A-Z]{2,}[а-яіїєґ]+\Z")  # "APIшка", "QRкод": meant like this
_TO_CYRILLIC = str.maketrans("aceikmoptxyïëABCEHIKMOPTXY", "асеікмортхуїёАВСЕНІКМОРТХУ")
_TO_LATIN = str.maketrans("асеікмортхуАВСЕНІКМОРТХУ", "aceikmoptxyABCEHIKMOPTXY")
#: "i" between two Ukrainian words is "і" typed on the other keyboard.
_LONE = re.compile(
    r"(?<=[\u0400-\u04ff]\s)[aciyoACIYO](?=\s[\u0400-\u04ff])|\A[aciyoACIYO](?=\s[\u0400-\u04ff])"
)

_STRETCHED = re.compile(r"([\u0400-\u04ff])\1{2,}", re.IGNORECASE)
_EMOTICON = re.compile(
    r"(?<!\w)(?:[:;=][-'^]?[DPpdOoОоСсРр]+|[:;][-'^]?[3Зз]+|[xX]D+|[хХ]Д+|[oOоО0]_+[oOоО0])(?!\w)"
    r"|(?<=\))[)0]+(?!\w)|(?<!\w)_+(?!\w)|\u30c4"
)


def is_cyrillic(text: str) -> bool:
    """By alphabet: surzhyk and Ukrainian with English terms count as well."""
    return len(CYRILLIC.findall(text)) * 3 >= len(LATIN.findall(text))


def one_apostrophe(text: str) -> str:
    """Between Ukrainian letters each sign that stands for an apostrophe is one; nowhere else."""
    return _INSIDE_UKRAINIAN.sub("'", _INSTEAD_OF_APOSTROPHE.sub("'", text))


def without_apostrophes(text: str) -> str:
    """Whoever leaves it out writes the same word: зв'язок and звязок, don't and dont."""
    return _APOSTROPHE.sub("", text)


def one_alphabet(text: str) -> str:
    """A word of both alphabets gets the one that most of its letters have: "пpод" with a Latin "p".

    Only letters that look like one of the other alphabet change; a word with any other stays as it is
    ("SMSка"), and so does a word of one alphabet ("poco", "API").
    """
    if not (LATIN.search(text) and CYRILLIC.search(text)):
        return text
    default = is_cyrillic(text)
    text = _LETTERS.sub(lambda found: _in_one_alphabet(found.group(), default), text)
    return _LONE.sub(lambda found: found.group().translate(_TO_CYRILLIC), text)


def unstretched(text: str) -> str:
    """ "дуууже" is "дуже": no Ukrainian word has a letter three times in a row. Latin words may (www, III)."""
    return _STRETCHED.sub(r"\1", text)


def without_emoticons(text: str) -> str:
    """Faces made of letters and signs; those of signs alone and emoji are no words anyway."""
    return _EMOTICON.sub(" ", text)


def _in_one_alphabet(word: str, default: bool) -> str:
    if word.isascii() or not LATIN.search(word) or _COMPOUND.match(word):
        return word
    cyrillic, latin = len(CYRILLIC.findall(word)), len(LATIN.findall(word))
    wants_cyrillic = cyrillic > latin or (cyrillic == latin and default)
    changed = word.translate(_TO_CYRILLIC if wants_cyrillic else _TO_LATIN)
    others = LATIN if wants_cyrillic else CYRILLIC
    return word if others.search(changed) else changed
