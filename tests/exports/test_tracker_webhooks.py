"""What trackers post: genuine before anything else, safe before the answer, and never counted twice."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.db import OperationalError, connection
from django.test import Client

from apps.exports import webhooks
from apps.exports.models import Mirroring, Tracker, WebhookDelivery
from apps.exports.tasks import apply_calls
from apps.issues.models import Issue
from apps.sources.webhooks import MAX_BODY
from tests.exports.telling_tracker import SIGNATURE, signature

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def secret(tracker, telling):
    return Mirroring.of(tracker).new_secret()


@pytest.fixture
def post(tracker, secret):
    def send(body, *, address=f"/webhook/tracker/{tracker.pk}", key=secret):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {SIGNATURE: signature(data, key)}
        client = Client(raise_request_exception=True, enforce_csrf_checks=True)
        return client.post(address, data, content_type="application/json", headers=headers)

    return send


def moved(export, status="done"):
    return [{"id": "T-1", "key": str(export.uuid), "updated_at": f"{NOON}", "status": status}]


def test_a_call_is_safe_before_the_answer_and_moves_the_issue(post, make_export, tracker):
    export = make_export(status="created", external_id="T-1")

    response = post(moved(export))

    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.due_at is not None) == ("received", True)
    apply_calls([delivery.pk])
    assert Issue.objects.get().status == "done"
    assert Mirroring.objects.get().heard_at is not None


def test_the_same_call_counts_once(post, make_export):
    export = make_export(status="created", external_id="T-1")
    post(moved(export))
    apply_calls(list(WebhookDelivery.objects.values_list("pk", flat=True)))

    assert post(moved(export)).status_code == 200

    assert WebhookDelivery.objects.get().status == "applied"


def test_a_call_that_says_nothing_to_us_is_right(post, tracker):
    assert post([]).status_code == 200
    assert post([], address=f"/webhook/tracker/{tracker.pk}/").status_code == 200
    assert not WebhookDelivery.objects.exists()


@pytest.mark.parametrize("key", ["wrong", ""])
def test_a_call_that_is_not_genuine_leaves_nothing(post, make_export, key):
    response = post(moved(make_export(status="created")), key=key)

    assert (response.status_code, response.json()) == (401, {"detail": "The signature is wrong."})
    assert not WebhookDelivery.objects.exists()
    assert Mirroring.objects.get().heard_at is None


@pytest.mark.parametrize(
    "changes", [{"is_active": False}, {"kind": "json"}, {"kind": "gone"}, {"project": None}]
)
def test_who_may_not_call_is_told_the_same_as_a_stranger(post, tracker, project, changes):
    if "project" in changes:
        project.is_active = False
        project.save()
    else:
        Tracker.objects.update(**changes)

    stranger = post([], address="/webhook/tracker/99999999999999999999")
    assert post([]).status_code == stranger.status_code == 404
    assert post([]).json() == stranger.json()


def test_without_a_secret_of_ours_nobody_can_call(post, tracker):
    Mirroring.of(tracker).keep_secret("")

    assert post([], key="").status_code == 404


@pytest.mark.parametrize(("method", "status"), [("get", 405), ("put", 405), ("head", 200)])
def test_other_methods(tracker, method, status):
    assert getattr(Client(), method)(f"/webhook/tracker/{tracker.pk}").status_code == status


def test_a_call_that_is_too_large_is_not_read(post):
    assert post(b" " * (MAX_BODY + 1)).status_code == 413


def test_settings_that_do_not_fit_send_the_call_back(post, tracker):
    tracker.config = {"unknown": 1}
    tracker.save()

    response = post([])

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")


def test_without_a_database_the_call_is_sent_back(post, monkeypatch):
    def away(*arguments):
        raise OperationalError("away")

    monkeypatch.setattr(webhooks, "take", away)

    assert post([]).status_code == 503


@pytest.mark.django_db(transaction=True)
def test_a_hundred_copies_at_once_are_one_call_and_one_change(tracker, secret, make_export):
    body = json.dumps(moved(make_export(status="created", external_id="T-1"))).encode()

    def call(_number):
        try:
            webhooks.take(tracker.pk, {SIGNATURE: signature(body, secret)}, body)
        finally:
            connection.close()

    def work(pk):
        try:
            apply_calls([pk])
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(call, range(100)))
        one = WebhookDelivery.objects.get()
        WebhookDelivery.objects.bulk_create(
            WebhookDelivery(tracker=tracker, digest=str(number), states=one.states)
            for number in range(7)  # the same change, in other words
        )
        list(pool.map(work, WebhookDelivery.objects.values_list("pk", flat=True)))

    assert set(WebhookDelivery.objects.values_list("status", flat=True)) == {"applied"}
    assert Issue.objects.get().changes.count() == 1
