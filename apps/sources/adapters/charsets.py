"""Bytes as text when nobody says, or somebody says wrongly, how they are written."""

_CYRILLIC_SMALL = frozenset("абвгґдеєжзиіїйклмнопрстуфхцчшщьюяёыэъ")
#: What is always another alphabet than UTF-8's, even where the bytes would pass as such.
_ESCAPED = ("utf-16", "utf-32", "utf-7", "iso-2022", "hz")


def decoded(data: bytes, declared: str = "") -> str:
    """UTF-8 when it is that, then what it is declared to be, then the likelier Cyrillic page."""
    declared = declared.strip().lower().replace("_", "-")
    candidates = [declared] if declared.startswith(_ESCAPED) else ["utf-8-sig", declared]
    for charset in candidates:
        try:
            return data.decode(charset)
        except (UnicodeError, LookupError, ValueError):
            continue
    return max((data.decode(page, "replace") for page in ("cp1251", "koi8-u")), key=_likeliness)


def _likeliness(text: str) -> int:
    """In the wrong one of the two pages small letters are capitals."""
    return sum(letter in _CYRILLIC_SMALL for letter in text)
