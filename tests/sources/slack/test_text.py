"""mrkdwn becomes what people see in Slack, and nothing becomes markup."""

import time

import pytest

from apps.sources.adapters.slack.text import plain


@pytest.mark.parametrize(
    ("mrkdwn", "seen"),
    [
        ("<@U024BE7LH> глянь", "@U024BE7LH глянь"),
        ("<@U024BE7LH|olena> глянь", "@olena глянь"),
        ("<#C024BE7LR|payments>", "#payments"),
        ("<#C024BE7LR|>", "#C024BE7LR"),
        ("<#C024BE7LR>", "#C024BE7LR"),
        ("<!here> <!channel|channel> <!everyone>", "@here @channel @everyone"),
        ("<!subteam^SAZ94GDB8|@duty>", "@duty"),
        ("<!subteam^SAZ94GDB8>", "@SAZ94GDB8"),
        ("<!date^1392734382^{date_short}|Feb 18, 2014>", "Feb 18, 2014"),
        ("<https://example.com/a_b_c>", "https://example.com/a_b_c"),
        ("<https://example.com|the page>", "the page (https://example.com)"),
        ("<http://example.com|example.com>", "http://example.com"),
        ("<https://example.com/|https://example.com>", "https://example.com/"),
        ("<mailto:a@b.co|a@b.co>", "a@b.co"),
        ("<tel:+380441234567|+380441234567>", "+380441234567"),
    ],
)
def test_references_are_read_out(mrkdwn, seen):
    assert plain(mrkdwn) == seen


@pytest.mark.parametrize(
    ("mrkdwn", "seen"),
    [
        ("a &lt; b &amp;&amp; c &gt; d", "a < b && c > d"),
        ("&amp;lt;", "&lt;"),
        ("&quot;&nbsp;&#39;", "&quot;&nbsp;&#39;"),
        ("&lt;https://example.com|x&gt;", "<https://example.com|x>"),
        ("<https://example.com?a=1&amp;b=2|a &lt; b>", "a < b (https://example.com?a=1&b=2)"),
    ],
)
def test_entities_are_read_once(mrkdwn, seen):
    assert plain(mrkdwn) == seen


@pytest.mark.parametrize(
    ("mrkdwn", "seen"),
    [
        ("*не працює* оплата", "не працює оплата"),
        ("_так_ і ~не так~", "так і не так"),
        ("*_~усе~_*", "усе"),
        ("(*важливо*)", "(важливо)"),
        ("*<@U1|olena>*, глянь", "@olena, глянь"),
        ("`*args` і `a_b_c`", "*args і a_b_c"),
        ("```def f(*a, **k):\n    return _x_```", "def f(*a, **k):\n    return _x_"),
        ("snake_case_name, 2*3*4, __init__", "snake_case_name, 2*3*4, __init__"),
        ("2 * 3 * 4 і ~/a ~/b", "2 * 3 * 4 і ~/a ~/b"),
    ],
)
def test_emphasis_goes_and_code_stays(mrkdwn, seen):
    assert plain(mrkdwn) == seen


@pytest.mark.parametrize(
    "strange",
    ["<", ">", "<>", "<@>", "<|>", "<!>", "<!date>", "``````", "`", "*", "**", "<a\nb>", ""],
)
def test_strange_input_is_only_text(strange):
    assert isinstance(plain(strange), str)


@pytest.mark.parametrize(
    "piece", ["*a ", "_a_", "~a", "```", "`a", "<a", "<!", "&amp;", "*_~", "\n*"]
)
def test_long_and_strange_input_is_read_soon(piece):
    began = time.process_time()

    plain(piece * (200_000 // len(piece)))

    assert time.process_time() - began < 2
