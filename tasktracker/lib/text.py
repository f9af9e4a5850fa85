"""Plain-text facts that need no model: cleaning, language, normal form, fingerprint."""

import hashlib
import re
import unicodedata

FINGERPRINT_VERSION = 1

#: Zero-width, bidirectional and tag characters: invisible to people, not to software.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufff8\U000e0000-\U000e007f]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_APOSTROPHE = re.compile("[\u2018\u2019\u02bc\u0060\u00b4\u2032]")
_CYRILLIC = re.compile("[\u0400-\u04ff]")
_LATIN = re.compile("[A-Za-z]")
_NOT_WORD = re.compile(r"[^\w]+")


def storable(text: str) -> str:
    """What PostgreSQL can keep: no NUL and no lone surrogates; nothing else is changed."""
    return _SURROGATE.sub("\ufffd", text.replace("\0", ""))


def clean(text: str) -> str:
    """NFC, one kind of newline, no control and no invisible characters."""
    text = unicodedata.normalize("NFC", storable(text)).replace("\r\n", "\n").replace("\r", "\n")
    return _INVISIBLE.sub("", _CONTROL.sub("", text)).strip()


def language_of(text: str) -> str:
    """`uk` or `en` by alphabet: surzhyk and Ukrainian with English terms count as `uk`."""
    return "uk" if len(_CYRILLIC.findall(text)) * 3 >= len(_LATIN.findall(text)) else "en"


def normal_form(text: str) -> str:
    """Lower case, one apostrophe, words only: the text that fingerprints and fuzzy scores compare."""
    text = _APOSTROPHE.sub("'", unicodedata.normalize("NFKC", clean(text)).casefold())
    return _NOT_WORD.sub(" ", text.replace("'", "")).strip()


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
