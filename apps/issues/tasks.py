from datetime import timedelta

from celery import shared_task
from django.conf import settings

from apps.issues.analysis import analyse_lacking, post, word
from apps.issues.chat_commands import answer, obey
from apps.issues.conversation import follow_up
from apps.issues.erase import erase
from apps.issues.grey_zone import judge
from apps.issues.models import DayAnalysis, Draft, Opinion, StatusReply
from apps.issues.replies import write as write_reply
from apps.issues.triage import file, with_earlier
from apps.issues.vector_index import build_missing
from apps.issues.wording import write
from apps.messages.models import ChatCommand, Message
from apps.sources.models import Erasure
from tasktracker.lib.workflow import each, work_on


@shared_task
def file_messages(ids: list[int]) -> None:
    work_on(Message, with_earlier(ids), Message.Status.ACTIONABLE, file)


@shared_task
def attach_follow_ups(ids: list[int]) -> None:
    work_on(Message, ids, Message.Status.FOLLOW_UP, each(follow_up))


@shared_task
def write_drafts(ids: list[int]) -> None:
    work_on(Draft, ids, Draft.Status.WAITING, each(write), lease=_as_long_as_a_model())


@shared_task
def ask_opinions(ids: list[int]) -> None:
    work_on(Opinion, ids, Opinion.Status.WAITING, each(judge), lease=_as_long_as_a_model())


@shared_task
def word_analyses(ids: list[int]) -> None:
    status = DayAnalysis.Status.WORDING
    work_on(DayAnalysis, ids, status, each(word), lease=_as_long_as_a_model())


@shared_task
def post_analyses(ids: list[int]) -> None:
    status = DayAnalysis.Status.POSTING
    work_on(DayAnalysis, ids, status, each(post), lease=timedelta(seconds=90))


@shared_task
def obey_commands(ids: list[int]) -> None:
    status = ChatCommand.Status.WAITING
    work_on(ChatCommand, ids, status, each(obey), lease=timedelta(seconds=90))


@shared_task
def answer_commands(ids: list[int]) -> None:
    status = ChatCommand.Status.ANSWERING
    work_on(ChatCommand, ids, status, each(answer), lease=timedelta(seconds=90))


@shared_task
def write_replies(ids: list[int]) -> None:
    status = StatusReply.Status.DUE
    work_on(StatusReply, ids, status, each(write_reply), lease=timedelta(seconds=90))


@shared_task
def erase_from_issues(ids: list[int]) -> None:
    work_on(Erasure, ids, Erasure.Status.ISSUES, each(erase), lease=timedelta(minutes=4))


@shared_task(expires=600)
def analyse_days() -> None:
    analyse_lacking()


@shared_task(expires=3600)
def index_vectors() -> None:
    build_missing()


def _as_long_as_a_model() -> timedelta:
    return timedelta(seconds=settings.LLM_TIMEOUT + 15)
