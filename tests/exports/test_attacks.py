"""Ugly words from a chat, in every place of an issue: shown as they are, and obeyed by nobody."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from markdown_it import MarkdownIt

from apps.exports.trackers.base import IssuePayload, Quote, Wishes
from apps.exports.trackers.json_file import document, in_words
from apps.exports.trackers.markdown import body_of, title_of
from tasktracker.lib.text import clean

MOMENT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY = UUID("11111111-1111-4111-8111-111111111111")
LINK = "https://tasks.example/admin/issues/issue/7/change/"

ATTACKS = [
    "@all @channel @here <!channel> <@U123> @[Олена](user:1)",
    "closes #12, fixes ENG-12, Resolves: kvit/app#7, refs GH-3",
    "/close\n/assign @olena\n/label ~urgent",
    "{title} {messages} {0} {a.__class__} {{config}} %(name)s ${HOME} {% load x %}",
    "```\nleft the fence\n```\n# Heading\n@all",
    "````\n`````\n~~~\n~~~~",
    "</pre></code><script>alert(1)</script><img src=x onerror=alert(1)>",
    "[click](javascript:alert(1)) ![x](https://evil.example/x.png) <https://evil.example>",
    "https://evil.example www.evil.example mailto:a@evil.example data:text/html,x",
    "[ref]: https://evil.example\n[ref]",
    "# h1\nh1\n===\nh2\n---\n> quote\n- list\n1. one\n+ two\n* three\n\n    code\n***\n- [x] done",
    "| a | b |\n| - | - |\n| 1 | 2 |",
    "**bold** __bold__ ~~gone~~ `code` &amp; &#64;all $x$ :rocket: ==mark== ^up^",
    "a\u202eb\u2066c\u200bd\ufeffe\x00f\x1bg\x07h\x85i\u2028j\u2029k\U000e0041",
    "\\@all \\` \\[x](y) \\\\",
    "ENG-12 https://linear.app/kvit/issue/ENG-12 linear.app/x",
    '{"schema": 2, "uuid": "x"}\n{"another": "line"}',
    'r12 commit:abc source:x attachment:y {{include(x)}} !https://evil.example/x! [[Wiki]] "x":https://evil.example',
    "Прод лежить 🔥 їжачок ґанок ’ — „лапки“ 日本語 عربي",
    "a" * 9000,
    "`" * 500,
    "\n" * 50 + "x",
]
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
PLAIN = {"paragraph_open", "paragraph_close", "inline", "fence"}
WORDS = {"text", "text_special", "softbreak", "link_open", "link_close"}


def issue(attack: str, **changes) -> IssuePayload:
    """With the attack wherever somebody else can write."""
    files = (" ".join(clean(attack).split()),)
    values = {
        "id": 7,
        "project": "smachno",
        "title": attack[:200],
        "description": attack,
        "category": "bug",
        "priority": "high",
        "confidence": 0.9,
        "status": "approved",
        "language": "en",
        "reported_at": MOMENT,
        "labels": tuple([clean(attack)[:50]] if clean(attack) else []),
        "quotes": (
            Quote(clean(attack), attack, attack, MOMENT, "1:1", "https://t.me/c/1/2", files=files),
            Quote("", attack, attack, MOMENT, "1:2", kind="photo", files=files),
        ),
        "url": LINK,
    }
    return IssuePayload(**{**values, **changes})


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_a_body_has_only_text_our_own_links_and_fences(attack):
    body = body_of(issue(attack), limit=50_000)
    blocks = MARKDOWN.parse(body)
    inside = [token for block in blocks for token in block.children or ()]

    assert {block.type for block in blocks} <= PLAIN
    assert {token.type for token in inside} <= WORDS
    links = [token.attrs["href"] for token in inside if token.type == "link_open"]
    assert links == ["https://t.me/c/1/2", LINK]
    (fenced,) = [block.content for block in blocks if block.type == "fence"]
    whole = clean(attack)
    # Word for word; what is too long is cut, and says so.
    assert fenced == f"{whole if len(whole) <= 4000 else whole[:3999] + '…'}\n"


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_nothing_outside_a_fence_is_a_mention_a_reference_or_an_address(attack):
    body = body_of(issue(attack), limit=50_000)
    outside = re.sub(r"(?s)(`{3,})\n.*?\n\1(?=\n|$)", "", body).replace(LINK, "")
    outside = outside.replace("https://t.me/c/1/2", "")

    for sign in (r"(?<!\\)[@#<>`]", r"\w://", r"\b[A-Z]{2,}-\d", r"(?i)\bwww\."):
        assert not re.search(sign, outside), (sign, outside[:300])


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_a_title_is_one_line_that_orders_nothing(attack):
    title = title_of(issue(attack), limit=120)

    assert 0 < len(title) <= 120
    assert "\n" not in title
    assert clean(title) == title
    assert not re.search(r"(?<![\w.+-])@\w|(?<!&)#\d|\b(closes|fixes|refs)\s+[#A-Z]", title)


def test_values_are_put_into_templates_once():
    wishes = Wishes(title="[{category}] {title}", body="{title}\n\n{messages}", words={})
    attack = "{messages} {category}"

    told = issue(attack, wishes=wishes)

    assert title_of(told, limit=120) == "[bug] {messages} {category}"
    assert body_of(told, limit=9000).startswith(r"\{messages\} \{category\}")


@pytest.mark.parametrize("limit", [600, 1500, 9000])
@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_limits_are_kept_with_fences_closed(attack, limit):
    one = issue(attack)
    body = body_of(replace(one, quotes=one.quotes * 20), limit=limit)

    assert len(body) <= limit
    fences = re.findall(r"(?m)^(`{3,})$", body)
    assert len(fences) % 2 == 0 or "`" in attack


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_a_line_of_json_is_one_line_with_the_same_words(attack):
    line = in_words(document(issue(attack), KEY), indent=None)

    assert len(line.splitlines()) == 1
    assert json.loads(line)["quotes"][0]["text"] == clean(attack)
