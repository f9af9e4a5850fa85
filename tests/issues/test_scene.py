"""What the judge looks at: a report among everything that it may repeat."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from apps.issues.dedup.base import Candidate, Report
from apps.issues.dedup.scene import NAMES, rivals
from apps.issues.dedup.space import Space, tokens
from tasktracker.lib.text import fingerprint, language_of

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def vector(*numbers):
    made = np.zeros(384, np.float32)
    made[: len(numbers)] = numbers
    return made / np.linalg.norm(made)


@pytest.fixture
def space():
    return Space(np.eye(384, dtype=np.float32), np.zeros(385, np.float32), {}, 7.0)


def report(text="каса не друкує чек", near=(1.0,), *, minutes=0, **values):
    given = {"author": "olena", "category": "bug", **values}
    sent_at = NOON + timedelta(minutes=minutes)
    return Report(
        text, fingerprint(text), language_of(text), sent_at, near and vector(*near), **given
    )


def seen(space, new, *candidates):
    """Per issue: name -> number."""
    return {
        rival.issue_id: dict(zip(NAMES, rival.features, strict=True))
        for rival in rivals(new, candidates, space)
    }


def test_a_report_without_a_vector_has_no_rivals(space):
    assert rivals(report(near=None), [Candidate(1, report(number=1))], space) == []


def test_candidates_without_a_vector_are_left_to_the_other_levels(space):
    known = Candidate(1, report(number=1)), Candidate(2, report(near=None, number=2))

    assert list(seen(space, report(number=3), *known)) == [1]


def test_an_issue_is_seen_once_by_its_nearest_report(space):
    far, near = Candidate(1, report(near=(0, 1), number=1)), Candidate(1, report(number=2))

    (rival,) = rivals(report(number=3), [far, near], space)

    assert rival.candidate == near


def test_time_counts_from_the_first_and_from_the_last_report(space):
    known = [Candidate(1, report(number=1)), Candidate(1, report(number=2, minutes=90))]

    numbers = seen(space, report(number=3, minutes=99), *known)[1]

    assert numbers["minutes_since_first"] == pytest.approx(2.0)
    assert numbers["minutes_since_last"] == pytest.approx(1.0)
    assert (numbers["reports"], numbers["recent_reports"]) == (2, 1)


def test_what_was_filed_before_but_sent_later_is_as_far_in_time(space):
    other = {"number": 2, "near": (1, 1)}
    earlier = Candidate(1, report(number=1)), Candidate(2, report(**other, minutes=500))
    later = Candidate(1, report(number=1, minutes=600)), Candidate(2, report(**other, minutes=100))

    after = seen(space, report(number=3, minutes=600), *earlier)
    before = seen(space, report(number=3), *later)

    assert after[1] == before[1]
    assert after[1]["minutes_since_last"] == pytest.approx(2.78, abs=0.01)
    assert after[1]["burst"] == 0


def test_a_word_that_the_whole_team_uses_counts_less_than_one_of_two_reports(space):
    bank = [
        Candidate(n, report(text, number=n))
        for n, text in enumerate(
            ["виписка порожня", "виписка англійською", "виписка обрізана", "касир не бачить"], 1
        )
    ]

    numbers = seen(space, report("виписка для касира", number=9), *bank)

    assert numbers[4]["rarest_here"] > numbers[1]["rarest_here"] > 0
    assert numbers[4]["margin_here"] > 0 > numbers[1]["margin_here"]
    assert numbers[4]["rank_here"] == 0
    assert numbers[4]["rarest_shared"] == numbers[1]["rarest_shared"]  # both are new to the corpus


def test_words_of_several_reports_of_an_issue_count_together(space):
    one = Candidate(1, report("касир зайшов", number=1)), Candidate(1, report("чек зник", number=2))
    other = Candidate(2, report("касир пішов", number=3))

    numbers = seen(space, report("касир без чека", number=9), *one, other)

    assert numbers[1]["shared_here"] > numbers[1]["shared_with_one_here"] > 0
    assert numbers[2]["shared_here"] == numbers[2]["shared_with_one_here"]


def test_what_two_reports_tell_in_two_languages_is_told_by_both(space):
    receipt = Candidate(1, report("the till prints no receipt", number=1))
    door = Candidate(2, report("the elevator door squeaks", number=2))

    numbers = seen(space, report("на касі не друкується чек", number=9), receipt, door)

    assert numbers[1]["told_here"] > 0.5 > numbers[2]["told_here"]
    assert numbers[1]["told_margin_here"] > 0 > numbers[2]["told_margin_here"]
    assert (numbers[1]["told_rank_here"], numbers[2]["told_rank_here"]) == (0, 1)


def test_a_report_that_tells_more_besides_is_told_less_by_both(space):
    plain = Candidate(1, report("каса зависла", number=1))
    more = Candidate(2, report("каса зависла, термінал мовчить, покупці лаються", number=2))

    numbers = seen(space, report("каса зависла", number=9), plain, more)

    assert numbers[1]["told_here"] == 1.0
    assert numbers[2]["told_here"] < 1.0


def test_issues_of_the_last_minutes_are_counted_once_each(space):
    known = [Candidate(n % 2, report(number=n, minutes=n)) for n in range(1, 5)]
    before = Candidate(7, report(number=7, minutes=-60))

    numbers = seen(space, report(number=9, minutes=6), *known, before)

    assert numbers[0]["burst"] == 4
    assert numbers[0]["issues_just_now"] == 2
    assert numbers[0]["issues_lately"] == 3
    assert numbers[0]["minutes_since_other"] == pytest.approx(np.log10(1 + 3))
    assert numbers[1]["minutes_since_other"] == pytest.approx(np.log10(1 + 2))


def test_a_young_project_is_known_by_its_few_issues(space):
    known = [Candidate(n % 3, report(number=n, minutes=n)) for n in range(1, 7)]

    numbers = seen(space, report(number=9, minutes=8), *known)

    assert {round(2 ** each["issues_known"]) - 1 for each in numbers.values()} == {3}


def test_what_was_spoken_of_last_is_judged_however_far_its_meaning(space):
    crowd = [Candidate(n, report(near=(1, 0.01 * n), number=n)) for n in range(1, 40)]
    last = Candidate(99, report("лежимо", near=(0, 0, 1), number=99, minutes=50))

    assert 99 in seen(space, report(number=100, minutes=51), *crowd, last)


def test_what_it_answers_is_judged_however_far_its_meaning(space):
    crowd = [Candidate(n, report(near=(1, 0.01 * n), number=n, minutes=n)) for n in range(1, 40)]
    asked = Candidate(99, report("лежимо", near=(0, 0, 1), number=99, minutes=-500))

    numbers = seen(space, report(number=100, minutes=51, answers=99), *crowd, asked)

    assert numbers[99]["answers"] == 1
    assert not any(numbers[n]["answers"] for n in numbers if n != 99)


def test_of_a_text_from_no_conversation_no_talk_is_known(space):
    numbers = seen(space, report(author="", number=2), Candidate(1, report(number=1)))[1]

    assert np.isnan(numbers["minutes_since_first"])
    assert np.isnan(numbers["echo"])
    assert np.isnan(numbers["shared_here"])
    assert numbers["place"] == pytest.approx(1.0)


def test_a_rare_shared_word_counts_more_than_a_frequent_one():
    frequent_tokens = dict.fromkeys(tokens("каса"), 1.0)
    known = Space(np.eye(384, dtype=np.float32), np.zeros(385, np.float32), frequent_tokens, 7.0)
    frequent = Candidate(1, report("каса зависла", number=1))
    rare = Candidate(2, report("терезиX зависли", number=2))

    numbers = seen(known, report("каса мовчить, терезиX теж", number=3), frequent, rare)

    assert numbers[2]["rarest_shared"] > numbers[1]["rarest_shared"]


def test_the_order_of_candidates_changes_nothing(space):
    known = [Candidate(n % 5, report(near=(1, 0.1 * n), number=n, minutes=n)) for n in range(1, 20)]
    new = report(number=50, minutes=60)

    assert seen(space, new, *known) == seen(space, new, *reversed(known))
