"""Taking back what was said of two issues leaves what was said of all others."""

import pytest

from apps.issues.decisions import merge, not_duplicate, related, split, take_back
from apps.issues.merging import ToldApart
from apps.issues.models import Evidence, Relation
from apps.issues.relations import between, relations_of


@pytest.fixture
def issue_with(make_issue, make_message):
    """An issue with reports of these texts."""

    def make(*texts):
        first, *others = (make_message(text, category="bug", priority="high") for text in texts)
        issue = make_issue(texts[0], message=first)
        for message in others:
            Evidence.objects.create(issue=issue, message=message, level="fuzzy")
        return issue

    return make


def message_of(issue, text):
    return issue.evidence.get(message__text=text).message


@pytest.mark.parametrize("is_turned", [False, True])
def test_a_message_that_was_split_out_stays_apart_from_what_the_others_may_join(
    issue_with, make_message, admin_user, is_turned
):
    x, z = issue_with("1", "2"), issue_with("3")
    not_duplicate(*((z, x) if is_turned else (x, z)), by=admin_user, reason="another page")
    y = split(message_of(x, "2"), by=admin_user)
    two = y.evidence.get()
    edited = make_message("2, edited", external_id=two.message.external_id, edit=1)
    Evidence.objects.filter(pk=two.pk).update(message=edited)

    take_back(x, z, by=admin_user)

    assert not between(x, z).exists()
    said = between(y, z).get()
    assert (said.user, said.reason) == (admin_user, "another page")
    with pytest.raises(ToldApart):
        merge(y, into=z, by=admin_user)
    merge(x, into=z, by=admin_user)


def test_the_word_about_a_message_of_the_other_side_stays(issue_with, admin_user):
    x, z = issue_with("1"), issue_with("3", "4")
    not_duplicate(x, z, by=admin_user)
    w = split(message_of(z, "4"), by=admin_user)
    moment = between(x, z).get().created_at

    take_back(z, x, by=admin_user)

    assert not between(x, z).exists()
    assert between(x, w).get().created_at == moment


def test_an_issue_without_messages_stays_apart_from_a_report_that_left(
    issue_with, make_issue, admin_user
):
    by_hand, z = make_issue(), issue_with("3", "4")
    not_duplicate(by_hand, z, by=admin_user)
    w = split(message_of(z, "4"), by=admin_user)

    take_back(by_hand, z, by=admin_user)

    assert not between(by_hand, z).exists()
    assert between(by_hand, w).exists()


def test_a_report_that_left_stays_related(issue_with, admin_user):
    x, z = issue_with("1", "2"), issue_with("3")
    related(x, z, by=admin_user)
    y = split(message_of(x, "2"), by=admin_user)

    take_back(x, z, by=admin_user, kind=Relation.Kind.RELATED)

    assert [other for relation, other in relations_of(z) if relation.kind == "related"] == [y]
