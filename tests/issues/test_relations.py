"""What people said of two issues holds for their reports, wherever merges and splits carry them."""

import pytest

from apps.issues.decisions import (
    CannotRelate,
    merge,
    not_duplicate,
    related,
    split,
    split_together,
    take_back,
    undo_merge,
)
from apps.issues.merging import CannotMerge, ToldApart
from apps.issues.models import Change, Evidence, Issue, Relation
from apps.issues.relations import apart_issues, between, relations_of
from apps.issues.triage import file
from apps.messages.models import Message
from tasktracker.lib.workflow import LostRace
from tests.issues.conftest import OUTAGE


def replay(message: Message, make) -> Message:
    again = make(message.text, status="actionable")
    file([again])
    return again


def test_two_that_are_told_apart_cannot_be_merged_and_the_sentence_says_who(issue_with, admin_user):
    first, second = issue_with("one"), issue_with("two")
    not_duplicate(first, second, by=admin_user, reason="another page")

    with pytest.raises(ToldApart, match=rf"admin said on .* #{second.pk} .*: another page"):
        merge(second, into=first, by=admin_user)


def test_what_was_told_apart_can_be_merged_after_it_is_taken_back(issue_with, admin_user):
    first, second = issue_with("one"), issue_with("two")
    not_duplicate(first, second, by=admin_user)

    assert take_back(second, first, by=admin_user) == 1
    merge(second, into=first, by=admin_user)

    told = list(first.changes.filter(kind=Change.Kind.APART).order_by("pk"))
    assert [change.details.get("taken_back", False) for change in told] == [False, True]


def test_a_merge_carries_the_word_along(issue_with, admin_user):
    a, b, c = issue_with("a"), issue_with("b"), issue_with("c")
    not_duplicate(a, b, by=admin_user)
    merge(a, into=c, by=admin_user)

    for one, two in ((b, c), (c, b)):
        with pytest.raises(ToldApart):
            merge(one, into=two, by=admin_user)


def test_a_message_that_is_split_out_stays_apart_from_what_its_issue_was_told_apart_from(
    issue_with, admin_user
):
    a, b = issue_with("a", "x"), issue_with("b")
    x = a.evidence.last().message
    not_duplicate(a, b, by=admin_user)

    made = split(x, by=admin_user)

    with pytest.raises(ToldApart):
        merge(made, into=b, by=admin_user)


def test_a_message_that_came_later_is_not_bound_by_the_word(issue_with, report, admin_user):
    a, b = issue_with("a"), issue_with("b")
    not_duplicate(a, b, by=admin_user)
    late = report("late")
    Evidence.objects.create(issue=a, message=late, level="fuzzy")

    made = split(late, by=admin_user)
    merge(made, into=b, by=admin_user)

    assert Evidence.objects.get(message=late).issue == b


def test_issues_without_messages_are_kept_apart_as_well(make_issue, issue_with, admin_user):
    by_hand, b, c = make_issue(), issue_with("b"), issue_with("c")
    not_duplicate(by_hand, b, by=admin_user)
    merge(by_hand, into=c, by=admin_user)

    with pytest.raises(ToldApart):
        merge(b, into=c, by=admin_user)
    assert c.pk in apart_issues(b.evidence.get().message)


def test_an_edit_of_a_report_is_still_that_report(issue_with, report, admin_user):
    a, b = issue_with("a"), issue_with("b")
    not_duplicate(a, b, by=admin_user)
    row = a.evidence.get()
    edited = report("a, edited", external_id=row.message.external_id, edit=1)
    Evidence.objects.filter(pk=row.pk).update(message=edited)

    with pytest.raises(ToldApart):
        merge(a, into=b, by=admin_user)
    assert apart_issues(b.evidence.get().message) == {a.pk}


def test_the_text_of_an_undone_merge_never_merges_again(issue_with, report, admin_user):
    a, b = issue_with(OUTAGE), issue_with("Падає застосунок на вході, iOS 17")
    merge(b, into=a, by=admin_user)
    b.refresh_from_db()
    undo_merge(b, by=admin_user)

    again = replay(b.evidence.get().message, report)

    assert Evidence.objects.get(message=again).issue == b
    assert apart_issues(again) == {a.pk}
    with pytest.raises(ToldApart):
        merge(b, into=a, by=admin_user)


def test_undoing_a_merge_takes_back_what_had_been_merged_before(issue_with, admin_user):
    a, b, c = issue_with("a"), issue_with("b"), issue_with("c")
    merge(b, into=a, by=admin_user)
    merge(a, into=c, by=admin_user)
    a.refresh_from_db()

    undo_merge(a, by=admin_user)

    b.refresh_from_db()
    assert b.duplicate_of == a
    assert (a.evidence.count(), c.evidence.count()) == (2, 1)


def test_one_statement_finds_what_a_repeat_is_apart_from_however_often_it_was_said(
    issue_with, report, admin_user, django_assert_num_queries
):
    often, other = issue_with(*[OUTAGE] * 30), issue_with("another page")
    not_duplicate(often, other, by=admin_user)
    repeat, same_as_other = report(), report("another page")

    with django_assert_num_queries(1):
        assert apart_issues(repeat) == {other.pk}
    with django_assert_num_queries(1):
        assert apart_issues(same_as_other) == {often.pk}
    assert apart_issues(repeat, by_text=False) == set()


