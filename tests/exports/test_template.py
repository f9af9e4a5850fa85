"""Templates: values are put in once, and nothing in them runs."""

import pytest

from apps.exports.trackers.template import filled


@pytest.mark.parametrize(
    ("template", "values", "text"),
    [
        ("[{category}] {title}", {"category": "Bug", "title": "a"}, "[Bug] a"),
        # What people wrote is a value: its braces are put in, and not looked at again.
        ("{title}", {"title": "{messages} {0} %s"}, "{messages} {0} %s"),
        ("{a.b} {0} {} {title!r}", {"title": "x"}, "{a.b} {0} {} {title!r}"),
        ("{ {title} }", {"title": "x"}, "{ x }"),
        # A line of which nothing is left goes, and one of the blank lines around it.
        ("a\n\n{link}\n\nb", {"link": ""}, "a\n\nb"),
        (
            "{description}\n\n{messages}\n\n{link}",
            {"description": "", "messages": "m\n\n\n\nn", "link": ""},
            "m\n\n\n\nn",
        ),
        ("Due: {due}\n{title}", {"title": "x", "due": ""}, "x"),
    ],
)
def test_a_template_is_filled(template, values, text):
    assert filled(template, values) == text
