"""The flow: every waiting status has its task, and what is lost is handed out again."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone
from kombu import Connection
from kombu.pools import producers
from redis import Redis

from apps.exports.models import ExportUpdate, TaskExport, WebhookDelivery
from apps.issues.models import DayAnalysis, Draft, Issue, Opinion, StatusReply
from apps.issues.tasks import attach_follow_ups
from apps.messages.models import ChatCommand, Message, ModelVersion
from apps.sources.models import Erasure, HistoryImport
from tasktracker import pipeline
from tasktracker.lib.workflow import WorkItem

WORK = [
    Message,
    Issue,
    Opinion,
    Draft,
    DayAnalysis,
    ModelVersion,
    TaskExport,
    WebhookDelivery,
    ExportUpdate,
    ChatCommand,
    Erasure,
    HistoryImport,
    StatusReply,
]
CLASSIFY = pipeline.FLOW[(Message, Message.Status.RECEIVED)]


@pytest.fixture(autouse=True)
def empty_broker():
    Redis.from_url(settings.REDIS_URL).flushdb()


@pytest.fixture
def lost(make_message):
    """A message whose announcement nobody heard."""
    return make_message(due_at=timezone.now() - timedelta(seconds=1))


def test_no_waiting_status_is_forgotten():
    models = WorkItem.__subclasses__()
    waiting = {(model, status) for model in models for status in model.WAITING}

    assert set(models) >= set(WORK)
    assert waiting == set(pipeline.FLOW)


@pytest.mark.parametrize("model", WORK)
def test_every_status_of_a_model_is_known_to_its_transitions(model):
    known = set(model.TRANSITIONS) | {
        target for targets in model.TRANSITIONS.values() for target in targets
    }

    assert known == set(model.Status.values)
    assert set(model.WAITING) <= known


def test_a_lost_message_is_handed_out_again(lost):
    pipeline.sweep()

    assert pipeline.queue_depth(CLASSIFY) == 1


def test_what_a_dead_broker_did_not_take_is_handed_out_when_it_lives(lost, monkeypatch, caplog):
    dead = producers[Connection("redis://127.0.0.1:9/0")]
    with monkeypatch.context() as no_broker:
        no_broker.setattr(pipeline.app.amqp, "_producer_pool", dead)
        pipeline.hand_over(Message, lost.status, [lost.pk])
    assert "the broker is away" in caplog.text
    assert pipeline.queue_depth(CLASSIFY) == 0

    pipeline.sweep()
    assert pipeline.queue_depth(CLASSIFY) == 1


def test_what_was_just_handed_out_is_left_alone(lost):
    pipeline.sweep()
    pipeline.sweep()

    assert pipeline.queue_depth(CLASSIFY) == 1


def test_nothing_is_handed_out_twice_behind_a_deep_queue(lost, monkeypatch):
    monkeypatch.setattr(pipeline, "DEEP", 2)
    for _ in range(3):
        CLASSIFY.task.delay([0])

    pipeline.sweep()

    assert pipeline.queue_depth(CLASSIFY) == 3


def test_a_chunk_is_as_large_as_its_step_says(db):
    pipeline.hand_over(Message, Message.Status.RECEIVED, range(CLASSIFY.chunk * 2 + 1))

    assert pipeline.queue_depth(CLASSIFY) == 3


def test_a_status_that_nobody_waits_for_queues_nothing(db):
    pipeline.hand_over(Message, Message.Status.NOISE, [1])

    assert pipeline.queue_depth(CLASSIFY) == 0


def test_a_follow_up_that_waits_for_its_report_is_due_again(make_message):
    report = make_message()
    echo = make_message(
        "+1", status="follow_up", reply_to=report, reply_to_external_id=report.external_id
    )

    attach_follow_ups([echo.pk])

    echo.refresh_from_db()
    assert (echo.status, echo.last_error) == ("follow_up", "a report is still being read")
    assert echo.due_at is not None


def test_a_follow_up_without_a_report_is_settled(make_message):
    echo = make_message("+1", status="follow_up", category="info", priority="low")

    attach_follow_ups([echo.pk])

    echo.refresh_from_db()
    assert (echo.status, echo.due_at) == ("noise", None)