def test_telling_two_apart_costs_the_same_however_many_reports_they_have(
    issue_with, admin_user, django_assert_max_num_queries
):
    often, other = issue_with(*[OUTAGE] * 30), issue_with("another page")

    with django_assert_max_num_queries(20):
        not_duplicate(often, other, by=admin_user)
    with django_assert_max_num_queries(12):
        assert [other for _relation, other in relations_of(often)] == [other]


def test_three_statements_find_whatever_was_said_of_two_issues(
    issue_with, admin_user, django_assert_num_queries
):
    a, b = issue_with("a"), issue_with("b")
    related(a, b, by=admin_user)
    not_duplicate(b, a, by=admin_user)

    with django_assert_num_queries(3):
        said = [relation.kind for relation in between(a, b, *Relation.Kind)]
    assert said == [Relation.Kind.APART, Relation.Kind.RELATED]
    assert [relation.kind for relation in between(a, b)] == [Relation.Kind.APART]


def test_several_messages_are_split_out_together(issue_with, admin_user):
    old = issue_with("a", "x", "y")
    _a, x, y = (row.message for row in old.evidence.all())

    made = split_together([y, x], out_of=old, by=admin_user, reason="another problem")

    assert {row.message for row in made.evidence.all()} == {x, y}
    assert between(made, old).get().messages == sorted([x.pk, y.pk])
    assert old.changes.get(kind=Change.Kind.SPLIT).details["messages"] == [x.pk, y.pk]


def test_two_that_were_merged_come_apart_when_they_are_no_duplicates(issue_with, admin_user):
    a, b = issue_with("a"), issue_with("b")
    merge(b, into=a, by=admin_user)

    not_duplicate(a, b, by=admin_user)

    b.refresh_from_db()
    assert b.duplicate_of is None
    assert between(a, b).count() == 1


def test_the_same_word_twice_is_remembered_once(issue_with, admin_user):
    a, b = issue_with("a"), issue_with("b")
    for _ in range(2):
        not_duplicate(a, b, by=admin_user)
        related(b, a, by=admin_user)

    assert sorted(Relation.objects.values_list("kind", flat=True)) == ["apart", "related"]


def test_the_same_word_again_is_also_about_the_reports_that_came_since(
    issue_with, report, admin_user
):
    a, b = issue_with("a"), issue_with("b")
    not_duplicate(a, b, by=admin_user)
    late = report("late")
    Evidence.objects.create(issue=a, message=late, level="fuzzy")

    not_duplicate(b, a, by=admin_user)

    made = split(late, by=admin_user)
    with pytest.raises(ToldApart):
        merge(made, into=b, by=admin_user)


def test_the_same_word_again_is_also_about_what_an_edit_says(issue_with, report, admin_user):
    a, b = issue_with("a"), issue_with("another page")
    not_duplicate(a, b, by=admin_user)
    row = a.evidence.get()
    edited = report(OUTAGE, external_id=row.message.external_id, edit=1)
    Evidence.objects.filter(pk=row.pk).update(message=edited)

    not_duplicate(a, b, by=admin_user)

    assert apart_issues(report()) == {b.pk}


def test_related_issues_know_each_other_also_after_a_merge(issue_with, admin_user):
    a, b, c = issue_with("a"), issue_with("b"), issue_with("c")
    related(a, b, by=admin_user)
    merge(a, into=c, by=admin_user)

    assert [other for _relation, other in relations_of(b)] == [c]
    assert [other for _relation, other in relations_of(c)] == [b]
    assert take_back(c, b, by=admin_user, kind=Relation.Kind.RELATED) == 1
    assert relations_of(b) == []


def test_nothing_is_said_of_issues_of_two_projects(make_issue, other_project, admin_user):
    for say in (related, not_duplicate):
        with pytest.raises(CannotRelate):
            say(make_issue(), make_issue(project=other_project), by=admin_user)
    assert not Relation.objects.exists()


def test_messages_of_two_issues_are_not_split_out_together(issue_with, admin_user):
    a, b = issue_with("a", "x"), issue_with("b", "y")
    messages = [issue.evidence.first().message for issue in (a, b)]

    with pytest.raises(ValueError, match="different issues"):
        split_together(messages, out_of=a, by=admin_user)


def test_reports_that_left_in_the_meantime_are_not_split_out_of_another_issue(
    issue_with, admin_user
):
    a, b = issue_with("a", "x"), issue_with("b")
    chosen = [a.evidence.last().message]
    merge(a, into=b, by=admin_user)

    with pytest.raises(LostRace):
        split_together(chosen, out_of=a, by=admin_user)

    assert b.evidence.count() == 3


def test_never_is_a_circle_made(issue_with, admin_user):
    a, b, c = issue_with("a"), issue_with("b"), issue_with("c")
    merge(a, into=b, by=admin_user)
    merge(b, into=c, by=admin_user)

    for into in (a, b):
        with pytest.raises(CannotMerge):
            merge(c, into=into, by=admin_user)
    assert set(
        Issue.objects.filter(pk__in=[a.pk, b.pk]).values_list("duplicate_of", flat=True)
    ) == {c.pk}
