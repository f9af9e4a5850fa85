"""Templates of titles and texts: words of an operator with names in braces, and nothing that could run."""

import re
from collections.abc import Collection, Mapping

from django.utils.translation import gettext as _

TITLE = "{title}"
BODY = "{description}\n\n{messages}\n\n{link}"

#: Of one line; what a placeholder stands for is told in docs/trackers.md.
SHORT = ("title", "number", "project", "category", "priority", "chat", "labels", "reported", "due")
LONG = ("description", "messages", "link")  # of several lines: each stands alone on one

_NAME = re.compile(r"\{([^{}\n]*)\}")
_IN_ADDRESS = re.compile(r"\]\([^)\n]*\{")  # markdown's [words](address)


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with the values, each put in once: braces within a value stay what they are.

    A line whose placeholders all stand for nothing is left out.
    """
    lines: list[str] = []
    for line in template.replace("\r\n", "\n").strip().split("\n"):
        names = [name for name in _NAME.findall(line) if name in values]
        if names and not any(values[name] for name in names):
            continue
        if not line.strip() and (not lines or not lines[-1].strip()):
            continue  # what stood between two blank lines was left out
        lines.append(line)
    while lines and not lines[-1].strip():
        lines.pop()
    return _NAME.sub(lambda found: values.get(found[1], found[0]), "\n".join(lines))


def wrong_in_title(template: str) -> str:
    """Why it cannot be a title's template; empty when it can."""
    return _unknown(template, SHORT)


def wrong_in_body(template: str) -> str:
    """Why it cannot be a text's template; empty when it can."""
    for line in template.splitlines():
        for name in LONG:
            if f"{{{name}}}" in line and line.strip() != f"{{{name}}}":
                return _("{%(name)s} must stand alone on a line.") % {"name": name}
    if _IN_ADDRESS.search(template):
        return _("No placeholder can be a part of an address.")
    return _unknown(template, (*SHORT, *LONG))


def _unknown(template: str, known: Collection[str]) -> str:
    unknown = [name for name in _NAME.findall(template) if name not in known]
    if not unknown:
        return ""
    names = {"name": unknown[0], "known": ", ".join(f"{{{name}}}" for name in known)}
    return _("There is no {%(name)s}. There are: %(known)s.") % names
