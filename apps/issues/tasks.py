from celery import shared_task

from apps.issues.triage import file
from apps.messages.models import Message
from tasktracker.lib.workflow import work_on


@shared_task
def file_messages(ids: list[int]) -> None:
    work_on(Message, ids, Message.Status.ACTIONABLE, file)
