"""A person's answer wins over every later one, until it is taken back."""

import pytest

from apps.messages.classify import classify
from apps.messages.decisions import CannotTakeBack, reclassify, retry, take_back, unlock
from apps.messages.models import Message


@pytest.fixture
def thanks(make_message):
    message = make_message("дякую!")
    classify([message])
    return message


def test_a_correction_keeps_before_after_and_who(thanks, admin_user):
    reclassify(thanks, category="feature", by=admin_user)

    correction = thanks.corrections.get()
    assert (correction.field, correction.before, correction.after) == (
        "category",
        "info",
        "feature",
    )
    assert correction.user == admin_user


def test_only_what_was_given_is_locked(thanks, admin_user):
    reclassify(thanks, category="feature", by=admin_user)

    assert Message.objects.get().locked_fields == ["category"]


def test_what_is_so_already_is_neither_locked_nor_logged(thanks, admin_user):
    assert not reclassify(thanks, category="info", priority=thanks.priority, by=admin_user)

    message = Message.objects.get()
    assert (message.locked_fields, message.decided_by) == ([], "rules")
    assert not message.corrections.exists()


def test_an_answer_that_nobody_was_sure_of_is_confirmed(thanks, admin_user):
    Message.objects.update(is_provisional=True)

    assert reclassify(thanks, category="info", by=admin_user)
    assert not reclassify(thanks, category="info", by=admin_user)

    assert Message.objects.get().locked_fields == ["category"]
    assert thanks.corrections.count() == 1


def test_a_priority_alone_leaves_the_category_to_the_models(make_message, admin_user):
    message = make_message(
        status="unsure", category="bug", priority="low", confidence=0.6, is_provisional=True
    )
    reclassify(message, priority="high", by=admin_user)

    message = Message.objects.get()
    assert (message.priority, message.locked_fields) == ("high", ["priority"])
    assert (message.status, message.confidence, message.is_provisional) == ("unsure", 0.6, True)


def test_a_locked_category_survives_another_run(thanks, admin_user):
    reclassify(thanks, category="question", priority="high", by=admin_user)

    retry(thanks, by=admin_user)
    classify([Message.objects.get()])

    message = Message.objects.get()
    assert (message.category, message.priority, message.decided_by) == (
        "question",
        "high",
        "person",
    )
    assert message.status == "noise"


def test_a_locked_report_is_filed_whatever_the_models_say(thanks, admin_user):
    Message.objects.update(locked_fields=["category"], category="bug", status="received")

    classify([Message.objects.get()])

    assert Message.objects.get().status == "actionable"


def test_a_locked_priority_leaves_the_category_to_the_models(make_message):
    make_message("дякую!", priority="high", locked_fields=["priority"])

    classify([Message.objects.get()])

    message = Message.objects.get()
    assert (message.category, message.priority) == ("info", "high")


def test_an_unlocked_category_is_the_models_again(thanks, admin_user):
    reclassify(thanks, category="question", by=admin_user)
    unlock(thanks, "category", by=admin_user)

    retry(thanks, by=admin_user)
    classify([Message.objects.get()])

    assert Message.objects.get().category == "info"


def test_a_correction_is_taken_back_by_another_one(thanks, admin_user):
    reclassify(thanks, category="bug", by=admin_user)

    take_back(thanks.corrections.get(), by=admin_user)

    message = Message.objects.get()
    assert (message.category, message.status, message.locked_fields) == ("info", "noise", [])
    assert [row.after for row in message.corrections.all()] == ["info", "bug"]


@pytest.mark.parametrize("is_provisional", [True, False])
def test_what_is_taken_back_is_decided_by_the_model_again(thanks, admin_user, is_provisional):
    Message.objects.update(is_provisional=is_provisional)
    before = Message.objects.values("decided_by", "confidence", "is_provisional").get()
    reclassify(thanks, category="bug", by=admin_user)

    take_back(thanks.corrections.get(), by=admin_user)

    assert Message.objects.values("decided_by", "confidence", "is_provisional").get() == before


def test_a_correction_of_an_earlier_release_is_taken_back_too(thanks, admin_user):
    reclassify(thanks, category="bug", by=admin_user)
    thanks.classifications.filter(classifier="person").update(raw={})

    take_back(thanks.corrections.get(), by=admin_user)

    message = Message.objects.get()
    assert (message.decided_by, message.is_provisional) == ("rules", False)


def test_only_the_last_correction_of_a_field_is_taken_back(thanks, admin_user):
    reclassify(thanks, category="bug", by=admin_user)
    first = thanks.corrections.get()
    reclassify(thanks, category="question", by=admin_user)

    with pytest.raises(CannotTakeBack):
        take_back(first, by=admin_user)
