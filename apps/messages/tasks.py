from celery import shared_task

from apps.messages import measure
from apps.messages.classify import classify
from apps.messages.models import Message
from apps.messages.second_opinion import ask_llm as ask
from apps.messages.second_opinion import lease
from tasktracker.lib.workflow import each, work_on


@shared_task
def classify_messages(ids: list[int]) -> None:
    work_on(Message, ids, Message.Status.RECEIVED, classify)


@shared_task
def ask_llm(ids: list[int]) -> None:
    work_on(Message, ids, Message.Status.UNSURE, each(ask), lease=lease())


@shared_task
def close_days() -> None:
    measure.close_days()
