from datetime import timedelta

from celery import shared_task

from apps.messages import learn, measure
from apps.messages.classify import classify
from apps.messages.erase import erase
from apps.messages.models import Message, ModelVersion
from apps.messages.second_opinion import ask_llm as ask
from apps.messages.second_opinion import lease
from apps.sources.models import Erasure
from tasktracker.lib.workflow import each, work_on


@shared_task
def classify_messages(ids: list[int]) -> None:
    work_on(Message, ids, Message.Status.RECEIVED, classify)


@shared_task
def ask_llm(ids: list[int]) -> None:
    work_on(Message, ids, Message.Status.UNSURE, each(ask), lease=lease())


@shared_task
def train_models(ids: list[int]) -> None:
    wanted = ModelVersion.Status.WANTED
    work_on(ModelVersion, ids, wanted, each(learn.start), lease=learn.LEASE)


@shared_task
def erase_messages(ids: list[int]) -> None:
    work_on(Erasure, ids, Erasure.Status.MESSAGES, each(erase), lease=timedelta(minutes=4))


@shared_task
def learn_when_due() -> None:
    learn.want_when_due()


@shared_task
def close_days() -> None:
    measure.close_days()
