from datetime import timedelta

from celery import shared_task
from django.conf import settings

from apps.messages import measure
from apps.messages.classify import classify
from apps.messages.models import Message
from apps.messages.second_opinion import ask_llm as ask
from tasktracker.lib.workflow import each, work_on


@shared_task
def classify_messages(ids: list[int]) -> None:
    work_on(Message, ids, Message.Status.RECEIVED, classify)


@shared_task
def ask_llm(ids: list[int]) -> None:
    lease = timedelta(seconds=settings.LLM_TIMEOUT + 15)
    work_on(Message, ids, Message.Status.UNSURE, each(ask), lease=lease)


@shared_task
def close_days() -> None:
    measure.close_days()
