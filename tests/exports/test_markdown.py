"""What people wrote goes out as it is, and nobody there obeys it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from apps.exports.trackers.base import IssuePayload, Quote
from apps.exports.trackers.markdown import (
    MARKDOWN,
    body_of,
    escape,
    fence,
    news_of,
    report_of,
    title_of,
)
from apps.exports.trackers.textile import TEXTILE

MOMENT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def issue(*texts: str, url: str = "", **changes) -> IssuePayload:
    values = {
        "id": 7,
        "project": "smachno",
        "title": "Прод лежить",
        "description": "",
        "category": "bug",
        "priority": "high",
        "confidence": 0.9,
        "status": "approved",
        "language": "en",
        "reported_at": MOMENT,
        "quotes": tuple(Quote(text, "Олена", "Dev chat", MOMENT, "1:1", url) for text in texts),
    }
    return IssuePayload(**{**values, **changes})


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("@olena глянь", r"\@olena глянь"),
        ("closes #12", r"closes \#12"),
        ("як у ENG-12", r"як у ENG\-12"),
        ("https://evil.example/x", r"https\://evil.example/x"),
        ("www.evil.example, WWW.x", r"www\.evil.example, WWW\.x"),
        ("[click](javascript:x)", r"\[click\](javascript:x)"),
        ("<img src=x>", r"\<img src=x\>"),
        ("**bold** `code` ~~no~~", r"\*\*bold\*\* \`code\` \~\~no\~\~"),
        ("- a\n1. b\n# c", "\\- a\n1\\. b\n\\# c"),
        ("    code", "code"),
        ("a\u202eb\u200b\x07", "ab"),
        ("2.5 - 3, so-so", "2.5 - 3, so-so"),
    ],
)
def test_text_is_only_text(text, escaped):
    assert escape(text) == escaped


@pytest.mark.parametrize("text", ["a ``` b", "```\n@all\n```", "~~~", "````\n`"])
def test_a_quote_cannot_leave_its_fence(text):
    fenced = fence(text)

    marks = fenced.split("\n", 1)[0]
    assert set(marks) == {"`"}
    assert marks not in text
    assert fenced == f"{marks}\n{text}\n{marks}"


def test_a_body_has_who_where_when_and_the_words_verbatim():
    body = body_of(issue("closes #12, @all", url="https://t.me/c/1/2"), limit=5000)

    assert body == (
        "Олена, Dev chat, 2026-03-02 09:00 UTC, [Open the message](https://t.me/c/1/2):"
        "\n\n```\ncloses #12, @all\n```"
    )


@pytest.mark.parametrize(
    ("kind", "files", "line"),
    [
        ("photo", (), "Photo: Олена, Dev chat, 2026-03-02 09:00 UTC"),
        ("document", ("a*b.log",), r"File: Олена, Dev chat, 2026-03-02 09:00 UTC, a\*b.log"),
        ("text", (), "Message: Олена, Dev chat, 2026-03-02 09:00 UTC"),
        ("poll", (), "Message: Олена, Dev chat, 2026-03-02 09:00 UTC"),
    ],
)
def test_a_message_without_words_is_a_line_with_its_link(kind, files, line):
    one = Quote("", "Олена", "Dev chat", MOMENT, "1:1", "https://t.me/c/1/2", kind, files)
    linked = f"{line}, [Open the message](https://t.me/c/1/2)"

    assert body_of(issue(quotes=(one,)), limit=5000) == linked
    assert news_of(issue(quotes=(one,)), limit=5000).endswith(f"\n\n{linked}")
    assert report_of(issue(quotes=(one,))).endswith(
        f"{line}\nhttps://t.me/c/1/2\n".replace("\\", "")
    )


def test_what_came_with_the_words_is_named():
    photo = Quote("ось", "", "", MOMENT, "1:1", kind="photo")
    log = Quote("ось", "", "", MOMENT, "1:2", kind="document", files=("app.log",))

    body = body_of(issue(quotes=(photo, log)), limit=5000)

    assert "09:00 UTC, photo:\n\n```\nось" in body
    assert "09:00 UTC, app.log:\n\n```\nось" in body


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "tg://x", "//evil", "https://", "http://[x"]
)
def test_only_web_addresses_are_links(url):
    assert "](" not in body_of(issue("а", url=url), limit=5000)


def test_an_address_cannot_leave_its_link():
    body = body_of(issue("а", url="https://x.example/a) [b](https://evil.example"), limit=5000)

    assert body.count("](") == 1
    assert "a%29%20%5Bb%5D%28https://evil.example)" in body


def test_a_body_keeps_its_limit_and_says_what_it_leaves_out():
    body = body_of(issue(*["довго " * 100] * 30, description="слово " * 900), limit=5000)

    assert len(body) <= 5000
    assert body.endswith("more messages.")


def test_a_title_is_one_line_without_orders():
    assert title_of(issue(title="Fixes #12\nпрод\u200b лежить"), limit=250) == "прод лежить"
    assert len(title_of(issue(title="ї" * 400), limit=250)) == 250
    assert title_of(issue(title="closes #1"), limit=250) == "Untitled"


@pytest.mark.parametrize(
    "title",
    ["fixes @ENG-1", "Fixes #ENG-1", "Fixes @#ENG-1", "Fixes closes ENG-1", "fixes\n\n \n\nENG-1"],
)
def test_what_is_left_of_an_order_is_none(title):
    assert title_of(issue(title=title), limit=250) == "ENG-1"


def test_news_are_the_latest_messages_and_how_many_there_are():
    few = news_of(issue("перше", "@друге"), limit=5000)
    many = news_of(issue(*(f"слово {n}" for n in range(30))), limit=5000)
    long = news_of(issue("х" * 3000, "останнє"), limit=2000)

    assert few.startswith("2 messages came after this was created.\n\nОлена, Dev chat, ")
    assert few.index("перше") < few.index("```\n@друге\n```")
    assert "10 earlier messages are not shown." in many
    assert ["слово 9\n" in many, "слово 10\n" in many, "слово 29\n" in many] == [False, True, True]
    assert ["1 earlier message is" in long, "останнє" in long, len(long) < 2000] == [True] * 3
    assert news_of(issue(), limit=5000) == "There are no further messages."


@pytest.mark.parametrize("markup", [MARKDOWN, TEXTILE])
def test_a_description_that_is_all_signs_leaves_room_for_messages_and_the_link_back(markup):
    long = issue("слово", description="@#*" * 2000, url="https://t.me/c/1/2")
    body = body_of(replace(long, url="https://x.example/7"), limit=5000, markup=markup)

    assert len(body) <= 5000
    assert "слово" in body
    assert "https://x.example/7" in body
