"""The whole flow on one screen: which task a status waits for.

A status change is announced after its commit and its task is queued at once. Should the broker or a
worker lose it, `sweep` finds the row again: every waiting row has a due time in PostgreSQL.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from threading import Timer
from typing import Any, NamedTuple

from celery import Task, shared_task
from celery.signals import beat_init, worker_process_init
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from apps.exports.holding import give_up_unwanted
from apps.exports.models import ExportUpdate, StandIn, TaskExport, WebhookDelivery
from apps.exports.tasks import (
    FALL_BACK_EVERY,
    apply_calls,
    deliver_exports,
    erase_from_exports,
    fall_back,
    look_for_news,
    open_exports,
    poll_trackers,
    prune_calls,
    settle_stand_ins,
    tell_trackers,
)
from apps.exports.update import want as want_told
from apps.issues.comparison import check_project
from apps.issues.corrections import follow
from apps.issues.models import DayAnalysis, Draft, Issue, Opinion, StatusReply
from apps.issues.replies import note_reaction, want
from apps.issues.tasks import (
    analyse_days,
    answer_commands,
    ask_opinions,
    attach_follow_ups,
    erase_from_issues,
    file_messages,
    index_vectors,
    obey_commands,
    post_analyses,
    word_analyses,
    write_drafts,
    write_replies,
)
from apps.messages.classify import warm_up as load_models
from apps.messages.corrections import corrected
from apps.messages.held import settle
from apps.messages.models import ChatCommand, Message, ModelVersion
from apps.messages.notices import reacted
from apps.messages.tasks import (
    ask_llm,
    classify_messages,
    close_days,
    erase_messages,
    learn_when_due,
    train_models,
)
from apps.sources.models import Chat, Erasure, chat_settled, project_checked
from apps.sources.tasks import ASK_EVERY, ask_webhooks
from tasktracker.celery import BEAT_EVERY, QUEUES, SWEEP_EVERY, app, depth
from tasktracker.lib.workflow import WorkItem, each, status_changed, work_on
from tasktracker.models import Heartbeat
from tasktracker.realtime import broadcast
from tasktracker.realtime.erase import erase

logger = logging.getLogger(__name__)

WARM_UP_AFTER = 8.0  # seconds
DEEP = 200  # tasks in a queue from which nothing is handed out a second time
URGENT = 0  # before the backlog of a queue: a long import must not look like a dead worker


class Step(NamedTuple):
    task: "Task[Any, Any]"
    chunk: int  # rows per task: a task costs about 3 ms of its own


@shared_task
def erase_copies(ids: list[int]) -> None:
    work_on(Erasure, ids, Erasure.Status.COPIES, each(erase), lease=timedelta(minutes=4))


FLOW: Mapping[tuple[type[WorkItem], str], Step] = {
    (Message, Message.Status.RECEIVED): Step(classify_messages, 10),
    (Message, Message.Status.UNSURE): Step(ask_llm, 1),
    (Message, Message.Status.ACTIONABLE): Step(file_messages, 10),
    (Message, Message.Status.FOLLOW_UP): Step(attach_follow_ups, 10),
    (ModelVersion, ModelVersion.Status.WANTED): Step(train_models, 1),
    (Opinion, Opinion.Status.WAITING): Step(ask_opinions, 1),
    (Draft, Draft.Status.WAITING): Step(write_drafts, 1),
    (DayAnalysis, DayAnalysis.Status.WORDING): Step(word_analyses, 1),
    (DayAnalysis, DayAnalysis.Status.POSTING): Step(post_analyses, 1),
    (Issue, Issue.Status.APPROVED): Step(open_exports, 20),
    (Issue, Issue.Status.IN_PROGRESS): Step(open_exports, 20),
    (Issue, Issue.Status.DONE): Step(open_exports, 20),
    (TaskExport, TaskExport.Status.PENDING): Step(deliver_exports, 50),
    (ExportUpdate, ExportUpdate.Status.WAITING): Step(tell_trackers, 10),
    (StandIn, StandIn.Status.STANDING): Step(settle_stand_ins, 5),
    (StandIn, StandIn.Status.MOVING): Step(settle_stand_ins, 5),
    (WebhookDelivery, WebhookDelivery.Status.RECEIVED): Step(apply_calls, 10),
    (StatusReply, StatusReply.Status.DUE): Step(write_replies, 1),
    (ChatCommand, ChatCommand.Status.WAITING): Step(obey_commands, 1),
    (ChatCommand, ChatCommand.Status.ANSWERING): Step(answer_commands, 1),
    (Erasure, Erasure.Status.ISSUES): Step(erase_from_issues, 1),
    (Erasure, Erasure.Status.EXPORTS): Step(erase_from_exports, 1),
    (Erasure, Erasure.Status.MESSAGES): Step(erase_messages, 1),
    (Erasure, Erasure.Status.COPIES): Step(erase_copies, 1),
}


def connect() -> None:
    status_changed.connect(hand_over, dispatch_uid="pipeline")
    corrected.connect(follow, dispatch_uid="pipeline")
    project_checked.connect(check_project, dispatch_uid="pipeline")
    chat_settled.connect(settle_held, dispatch_uid="pipeline")
    reacted.connect(note_reaction, dispatch_uid="pipeline")
    status_changed.connect(tell_reporters, sender=Issue, dispatch_uid="replies")
    status_changed.connect(tell_reporters, sender=TaskExport, dispatch_uid="replies")
    status_changed.connect(tell_tasks, sender=Issue, dispatch_uid="news")
    status_changed.connect(give_up_held, sender=Issue, dispatch_uid="held")
    status_changed.connect(tell_tasks, sender=TaskExport, dispatch_uid="news")


def settle_held(chat: Chat, **_: Any) -> None:
    """In the transaction of whoever decides: with the yes, what was kept is read."""
    settle(chat)


def tell_reporters(sender: type[WorkItem], ids: Sequence[int], **kwargs: Any) -> None:
    """What became of an issue, or a task for it in a tracker, is news in the chats that reported it."""
    if sender is TaskExport:
        ids = list(TaskExport.objects.filter(pk__in=ids).values_list("issue", flat=True))
    want(ids)


def give_up_held(
    sender: type[WorkItem], status: str, ids: Sequence[int], is_new: bool, **kwargs: Any
) -> None:
    """What nobody wants any more waits for nobody."""
    if status not in Issue.WAITING and not is_new:
        give_up_unwanted(ids)


def tell_tasks(sender: type[WorkItem], ids: Sequence[int], **kwargs: Any) -> None:
    """What became of an issue is news on its tasks; a task that was just made may have missed some."""
    if sender is TaskExport:
        ids = list(TaskExport.objects.filter(pk__in=ids).values_list("issue", flat=True))
    want_told(ids)


def hand_over(sender: type[WorkItem], status: str, ids: Sequence[int], **kwargs: Any) -> None:
    """Queue the next step of these rows; without a broker the sweep does it later."""
    step = FLOW.get((sender, status))
    if step is None:
        return
    try:
        for start in range(0, len(ids), step.chunk):
            step.task.delay(list(ids[start : start + step.chunk]))
    except (OperationalError, RedisError, OSError) as error:
        logger.warning("the broker is away, the sweep will find %s: %s", sender.__name__, error)


@worker_process_init.connect
def warm_up(**_: Any) -> None:
    """Load the models a little after the start, so that the first message need not wait for them."""
    timer = Timer(WARM_UP_AFTER, load_models)
    timer.daemon = True
    timer.start()


@beat_init.connect
def first_beats(**_: Any) -> None:
    """The schedule begins with a pause; a start should not wait for it."""
    for queue in QUEUES:
        beat.apply_async((queue,), queue=queue, priority=URGENT, expires=60)


@shared_task(expires=SWEEP_EVERY)
def sweep() -> None:
    """Hand out again what is due: lost tasks, expired leases, retries."""
    for (model, status), step in FLOW.items():
        if queue_depth(step) > DEEP:
            continue  # it waits there already; more copies would only fill the broker
        ids = model.take_due(status)
        if ids:
            logger.info("%d %s due in %s", len(ids), model.__name__, status)
            hand_over(model, status, ids)


def queue_depth(step: Step) -> int:
    """Tasks that wait in the step's queue; 0 when nobody can tell, or after Valkey lost them."""
    queue = app.amqp.router.route({}, step.task.name)["queue"].name
    return depth(queue) or 0


