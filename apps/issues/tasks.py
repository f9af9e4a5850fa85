from datetime import timedelta

from celery import shared_task
from django.conf import settings

from apps.issues.models import Draft
from apps.issues.triage import file
from apps.issues.wording import write
from apps.messages.models import Message
from tasktracker.lib.workflow import each, work_on


@shared_task
def file_messages(ids: list[int]) -> None:
    work_on(Message, ids, Message.Status.ACTIONABLE, file)


@shared_task
def write_drafts(ids: list[int]) -> None:
    lease = timedelta(seconds=settings.LLM_TIMEOUT + 15)
    work_on(Draft, ids, Draft.Status.WAITING, each(write), lease=lease)
