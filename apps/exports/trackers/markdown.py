"""An issue as markdown: what people wrote is shown as it is, and obeyed by nobody.

Titles and texts of every markup are composed here; another one brings its own signs as a `Markup`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from urllib.parse import quote, urlsplit

from django.utils import translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.exports.trackers.base import IssuePayload, Quote
from apps.exports.trackers.template import filled
from apps.issues.plain import without_orders
from apps.sources.envelope import ATTACHED
from tasktracker.lib.text import clean, shorten

LONGEST_QUOTE = 4000  # characters
MOST_NEWS = 20  # messages in one note

_MARKUP = re.compile(r"[\\`*_\[\]<>#@|~&$!{}]")
_BLOCK = re.compile(r"^(\d{1,9})([.)])(?=\s|$)|^([-+=])", re.M)
_URL = re.compile(r"(?<=\w):(?=//)|(?<=www)\.", re.I)  # trackers make a link of every address
_KEY = re.compile(r"\b([A-Z][A-Z0-9]{0,9})-(?=\d)")  # and a reference of every ENG-12
_BACKTICKS = re.compile(r"`+")
_MENTION = re.compile(r"(?<![\w.+-])@(?=\w)")


def title_of(issue: IssuePayload, *, limit: int) -> str:
    """By the project's template, without what a tracker obeys."""
    with translation.override(issue.language):
        title = filled(issue.wishes.title, _words_of(issue))
        return one_line(title, limit=limit) or _("Untitled")


def one_line(text: str, *, limit: int) -> str:
    """Without what a tracker obeys ("closes #12"), and without mentions."""
    text, previous = " ".join(clean(text).split()), ""
    while text != previous:  # of what is left an order may have come: "fixes @#ENG-1"
        previous, text = text, without_orders(_MENTION.sub("", text))
    return shorten(text, limit)


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
    return f"[{escape(label)}]({safe_address(url)})"


def safe_address(url: str) -> str:
    """Without what could end it."""
    return quote(url, safe=":/?#=&%+,;@~$!*-._")


@dataclass(frozen=True)
class Markup:
    """How a tracker's texts are written."""

    escape: Callable[[str], str]  # text as text
    fence: Callable[[str], str]  # text verbatim
    link: Callable[[str, str], str]  # address, label


MARKDOWN = Markup(escape, fence, link)


def body_of(issue: IssuePayload, *, limit: int, markup: Markup = MARKDOWN) -> str:
    """By the project's template and in its language; no longer than `limit`."""
    with translation.override(issue.language):
        values = {name: markup.escape(word) for name, word in _words_of(issue).items()}
        values["description"] = _escaped(issue.description, limit // 3, markup)
        values["link"] = _link_back(issue, markup)
        rest = filled(issue.wishes.body, {**values, "messages": "."})
        values["messages"] = _messages(issue.quotes, limit - len(rest) - 100, markup)
        return shorten_lines(filled(issue.wishes.body, values), limit)


def is_cut(issue: IssuePayload, *, limit: int, markup: Markup = MARKDOWN) -> bool:
    """Whether `body_of` leaves something out."""
    if any(len(clean(one.text)) > LONGEST_QUOTE for one in issue.quotes):
        return True
    whole = body_of(issue, limit=10**9, markup=markup)
    return body_of(issue, limit=limit, markup=markup) != whole


def report_of(issue: IssuePayload) -> str:
    """Everything as plain text, for a file: nobody obeys what stands there."""
    parts = [clean(issue.title), clean(issue.description)]
    with translation.override(issue.language):
        parts += [
            "\n".join(filter(None, [head_of(one, clean), one.url, clean(one.text)]))
            for one in issue.quotes
        ]
    return "\n\n".join(filter(None, parts)) + "\n"


def news_of(issue: IssuePayload, *, limit: int, markup: Markup = MARKDOWN) -> str:
    """The messages of `issue.quotes`, which came after it was made; the latest, where not all fit."""
    with translation.override(issue.language):
        if not issue.quotes:
            return _("There are no further messages.")
        count = len(issue.quotes)
        head = ngettext(
            "%(n)d message came after this was created.",
            "%(n)d messages came after this was created.",
            count,
        )
        shown: list[str] = []
        room = limit - 400  # for the two sentences
        for one in reversed(issue.quotes[-MOST_NEWS:]):
            quoted = quoted_message(one, markup)
            room -= len(quoted) + 2
            if room < 0:
                break
            shown.insert(0, quoted)
        parts = [head % {"n": count}]
        if left := count - len(shown):
            rest = ngettext(
                "%(n)d earlier message is not shown.", "%(n)d earlier messages are not shown.", left
            )
            parts.append(rest % {"n": left})
    return "\n\n".join([*parts, *shown])


def quoted_message(message: Quote, markup: Markup = MARKDOWN) -> str:
    """Who, where, when and what came with it, with a link to it, and the words in a fence."""
    head = head_of(message, markup.escape)
    if is_web_address(message.url):
        link = markup.link(message.url, _("Open the message"))
        head = f"{head}, {link}"
    return f"{head}:\n\n{markup.fence(message.text)}" if message.text else head


def head_of(message: Quote, escape: Callable[[str], str]) -> str:
    """One line, in the language of the moment; without words it begins with what the message is."""
    moment = f"{message.sent_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    what = str(ATTACHED.get(message.kind, ""))
    with_it = message.files or ((what,) if message.text else ())
    said = (message.author, message.chat, moment, *with_it)
    head = ", ".join(escape(part) for part in said if part)
    if message.text:
        return head
    what = what or _("message")
    return f"{capfirst(what)}: {head}"


def is_web_address(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("https", "http") and bool(urlsplit(url).hostname)
    except ValueError:
        return False


def shorten_lines(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _escaped(text: str, room: int, markup: Markup) -> str:
    """Cut before it is escaped, so that no escape is cut in two; some make six signs of one."""
    cut = room
    while len(escaped := markup.escape(shorten_lines(text, cut))) > room * 3 // 2:
        cut = cut * 2 // 3
    return escaped


def _words_of(issue: IssuePayload) -> dict[str, str]:
    """What the short placeholders stand for."""
    return {
        "title": issue.title,
        "number": str(issue.id),
        "project": issue.project,
        "category": issue.category,
        "priority": issue.priority,
        "chat": issue.quotes[0].chat if issue.quotes else "",
        "labels": ", ".join(issue.labels),
        "reported": _day(issue.reported_at.astimezone(UTC)),
        "due": _day(issue.due_on) if issue.due_on else "",
        **issue.wishes.words,
    }


def _day(day: date | datetime) -> str:
    return f"{day:%Y-%m-%d}"


def _link_back(issue: IssuePayload, markup: Markup) -> str:
    if not is_web_address(issue.url):
        return ""
    return markup.link(issue.url, _("Open the issue with all its messages"))


def _messages(quotes: Sequence[Quote], room: int, markup: Markup) -> str:
    """As many as there is room for, oldest first."""
    parts: list[str] = []
    for number, one in enumerate(quotes):
        quoted = quoted_message(one, markup)
        if len(quoted) + 2 > room:
            left = len(quotes) - number
            rest = ngettext("%(n)d more message.", "%(n)d more messages.", left)
            parts.append(rest % {"n": left})
            break
        parts.append(quoted)
        room -= len(quoted) + 2
    return "\n\n".join(parts)
