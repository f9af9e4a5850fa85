"""Textile shows what people wrote, and nobody there obeys it."""

import re

import pytest

from apps.exports.trackers.redmine.markup import MARKUPS
from apps.exports.trackers.textile import escape, fence, link


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("@olena глянь", "&#64;olena глянь"),
        ("closes #12", "closes &#35;12"),
        ("як у r12", "як у &#114;12"),
        ("source:a/b", "source&#58;a/b"),
        ("https://evil.example, www.x", "https&#58;//evil.example, www&#46;x"),
        ('"click":http', "&#34;click&#34;&#58;http"),
        ("<pre>", "&#60;pre&#62;"),
        ("*bold* -gone-", "&#42;bold&#42; &#45;gone&#45;"),
        ("h1. a\nbq. b\n* c", "&#104;1. a\n&#98;q. b\n&#42; c"),
        ("p(x)=. a\np is b. c", "&#112;(x)=. a\np is b. c"),
        ("{{toc}} [[Wiki]]", "&#123;&#123;toc&#125;&#125; &#91;&#91;Wiki&#93;&#93;"),
        ("a &lt; b", "a &#38;lt; b"),
        ("HTTP(x)", "HTTP&#40;x)"),
        ("2.5 - 3, so-so (і о 10:30)", "2.5 - 3, so-so (і о 10:30)"),
        ("a\u202eb\u200b\x07", "ab"),
    ],
)
def test_text_is_only_text(text, escaped):
    assert escape(text) == escaped


@pytest.mark.parametrize("text", ["a</pre>b", "</PRE >", "<code>x", "<notextile>"])
def test_a_quote_cannot_leave_its_fence(text):
    fenced = fence(text)

    assert fenced.lower().count("<pre>") == fenced.lower().count("</pre>") == 1
    assert "<code" not in fenced
    assert "<notextile" not in fenced
    assert fenced.replace("< ", "<") == f"<pre>\n{text.replace('< ', '<')}\n</pre>"


def test_a_quote_is_verbatim():
    assert fence("*a* @all #12 {{toc}}") == "<pre>\n*a* @all #12 {{toc}}\n</pre>"


def test_an_address_cannot_leave_its_link():
    assert link('https://x.example/a b" c', 'до "них"') == (
        '"до &#34;них&#34;":https://x.example/a%20b%22%20c'
    )


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("@olena, a@b", r"\!&#64;olena, a&#64;b"),
        ("closes #12", r"closes \!\#12"),
        ("r12 (commit:abc)", r"\!r12 (\!commit:abc)"),
        ("[[Wiki]] {{toc}}", r"\!\[\[Wiki\]\] \{ \{toc\}\}"),
        ("о 10:30 про 5-2, v1.2", "о 10:30 про 5-2, v1.2"),
    ],
)
def test_redmines_own_references_are_only_text_in_its_markdown(text, escaped):
    assert MARKUPS["markdown"].escape(text) == escaped


def test_a_fence_in_a_fence_ends_nothing_in_an_older_redmine():
    assert MARKUPS["markdown"].fence("a ``` b\n~~~~") == "```\na ` ` ` b\n~ ~ ~ ~\n```"


#: As Redmine 5 looks who is written to: quotes are taken away, then what stands in fences.
_QUOTED = re.compile(r"\r\n(?:>\s)+(.*?)\r\n", re.S)
_FENCED = {
    "markdown": re.compile(r"(~~~|```)(.*?)(~~~|```)", re.S),
    "textile": re.compile(r"<pre>(.*?)</pre>", re.S),
}


@pytest.mark.parametrize("markup", ["markdown", "textile"])
@pytest.mark.parametrize("text", ["@admin look\n>", "> a\n@admin look\n> > >", ">\n>\n@admin"])
def test_a_quote_in_a_message_mentions_nobody_in_redmine(markup, text):
    body = f"Олена:\n\n{MARKUPS[markup].fence(text)}\n\nmore".replace("\n", "\r\n")

    assert "@" not in _FENCED[markup].sub("", _QUOTED.sub("", body))
