"""An issue as textile: the twin of `markdown`, for those who still write it."""

import re

from apps.exports.trackers.markdown import LONGEST_QUOTE, Markup, safe_address
from tasktracker.lib.text import clean

#: What is a sign to textile or to who reads it. An entity is the only escape that textile keeps as it is.
_SIGNS = re.compile(
    r"[&<>\"#@*_+^~%!|\[\]{}`]"
    r"|(?<!\w)-(?=\S)|(?<=\S)-(?!\w)"  # -gone-, but not "so-so"
    r"|==|\?\?|(?<=[A-Z])\("  # as it is, cited, ABC(what it is short for)
    r"|(?<![\d\s]):(?=\S)|(?i:(?<=www)\.)"  # source:a, addresses
    r"|^[bfhpt](?=(?:q|\d|n\d+|able)?(?:[^\w\s]\S{0,30})?\.)"  # "h1.", "bq(x)."
    r"|\br(?=\d)",  # r12
    re.M,
)
_VERBATIM_TAG = re.compile(r"<(?=/?(?:pre|code|kbd|notextile))", re.I)


def escape(text: str) -> str:
    """Text as text: no markup, no mention, no reference, no link."""
    lines = (line.strip() for line in clean(text).splitlines())
    return _SIGNS.sub(lambda found: _entities(found[0]), "\n".join(lines))


def fence(text: str) -> str:
    """Text verbatim; only a tag that would end it gets a space."""
    text = clean(text)
    if len(text) > LONGEST_QUOTE:
        text = text[: LONGEST_QUOTE - 1] + "…"
    return f"<pre>\n{_VERBATIM_TAG.sub('< ', text)}\n</pre>"


def link(url: str, label: str) -> str:
    return f'"{escape(label)}":{safe_address(url)}'


def _entities(signs: str) -> str:
    return "".join(f"&#{ord(one)};" for one in signs)


TEXTILE = Markup(escape, fence, link)
