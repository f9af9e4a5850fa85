"""Pieces of admin pages that show what people wrote: always escaped, never a link of its own."""

from collections.abc import Callable, Sequence
from typing import Any

from django.template.defaultfilters import floatformat
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop

from tasktracker.lib.text import clean, shorten

CATEGORY_COLOURS = {"bug": "danger", "feature": "info", "question": "warning"}
PRIORITY_COLOURS = {"critical": "danger", "high": "warning", "medium": "info"}
#: Words of ours that are stored as they are; `in_words` finds their translations.
STORED_WORDS = (
    # Chats
    gettext_noop("private"),
    gettext_noop("group"),
    gettext_noop("supergroup"),
    gettext_noop("channel"),
    gettext_noop("other"),
    # Messages
    gettext_noop("animation"),
    gettext_noop("audio"),
    gettext_noop("document"),
    gettext_noop("photo"),
    gettext_noop("poll"),
    gettext_noop("sticker"),
    gettext_noop("video"),
    gettext_noop("voice"),
    # Where an issue came from
    gettext_noop("admin"),
    gettext_noop("analysis"),
    # What a text names
    gettext_noop("people"),
    gettext_noop("technologies"),
    gettext_noop("deadlines"),
    gettext_noop("assignees"),
    gettext_noop("urgency"),
    # Who classified
    gettext_noop("rules"),
    gettext_noop("alerts"),
    gettext_noop("memory"),
    gettext_noop("local"),
    gettext_noop("person"),
    gettext_noop("no words"),
)


def in_words(stored: str) -> str:
    """A stored word in the reader's language; one that we do not know stays as it is."""
    return gettext(stored) if stored else ""


def badge(text: Any, colour: str = "") -> SafeString:
    """A word on a coloured ground, as Unfold draws it."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": colour})


def trouble_note(sentence: str) -> SafeString | str:
    """What is wrong, in a line that breaks where the page is narrow."""
    return (
        format_html('<span class="trouble-note" dir="auto">{}</span>', sentence) if sentence else ""
    )


def category_badge(row: Any) -> SafeString | str:
    if not row.category:
        return ""
    return badge(row.get_category_display(), CATEGORY_COLOURS.get(row.category, ""))


def priority_badge(row: Any) -> SafeString | str:
    if not row.priority:
        return ""
    return badge(row.get_priority_display(), PRIORITY_COLOURS.get(row.priority, ""))


def with_lock(shown: Any, row: Any, field: str) -> SafeString | str:
    """What a person has set has a lock on it."""
    if field not in row.locked_fields:
        return str(shown) if not isinstance(shown, SafeString) else shown
    return format_html(
        '{} <span class="material-symbols-outlined lock" title="{}" role="img" aria-label="{}">lock</span>',
        shown,
        gettext("Set by a person"),
        gettext("Set by a person"),
    )


def rounded(number: float, places: int) -> str:
    """As the pages round it: 0.855 is never 0.85 here and 0.86 there."""
    return str(floatformat(number, places))


def grouped(number: int) -> str:
    """A count as people read it: 1,500 or 1 500."""
    return str(number_format(number, use_l10n=True, force_grouping=True))


def percent(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.0%}"


def short_text(text: str, limit: int = 140) -> SafeString:
    """One or two lines for a list; the whole text is in the title."""
    return format_html(
        '<span class="chat-text-short" dir="auto">{}</span>', shorten(clean(text), limit) or "–"
    )


def verbatim(text: str) -> SafeString:
    """The text as it was written, line by line."""
    return format_html('<div class="chat-text" dir="auto">{}</div>', text)


def link(url: str, text: Any) -> SafeString:
    """A link to one of our own pages, or to a tracker's page that its plug-in named."""
    return format_html('<a class="text-link" href="{}">{}</a>', url, text)


def outside_link(url: str, text: Any) -> SafeString | str:
    """A link out only when it is the web; any other scheme stays text."""
    if not url.startswith(("https://", "http://")):
        return str(text)
    return format_html(
        '<a class="text-link" href="{}" target="_blank" rel="noopener noreferrer">{}</a>', url, text
    )


def post_buttons(
    buttons: Sequence[tuple[str, Any, Any]], address: Callable[[str], str]
) -> SafeString:
    """Buttons of a list's row: they post the list's own form, with its CSRF token, elsewhere.

    Each is (verb, icon, title); `address(verb)` tells where to.
    """
    return render_to_string(
        "admin/row_buttons.html",
        {
            "buttons": [
                {"address": address(verb), "icon": icon, "title": title}
                for verb, icon, title in buttons
            ]
        },
    )


def admin_address(name: str, *args: Any) -> str:
    return reverse(f"admin:{name}", args=args)
