from celery import shared_task

from apps.exports.deliver import open_exports as open_all
from apps.exports.erase import STEP_LEASE, erase
from apps.exports.failover import fall_back as fall_back_now
from apps.exports.failover import recover
from apps.exports.holding import give_up_unwanted
from apps.exports.models import LEASE, ExportUpdate, StandIn, TaskExport, WebhookDelivery
from apps.exports.poll import poll_due
from apps.exports.sync import apply
from apps.exports.together import deliver_all
from apps.exports.update import tell_all, want_missed
from apps.issues.models import Issue
from apps.sources.models import Erasure
from tasktracker.lib.workflow import each, work_on

FALL_BACK_EVERY = 10.0  # seconds


@shared_task
def open_exports(ids: list[int]) -> None:
    # An announcement of anything else, when they are open, is not for us.
    ids = list(Issue.objects.filter(pk__in=ids, due_at__isnull=False).values_list("pk", flat=True))
    for status in Issue.WAITING:
        work_on(Issue, ids, status, open_all)


@shared_task
def deliver_exports(ids: list[int]) -> None:
    work_on(TaskExport, ids, TaskExport.Status.PENDING, deliver_all, lease=LEASE)


@shared_task
def erase_from_exports(ids: list[int]) -> None:
    work_on(Erasure, ids, Erasure.Status.EXPORTS, each(erase), lease=STEP_LEASE)


@shared_task(expires=FALL_BACK_EVERY)
def fall_back() -> None:
    fall_back_now()


@shared_task
def settle_stand_ins(ids: list[int]) -> None:
    for status in StandIn.WAITING:
        work_on(StandIn, ids, status, each(recover), lease=LEASE)


@shared_task
def apply_calls(ids: list[int]) -> None:
    work_on(WebhookDelivery, ids, WebhookDelivery.Status.RECEIVED, each(apply))


@shared_task(expires=60)
def poll_trackers() -> None:
    poll_due()


@shared_task(expires=60)
def prune_calls() -> None:
    WebhookDelivery.prune()


@shared_task
def tell_trackers(ids: list[int]) -> None:
    work_on(ExportUpdate, ids, ExportUpdate.Status.WAITING, tell_all, lease=LEASE)


@shared_task(expires=600)
def look_for_news() -> None:
    want_missed()
    give_up_unwanted()
