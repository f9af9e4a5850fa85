"""The review of a day is made once it is over, with a model's words, and posted once to the chat."""

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from apps.issues import analysis as review
from apps.issues.analysis import analyse, analyse_lacking, send_to_chat
from apps.issues.models import DayAnalysis, Issue
from apps.issues.tasks import post_analyses, word_analyses
from apps.messages.models import Message
from apps.sources.models import Chat, Project, Source
from tests.issues.conftest import DAY, MORNING, NEXT_NIGHT
from tests.lib.llm_server import LLMServer
from tests.stubs.telegram import TOKEN

pytestmark = pytest.mark.usefixtures("night_after")
WORDS = {"summary": "День був спокійний, нових проблем мало.", "advice": ["Перевірити чергу."]}


@pytest.fixture
def server(settings) -> Iterator[LLMServer]:
    server = LLMServer(lambda request: (200, json.dumps(WORDS)))
    settings.OLLAMA_URL = server.url
    settings.OLLAMA_MODELS = ["qwen3:14b"]
    yield server
    server.close()


@pytest.fixture
def posting(project, telegram):
    """The project wants its summary in a chat."""
    source = Source.objects.create(
        project=project, kind="telegram", name="Bot", config={"bot_token": TOKEN}
    )
    project.summary_chat = Chat.objects.create(source=source, external_id="-100500")
    project.posts_summary = True
    project.save()
    return project


def work(analysis):
    analysis.refresh_from_db()
    task = {"wording": word_analyses, "posting": post_analyses}[analysis.status]
    task([analysis.pk])
    analysis.refresh_from_db()


# Doing it again, and every day


def test_the_same_day_again_is_brought_up_to_date(project, make_issue):
    first = analyse(project, DAY)
    make_issue(reported_at=MORNING)
    second = analyse(project, DAY)

    assert first.pk == second.pk
    assert second.figures["totals"]["new"] == 1


def test_days_that_are_over_are_analysed_once_and_only_the_last_ones(project, make_message):
    make_message(sent_at=MORNING - timedelta(days=20))

    analyse_lacking()
    made = dict(DayAnalysis.objects.values_list("day", "pk"))
    analyse_lacking()

    assert sorted(made) == [DAY - timedelta(days=2), DAY - timedelta(days=1), DAY]
    assert dict(DayAnalysis.objects.values_list("day", "pk")) == made


def test_a_day_is_over_at_the_projects_own_midnight(project, make_message):
    make_message(sent_at=MORNING)
    with time_machine.travel(NEXT_NIGHT - timedelta(minutes=20), tick=False):
        analyse_lacking()

    assert not DayAnalysis.objects.filter(day=DAY).exists()


def test_a_project_that_sleeps_is_left_alone(project, make_message):
    make_message(sent_at=MORNING)
    Project.objects.update(is_active=False)

    analyse_lacking()

    assert not DayAnalysis.objects.exists()


def test_trouble_with_one_project_does_not_stop_the_others(
    project, other_project, make_message, monkeypatch, caplog
):
    Project.objects.update(created_at=MORNING - timedelta(days=30))
    make_message(sent_at=MORNING)
    make_message(sent_at=MORNING, project=other_project)
    real = review.analyse

    def fails_once(which, day, **options):
        if which == project:
            raise RuntimeError("no")
        return real(which, day, **options)

    monkeypatch.setattr(review, "analyse", fails_once)
    analyse_lacking()

    assert {row.project for row in DayAnalysis.objects.all()} == {other_project}
    assert "failed" in caplog.text


# A model's words


def test_a_models_words_stand_beside_the_figures(project, server, make_issue):
    make_issue("Кошик губить товари, пишіть на petro@example.com", reported_at=MORNING)
    analysis = analyse(project, DAY)
    text = analysis.text

    work(analysis)

    assert (analysis.status, analysis.llm_model) == ("ready", "qwen3:14b")
    assert analysis.llm_text == f"{WORDS['summary']}\n\n- {WORDS['advice'][0]}"
    assert analysis.text == text
    asked = json.dumps(server.requests, ensure_ascii=False)
    assert "Кошик губить товари" in asked
    assert "petro@example.com" not in asked


