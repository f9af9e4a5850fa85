"""The same words with other signs are another problem: a person decides."""

import pytest

from apps.issues.dedup.exact import signs_of
from apps.issues.models import Evidence
from apps.issues.suggestions import suggestions_for
from apps.issues.triage import file
from tasktracker.lib.text import fingerprint

OPPOSITES = [
    ("Calendar shows wrong hours for UTC+2 users", "Calendar shows wrong hours for UTC-2 users"),
    ("Search fails when the amount > 100", "Search fails when the amount < 100"),
    ("The C++ client crashes on login", "The C# client crashes on login"),
    ("Refund of -50 shows as paid", "Refund of 50 shows as paid"),
]
SAME = [
    ("Files in UTF-8 are broken", "files in utf 8 are broken!"),
    ("Pages 10-20 are empty in the report", "pages 10–20 are empty in the report"),
    ("> 100 users see an empty page", "100 users see an empty page"),
    ("Payment -> 500 for every card", "payment 500, for every card"),
    ("Calls to +380671234567 are cut", "calls to 380671234567 are cut"),
    ("The balance is −50 after a refund", "The balance is -50 after a refund..."),
    ("Fails for amounts ≥ 100 only", "fails for amounts >=100 only"),
]


@pytest.fixture
def make_report(make_message):
    def make(text):
        values = {"status": "actionable", "category": "bug", "priority": "low", "confidence": 0.9}
        return make_message(text, **values)

    return make


@pytest.mark.django_db
@pytest.mark.parametrize(("one", "other"), OPPOSITES)
def test_opposites_in_the_same_words_are_only_suggested(make_report, one, other):
    assert fingerprint(one) == fingerprint(other)
    first, second, again = make_report(one), make_report(other), make_report(other)

    file([first, second, again])

    issues = [Evidence.objects.get(message=message).issue for message in (first, second, again)]
    assert issues[0] != issues[1] == issues[2]
    (asked,) = suggestions_for([issues[1]])[issues[1].pk]
    assert asked.issue == issues[0]
    assert Evidence.objects.get(message=again).level == Evidence.Level.EXACT


@pytest.mark.parametrize(("one", "other"), SAME)
def test_signs_that_say_nothing_are_no_difference(one, other):
    assert fingerprint(one) == fingerprint(other)
    assert signs_of(one) == signs_of(other)
