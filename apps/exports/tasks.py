from datetime import timedelta

from celery import shared_task

from apps.exports.deliver import deliver
from apps.exports.deliver import open_exports as open_all
from apps.exports.erase import erase
from apps.exports.models import LEASE, TaskExport
from apps.issues.models import Issue
from apps.sources.models import Erasure
from tasktracker.lib.workflow import each, work_on


@shared_task
def open_exports(ids: list[int]) -> None:
    for status in Issue.WAITING:
        work_on(Issue, ids, status, open_all)


@shared_task
def deliver_exports(ids: list[int]) -> None:
    work_on(TaskExport, ids, TaskExport.Status.PENDING, each(deliver), lease=LEASE)


@shared_task
def erase_from_exports(ids: list[int]) -> None:
    work_on(Erasure, ids, Erasure.Status.EXPORTS, each(erase), lease=timedelta(minutes=4))
