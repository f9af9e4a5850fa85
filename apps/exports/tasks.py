from celery import shared_task

from apps.exports.deliver import deliver
from apps.exports.deliver import open_exports as open_all
from apps.exports.models import TaskExport
from apps.issues.models import Issue
from tasktracker.lib.workflow import each, work_on


@shared_task
def open_exports(ids: list[int]) -> None:
    for status in Issue.WAITING:
        work_on(Issue, ids, status, open_all)


@shared_task
def deliver_exports(ids: list[int]) -> None:
    work_on(TaskExport, ids, TaskExport.Status.PENDING, each(deliver))
