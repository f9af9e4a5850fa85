"""The HTML of a mail as people read it: lines, lists and links; what is not for reading is left out.

Python's own parser needs minutes for half a megabyte of "<a <a <a", and anybody may send that.
"""

import re
from collections.abc import Mapping
from html import unescape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

MAX_HTML = 500_000  # characters; a text is cut at 20,000

#: Everything inside of these is not for reading.
_UNREADABLE = {
    "script",
    "style",
    "head",
    "title",
    "template",
    "noscript",
    "svg",
    "object",
    "iframe",
}
_BLOCKS = {
    "p", "div", "section", "article", "header", "footer", "table", "tr", "ul", "ol", "blockquote",
    "h1", "h2", "h3", "h4", "h5", "h6", "pre", "hr", "address", "center", "form",
}  # fmt: skip
_PARAGRAPHS = {"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre"}
#: Elements without an end, and elements whose end may be left out: the next block ends them.
_VOID = {"br", "img", "hr", "meta", "link", "input", "body", "html"}
_UNCLOSED = {"p", "li", "td", "th", "tr"}
_HIDDEN = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|mso-hide\s*:\s*all", re.IGNORECASE
)
_QUOTING = re.compile(r"\b(?:gmail_quote|yahoo_quoted|moz-cite-prefix|protonmail_quote)\b")
_SIGNING = re.compile(r"\b(?:gmail_signature|moz-signature|protonmail_signature_block)\b")
_TRACKING = re.compile(r"utm_\w+|fbclid|gclid|mc_[ce]id|mkt_tok|_hs\w+", re.IGNORECASE)
_TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<[!?][^>]*(?:>|\Z)|<(?P<end>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9:-]{0,30})(?P<rest>[^<>]{0,4000})>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"""(?<![\w:-])([\w:-]++)\s?=\s?("[^"]*"|'[^']*'|[^\s"'>]+)""")
_SPACES = re.compile(r"[ \t\r\n\f\xa0]+")


def text_of(html: str, *, keeps_quotes: bool = False) -> str:
    """Plain text; quotes that are marked as such are left out unless they are what is passed on."""
    reader = _Reader(keeps_quotes)
    html = html[:MAX_HTML]
    position = 0
    for token in _TOKEN.finditer(html):
        reader.read_text(html[position : token.start()])
        position = token.end()
        if token["tag"]:
            reader.read_tag(token["tag"].lower(), token["rest"], is_end=bool(token["end"]))
    reader.read_text(html[position:])
    lines = [line.strip() for line in "".join(reader.written).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Reader:
    def __init__(self, keeps_quotes: bool) -> None:
        self.keeps_quotes = keeps_quotes
        self.written: list[str] = []
        self.left_out: tuple[str, int] | None = (
            None  # the element, and how many of its kind are open
        )
        self.lists: list[int] = []  # the next number; 0 in a list without numbers
        self.links: list[tuple[str, int]] = []  # the address, and where its words begin
        self.preformatted = 0

    def read_tag(self, tag: str, rest: str, *, is_end: bool) -> None:
        if self.left_out is not None:
            self._count(tag, is_end)
        elif is_end:
            self._close(tag)
        else:
            found = _ATTRIBUTE.findall(rest)
            self._begin(tag, {name.lower(): unescape(value.strip("\"'")) for name, value in found})

    def read_text(self, text: str) -> None:
        if self.left_out is not None or not text:
            return
        words = unescape(text)
        if self.preformatted:
            self.written.append(words.replace("\r\n", "\n"))
            return
        words = _SPACES.sub(" ", words)
        if words != " " or not self._is_at_start():
            self.written.append(words)

    def _count(self, tag: str, is_end: bool) -> None:
        """Inside of what is left out only its own end matters."""
        assert self.left_out is not None
        name, depth = self.left_out
        if tag == name:
            depth += -1 if is_end else 1
            self.left_out = (name, depth) if depth else None
        elif name in _UNCLOSED and tag in _BLOCKS:
            self.left_out = None

    def _begin(self, tag: str, values: Mapping[str, str]) -> None:
        if not self._is_left_out(tag, values):
            self._open(tag, values)
            return
        if tag not in _VOID:
            self.left_out = (tag, 1)
        if tag in _BLOCKS:
            self._end_line()

    def _close(self, tag: str) -> None:
        if tag == "a" and self.links:
            self._close_link(*self.links.pop())
        elif tag in ("ul", "ol") and self.lists:
            self.lists.pop()
        elif tag == "pre":
            self.preformatted = max(0, self.preformatted - 1)
        if tag in _BLOCKS:
            self._end_line(blank=tag in _PARAGRAPHS)

    def _is_left_out(self, tag: str, values: Mapping[str, str]) -> bool:
        if tag in _UNREADABLE or _HIDDEN.search(values.get("style", "")):
            return True
        marks = f"{values.get('class', '')} {values.get('id', '')}"
        if _SIGNING.search(marks):
            return True
        is_quote = _QUOTING.search(marks) or (
            tag == "blockquote" and values.get("type", "").lower() == "cite"
        )
        return bool(is_quote) and not self.keeps_quotes

    def _open(self, tag: str, values: Mapping[str, str]) -> None:
        if tag == "br":
            self.written.append("\n")
        elif tag == "li":
            self._end_line()
            self.written.append(self._bullet())
        elif tag in ("td", "th"):
            if not self._is_at_start():
                self.written.append(" ")
        elif tag in _BLOCKS:
            self._end_line(blank=tag in _PARAGRAPHS)
        if tag in ("ul", "ol"):
            self.lists.append(1 if tag == "ol" else 0)
        elif tag == "a":
            # One in another is no link, and undoing many takes long.
            self.links = [(_address(values.get("href", "")), len(self.written))]
        elif tag == "pre":
            self.preformatted += 1

    def _bullet(self) -> str:
        number = self.lists[-1] if self.lists else 0
        if not number:
            return "- "
        self.lists[-1] += 1
        return f"{number}. "

    def _close_link(self, address: str, start: int) -> None:
        """Where a link leads is said once, after its words."""
        words = "".join(self.written[start:]).strip()
        if address and address.rstrip("/") != words.rstrip("/"):
            self.written.append(f" ({address})" if words else address)

    def _is_at_start(self) -> bool:
        return not self.written or self.written[-1].endswith("\n")

    def _end_line(self, *, blank: bool = False) -> None:
        if not self._is_at_start():
            self.written.append("\n\n" if blank else "\n")
        elif blank and self.written and not self.written[-1].endswith("\n\n"):
            self.written.append("\n")


def _address(href: str) -> str:
    """Where it leads, without marks that tell one reader from another; empty for what is no page."""
    try:
        parts = urlsplit(href.strip())
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or len(href) > 2000:
        return ""
    query = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in query if not _TRACKING.fullmatch(name)]
    if len(kept) == len(query):
        return href.strip()
    return urlunsplit(parts._replace(query=urlencode(kept)))
