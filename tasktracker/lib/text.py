"""Plain-text facts that need no model: cleaning, language, normal form, fingerprint.

One text can be written in many ways: see docs/duplicates.md, "Normal form".
"""

import hashlib
import re
import unicodedata
from functools import lru_cache

from tasktracker.lib import spellings
from tasktracker.lib.letters import (
    is_cyrillic,
    one_alphabet,
    one_apostrophe,
    unstretched,
    without_apostrophes,
    without_emoticons,
)
from tasktracker.lib.transliteration import in_cyrillic, is_transliterated

#: A new normal form, a new number: fingerprints of two versions are never equal.
FINGERPRINT_VERSION = 2
MAX_ROUNDS = 8

#: Zero-width, bidirectional and tag characters: invisible to people, not to software.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufff8\U000e0000-\U000e007f]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_WORD = re.compile(r"[^\w]+")


def storable(text: str) -> str:
    """What PostgreSQL can keep: no NUL and no lone surrogates; nothing else is changed."""
    if text.isascii() and "\0" not in text:
        return text
    return _SURROGATE.sub("\ufffd", text.replace("\0", ""))


def clean(text: str) -> str:
    """NFC, one kind of newline, no control and no invisible characters."""
    text = unicodedata.normalize("NFC", storable(text)).replace("\r\n", "\n").replace("\r", "\n")
    return _INVISIBLE.sub("", _CONTROL.sub("", text)).strip()


@lru_cache(maxsize=4096)  # the same few hundred reports are compared with one after another
def language_of(text: str) -> str:
    """`uk` or `en`: surzhyk, Ukrainian with English terms and Ukrainian in Latin letters count as `uk`."""
    return "uk" if is_cyrillic(text) or is_transliterated(text) else "en"


def normal_form(text: str) -> str:
    """The words of a text, in lower case and each in its canonical spelling: what is compared.

    The normal form of a normal form is the same. English is only taken apart into words.
    """
    normal = _normal_words(clean(text))
    for _round in range(MAX_ROUNDS):
        again = _normal_words(normal)
        if again == normal:
            break
        normal = again
    return normal


def text_to_embed(text: str) -> str:
    """The text as an embedding model reads it best; for most texts that is the text itself.

    Case, signs, endings, English words and emoji stay: the model knows them, and they carry meaning. A
    project's glossary has no say: stored vectors would depend on the day on which they were made.
    """
    return spellings.canonical(_one_spelling(clean(text)), is_for_model=True)


def _normal_words(text: str) -> str:
    text = without_emoticons(_one_spelling(unicodedata.normalize("NFKC", text)))
    text = spellings.canonical(text.casefold())
    return _NOT_WORD.sub(" ", without_apostrophes(text).casefold()).strip()


def _one_spelling(text: str) -> str:
    return in_cyrillic(unstretched(one_apostrophe(one_alphabet(text))))


def fingerprint(text: str) -> str:
    """Hash of the normal form, prefixed with its version; empty for a text without words."""
    normal = normal_form(text)
    if not normal:
        return ""
    return f"{FINGERPRINT_VERSION}:{hashlib.sha256(normal.encode()).hexdigest()}"


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, cut at a word, with an ellipsis."""
    text = " ".join(text.split())
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    cut = head.rfind(" ")
    return (head[:cut] if cut > limit // 2 else head).rstrip(" ,.;:-") + "…"
