"""Redmine's two text formats. What Redmine itself looks for, it looks for in what they have become."""

import re

from apps.exports.trackers import markdown, textile
from apps.exports.trackers.markdown import MARKDOWN, Markup
from tasktracker.lib.text import clean

#: References to issues, revisions, files, people, as Redmine's own pattern has them: "!" before one says no.
_REFERENCE = re.compile(
    r"(?:(?<=[\s(,\-\[>])|^)"
    r"(?=(?:[a-z0-9\-_]+:)?"
    r"(?:attachment|document|version|forum|news|message|project|commit|source|export|user)?"
    r"(?:(?:##?|(?:[a-z0-9\-_]+\|)?r)(?:\d+|note)(?:(?:#note)?-\d+)?"
    r"|:(?:[^\"\s<>][^\s<>]*?|\"[^\"]+?\")|@[A-Za-z0-9_\-@.]*?)"
    r"(?:[^\w\s][^A-Za-z0-9_/]|,|\s|\]|<|$))",
    re.M,
)
_FENCES = re.compile(r"`{3,}|~{3,}")


def escape(text: str) -> str:
    """As in any markdown; and no macro, no page, no reference, and nobody is written to."""
    text = _REFERENCE.sub("!", clean(text)).replace("[[", "![[")
    text = markdown.escape(text).replace(r"\{\{", r"\{ \{")
    # Who is mentioned is looked for in the source, where a backslash keeps nobody away.
    return text.replace(r"\@", "&#64;")


def fence(text: str) -> str:
    """Verbatim; only a fence inside loses its look: not every Redmine knows which one ends there."""
    return markdown.fence(_FENCES.sub(lambda found: " ".join(found[0]), _unquoted(text)))


def fence_in_textile(text: str) -> str:
    return textile.fence(_unquoted(text))


def _unquoted(text: str) -> str:
    """Redmine takes quotes away before it looks who is mentioned outside of fences, and with a bare ">"
    at the end of one also what ends the fence."""
    return re.sub(r"^>", " >", clean(text), flags=re.M)


MARKUPS: dict[str, Markup] = {
    "markdown": Markup(escape, fence, MARKDOWN.link),
    "textile": Markup(textile.escape, fence_in_textile, textile.link),
}
