"""A sentence that was written down in English, in the language of whoever reads it.

What a process notes of its troubles (`last_error`) is written once, and read by people of two languages.
"""

import re
from functools import cache

from django.utils.translation import get_language, gettext
from django.utils.translation.trans_real import translation

PLACE = re.compile(r"%\((\w+)\)s")
LEAST = 10  # letters of its own, so that a template fits nothing by chance


def retell(sentence: str) -> str:
    """The translation, with the same values in it; what no catalog knows stays as it is."""
    if not sentence:
        return ""
    if (told := gettext(sentence)) != sentence:
        return told
    for pattern, template in _templates(get_language() or "en"):
        if found := pattern.fullmatch(sentence):
            values = {name: retell(value) for name, value in found.groupdict().items()}
            return gettext(template) % values
    return sentence


@cache
def _templates(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Of the sentences with values in them; whichever says most comes first."""
    # Private, but the only place where all of Django's catalogs are one.
    known = translation(language)._catalog.keys()  # type: ignore[attr-defined]  # noqa: SLF001
    found = [one for one in known if isinstance(one, str) and _is_template(one)]
    return [(_pattern(one), one) for one in sorted(found, key=_letters, reverse=True)]


def _is_template(sentence: str) -> bool:
    names = PLACE.findall(sentence)
    is_plain = "%" not in PLACE.sub("", sentence) and "\x04" not in sentence
    return (
        bool(names) and len(names) == len(set(names)) and is_plain and _letters(sentence) >= LEAST
    )


def _letters(sentence: str) -> int:
    return sum(map(str.isalpha, PLACE.sub("", sentence)))


def _pattern(template: str) -> re.Pattern[str]:
    parts = PLACE.split(template)  # words, name, words, name, ...
    text = "".join(
        f"(?P<{part}>.*)" if number % 2 else re.escape(part) for number, part in enumerate(parts)
    )
    return re.compile(text, re.DOTALL)
