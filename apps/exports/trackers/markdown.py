"""An issue as markdown: what people wrote is shown as it is, and obeyed by nobody."""

import re
from datetime import UTC
from urllib.parse import quote, urlsplit

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.exports.trackers.base import IssuePayload, Quote
from apps.issues.plain import without_orders
from tasktracker.lib.text import clean, shorten

LONGEST_QUOTE = 4000  # characters

_MARKUP = re.compile(r"[\\`*_\[\]<>#@|~&$!{}]")
_BLOCK = re.compile(r"^(\d{1,9})([.)])(?=\s|$)|^([-+=])", re.M)
_URL = re.compile(r"(?<=\w):(?=//)|(?<=www)\.", re.I)  # trackers make a link of every address
_KEY = re.compile(r"\b([A-Z][A-Z0-9]{0,9})-(?=\d)")  # and a reference of every ENG-12
_BACKTICKS = re.compile(r"`+")


def title_of(issue: IssuePayload, *, limit: int) -> str:
    return one_line(issue.title, limit=limit) or _("Untitled")


def one_line(text: str, *, limit: int) -> str:
    """Without what a tracker obeys ("closes #12")."""
    return shorten(without_orders(clean(text)), limit)


def body_of(issue: IssuePayload, *, limit: int) -> str:
    """The description, then the messages verbatim, in the project's language; no longer than `limit`."""
    with translation.override(issue.language):
        parts = [escape(shorten_lines(issue.description, limit // 3))] if issue.description else []
        room = limit - sum(len(part) + 2 for part in parts) - 100
        for number, one in enumerate(issue.quotes):
            quoted = quoted_message(one)
            if len(quoted) + 2 > room:
                left = len(issue.quotes) - number
                rest = ngettext("%(n)d more message.", "%(n)d more messages.", left)
                parts.append(rest % {"n": left})
                break
            parts.append(quoted)
            room -= len(quoted) + 2
    return "\n\n".join(parts)


def quoted_message(message: Quote) -> str:
    """Who, where and when with a link to it, and the words in a fence."""
    moment = f"{message.sent_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    words = [escape(part) for part in (message.author, message.chat, moment) if part]
    if is_web_address(message.url):
        words.append(link(message.url, _("Open the message")))
    return f"{', '.join(words)}:\n\n{fence(message.text)}"


def escape(text: str) -> str:
    """Text as text: no markup, no mention, no reference, no link."""
    lines = (line.strip() for line in clean(text).splitlines())
    text = _MARKUP.sub(r"\\\g<0>", "\n".join(lines))
    text = _BLOCK.sub(
        lambda found: rf"{found[1]}\{found[2]}" if found[1] else rf"\{found[3]}", text
    )
    return _KEY.sub(r"\1\\-", _URL.sub(r"\\\g<0>", text))


def fence(text: str) -> str:
    """Text verbatim, in a fence that is longer than any within it."""
    text = clean(text)
    if len(text) > LONGEST_QUOTE:
        text = text[: LONGEST_QUOTE - 1] + "…"
    marks = "`" * max(3, 1 + max((len(run) for run in _BACKTICKS.findall(text)), default=0))
    return f"{marks}\n{text}\n{marks}"


def link(url: str, label: str) -> str:
    return f"[{escape(label)}]({quote(url, safe=':/?#=&%+,;@~$!*-._')})"


def is_web_address(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("https", "http") and bool(urlsplit(url).hostname)
    except ValueError:
        return False


def shorten_lines(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"
