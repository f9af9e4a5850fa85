"""A tracker's calls are kept, applied once, and forgotten."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from apps.exports.models import WebhookDelivery
from apps.exports.sync import PATIENCE, apply, known_there
from apps.exports.tasks import apply_calls
from tests.exports.mirrored import issue_of, state


@pytest.fixture
def call(tracker, telling):
    def make(*states, **changes):
        body = repr((states, changes)).encode()
        assert WebhookDelivery.keep(tracker, body, states)
        delivery = WebhookDelivery.objects.latest("pk")
        WebhookDelivery.objects.filter(pk=delivery.pk).update(**changes)
        return delivery

    return make


def test_a_call_is_applied_and_its_words_are_forgotten(mirrored, call):
    export = mirrored()
    delivery = call(state(export, "done", after=1))

    apply_calls([delivery.pk])

    delivery.refresh_from_db()
    assert issue_of(export).status == "done"
    assert (delivery.status, delivery.states) == ("applied", [])


def test_a_call_that_comes_before_our_commit_waits_for_it(make_export, call):
    export = make_export(called_at=timezone.now())
    with_key = call(state(export, "done"))
    without_key = call(replace(state(export, "done"), key=None))

    apply_calls([with_key.pk, without_key.pk])
    assert [one.status for one in WebhookDelivery.objects.all()] == ["received", "received"]
    export.mark_created("T-1", "")
    WebhookDelivery.objects.update(leased_until=None)
    apply_calls([with_key.pk, without_key.pk])

    assert issue_of(export).status == "done"
    assert [one.status for one in WebhookDelivery.objects.all()] == ["applied", "applied"]


def test_a_call_without_a_key_waits_for_no_call_of_long_ago(make_export, call):
    export = make_export(called_at=timezone.now() - PATIENCE)
    delivery = call(replace(state(export, "done"), key=None))

    apply(delivery)

    assert delivery.status == "applied"


def test_a_call_does_not_wait_for_ever(make_export, call):
    delivery = call(state(make_export(), "done"), received_at=timezone.now() - PATIENCE)

    apply(delivery)

    assert delivery.status == "applied"


@pytest.mark.parametrize("key", [None, uuid4()])
def test_a_call_about_somebody_elses_issue_is_no_trouble(mirrored, call, key):
    export = mirrored()
    delivery = call(replace(state(export, "done"), key=key, id="T-99"))

    apply(delivery)

    assert (delivery.status, issue_of(export).status) == ("applied", "approved")


def test_characters_that_the_database_cannot_keep_are_left_out(mirrored, call):
    export = mirrored()
    delivery = call(state(export, after=1, title="Прод\0 лежить\udc80 у Львові"))

    apply(WebhookDelivery.objects.get(pk=delivery.pk))

    assert issue_of(export).title == "Прод лежить\ufffd у Львові"


def test_calls_are_kept_for_a_week(tracker, telling):
    for days, status in ((8, "applied"), (8, "received"), (6, "applied")):
        WebhookDelivery.keep(tracker, f"{days} {status}".encode(), [])
        WebhookDelivery.objects.filter(pk=WebhookDelivery.objects.latest("pk").pk).update(
            status=status, received_at=timezone.now() - timedelta(days=days)
        )

    WebhookDelivery.prune()

    left = WebhookDelivery.objects.order_by("pk").values_list("status", flat=True)
    assert list(left) == ["received", "applied"]


def test_a_copy_of_our_issue_is_somebody_elses(mirrored, call, telling, tracker, monkeypatch):
    export = mirrored()
    copy = replace(state(export, "done", after=1), id="T-2")
    assert known_there(tracker, [copy]) == [(export, copy)]  # it may have been moved there
    monkeypatch.setattr(telling, "keeps_ids", True, raising=False)

    apply(call(copy))

    assert issue_of(export).status == "approved"
    assert known_there(tracker, [copy, state(export)]) == [(export, state(export))]