@shared_task(expires=BEAT_EVERY)
def beat(queue: str) -> None:
    """A beat that went through the queue: the worker behind it really works."""
    Heartbeat.beat(f"queue:{queue}")


@shared_task(expires=60)
def prune_events() -> None:
    broadcast.prune()


app.conf.beat_schedule = {
    "sweep": {"task": sweep.name, "schedule": SWEEP_EVERY, "options": {"priority": URGENT}},
    # What stands in for a tracker empties the backlog that it would wait in.
    "fall-back": {
        "task": fall_back.name,
        "schedule": FALL_BACK_EVERY,
        "options": {"priority": URGENT},
    },
    "prune-events": {"task": prune_events.name, "schedule": 600.0},
    # Each project's day ends at its own midnight; what a pause of the beat missed is caught up.
    "analyse-days": {"task": analyse_days.name, "schedule": 600.0},
    "poll-trackers": {"task": poll_trackers.name, "schedule": 20.0},
    "prune-calls": {"task": prune_calls.name, "schedule": 3600.0},
    "ask-webhooks": {"task": ask_webhooks.name, "schedule": ASK_EVERY},
    "learn": {"task": learn_when_due.name, "schedule": 1800.0},
    # What was announced while nobody listened.
    "look-for-news": {"task": look_for_news.name, "schedule": 600.0},
    # Hardly ever is there anything to build; then it takes minutes.
    "index-vectors": {"task": index_vectors.name, "schedule": 3600.0},
    "close-days": {"task": close_days.name, "schedule": 3600.0},
    **{
        f"beat-{queue}": {
            "task": beat.name,
            "schedule": BEAT_EVERY,
            "args": (queue,),
            "options": {"queue": queue, "priority": URGENT},
        }
        for queue in QUEUES
    },
}
