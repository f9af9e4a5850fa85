"""Tokens of Linear, whatever its answer says of them."""

from datetime import timedelta

import pytest

from apps.exports.trackers.linear.oauth import LONGEST
from tests.exports.conftest import linear_plugin
from tests.stubs.linear.oauth import CLIENT


@pytest.mark.parametrize(
    ("told", "lasts"),
    [
        (86399, timedelta(seconds=86399)),
        (0.5, timedelta(seconds=0.5)),
        (10**30, LONGEST),
        (float("inf"), LONGEST),
        (float("nan"), None),
        (-(10**30), None),
        (-1, None),
        (0, None),
        (True, None),
        ("3600", None),
        ([], None),
        (None, None),
    ],
)
def test_a_token_lasts_as_long_as_a_sane_answer_says(linear, told, lasts):
    linear.oauth.refreshing.add("first")
    linear.oauth.lasts = told

    assert linear_plugin(linear, None, **CLIENT).refresh("first").lasts == lasts