def test_sentences_that_invent_numbers_or_speak_to_the_chat_are_left_out(project, server):
    said = {
        "summary": "День спокійний. Продажі впали на 37 відсотків. Пишіть @admin на https://evil.example зараз.",
        "advice": ["Do it in English."],
    }
    server.reply = lambda request: (200, json.dumps(said))
    analysis = analyse(project, DAY)

    work(analysis)

    assert analysis.llm_text == "День спокійний. Пишіть на зараз."


@pytest.mark.parametrize(
    "bad", [(200, "no"), (200, json.dumps({"summary": "Everything is quiet here."}))]
)
def test_a_model_that_talks_nonsense_leaves_the_figures_alone(project, server, bad):
    server.reply = lambda request: bad
    analysis = analyse(project, DAY)

    work(analysis)

    assert (analysis.status, analysis.llm_text) == ("ready", "")


def test_a_model_that_is_away_holds_nothing_up_after_its_grace(project, server, settings):
    server.reply = lambda request: (500, "")
    analysis = analyse(project, DAY)
    work(analysis)
    assert (analysis.status, analysis.leased_until is not None) == ("wording", True)

    past = timezone.now() - timedelta(days=1)
    DayAnalysis.objects.update(status_changed_at=past, leased_until=None)
    work(analysis)

    assert (analysis.status, analysis.llm_text) == ("ready", "")


# The chat


def test_yesterdays_summary_goes_to_the_chat_once(posting, telegram, make_message):
    make_message(sent_at=MORNING)
    analyse_lacking()
    analysis = DayAnalysis.objects.get(day=DAY)

    work(analysis)
    analyse(posting, DAY, is_daily=True)
    analyse_lacking()
    post_analyses([analysis.pk])

    assert [sent["text"] for sent in telegram.sent] == [analysis.text]
    assert (analysis.status, analysis.posted_message_id) == ("posted", "701")
    assert not DayAnalysis.objects.filter(status="posting").exists()


def test_an_archive_is_no_news(posting, make_message):
    make_message(sent_at=MORNING, is_history=True)

    analyse_lacking()

    assert set(DayAnalysis.objects.values_list("status", flat=True)) == {"ready"}


def test_a_models_words_never_go_to_the_chat(posting, telegram, server, make_message):
    make_message(sent_at=MORNING)
    analyse_lacking()
    analysis = DayAnalysis.objects.get(day=DAY)

    work(analysis)
    work(analysis)

    assert analysis.llm_text
    assert WORDS["summary"] not in telegram.sent[0]["text"]


def test_a_busy_chat_gets_it_later(posting, telegram, make_message):
    make_message(sent_at=MORNING)
    telegram.fail(429, "Too Many Requests: retry after 7", retry_after=7)
    analyse_lacking()
    analysis = DayAnalysis.objects.get(day=DAY)

    work(analysis)
    assert (analysis.status, analysis.post_began_at) == ("posting", None)
    DayAnalysis.objects.update(leased_until=None)
    work(analysis)

    assert analysis.status == "posted"
    assert len(telegram.sent) == 1


def test_after_a_lost_answer_only_a_person_may_post_it_again(posting, telegram, make_message):
    make_message(sent_at=MORNING)
    telegram.hangs_up = True
    analyse_lacking()
    analysis = DayAnalysis.objects.get(day=DAY)
    work(analysis)
    assert (analysis.status, len(telegram.sent)) == ("failed", 1)
    assert analysis.last_error

    telegram.hangs_up = False
    send_to_chat(analysis)
    work(analysis)

    assert analysis.status == "posted"


def test_a_worker_that_died_while_it_posted_is_not_followed_by_another(
    posting, telegram, make_message
):
    make_message(sent_at=MORNING)
    analyse_lacking()
    DayAnalysis.objects.filter(day=DAY).update(post_began_at=timezone.now())
    analysis = DayAnalysis.objects.get(day=DAY)

    work(analysis)

    assert (analysis.status, telegram.sent) == ("failed", [])


def test_a_chat_that_went_to_another_project_gets_nothing(
    posting, telegram, make_message, other_project
):
    make_message(sent_at=MORNING)
    analyse_lacking()
    Chat.objects.filter(pk=posting.summary_chat_id).update(project=other_project)
    analysis = DayAnalysis.objects.get(day=DAY)

    work(analysis)

    assert (analysis.status, telegram.sent) == ("failed", [])
    assert Issue.objects.count() == Message.objects.filter(status="filed").count()
