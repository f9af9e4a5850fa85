"""The review of a day: figures, advice, a model's words, and one message in the chat."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone, translation

from apps.issues import analysis as review
from apps.issues.analysis import analyse, analyse_lacking, send_to_chat
from apps.issues.day_words import advice
from apps.issues.models import Change, DayAnalysis, Evidence, Issue
from apps.issues.tasks import post_analyses, word_analyses
from apps.messages.models import Message
from apps.sources.models import Chat, Project, Source
from tests.lib.llm_server import LLMServer
from tests.sources.telegram_server import TOKEN, telegram_server

DAY = date(2026, 3, 2)
MORNING = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
NEXT_NIGHT = datetime(2026, 3, 2, 22, 10, tzinfo=UTC)  # ten past midnight in Kyiv
WORDS = {"summary": "День був спокійний, нових проблем мало.", "advice": ["Перевірити чергу."]}


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NEXT_NIGHT, tick=False):
        yield


@pytest.fixture
def project(db):
    project = Project.objects.create(name="Smachno", slug="smachno", language="uk")
    Project.objects.update(created_at=MORNING - timedelta(days=30))
    project.refresh_from_db()
    return project


@pytest.fixture
def server(settings) -> Iterator[LLMServer]:
    server = LLMServer(lambda request: (200, json.dumps(WORDS)))
    settings.OLLAMA_URL = server.url
    settings.OLLAMA_MODELS = ["qwen3:14b"]
    yield server
    server.close()


@pytest.fixture
def telegram(settings):
    with telegram_server() as server:
        settings.TELEGRAM_API_URL = server.url
        yield server


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


def figures(project, day=DAY):
    return analyse(project, day).figures


def says(project, day=DAY):
    with translation.override("en"):
        return [sentence for sentence, _issue in advice(figures(project, day))]


def work(analysis):
    analysis.refresh_from_db()
    task = {"wording": word_analyses, "posting": post_analyses}[analysis.status]
    task([analysis.pk])
    analysis.refresh_from_db()


# Figures


def test_messages_are_counted_by_the_projects_own_day(project, make_message):
    make_message(sent_at=MORNING, category="bug")
    make_message(sent_at=datetime(2026, 3, 1, 22, 30, tzinfo=UTC), category="info")
    make_message(sent_at=datetime(2026, 3, 2, 22, 30, tzinfo=UTC))
    make_message(sent_at=MORNING - timedelta(days=2))

    found = figures(project)["messages"]

    assert (found["total"], found["by_category"]) == (2, {"bug": 1, "info": 1})
    assert found["usual"] == pytest.approx(0.1)


def test_new_issues_are_those_that_were_reported_on_the_day(project, make_issue):
    new = make_issue(reported_at=MORNING)
    make_issue(reported_at=MORNING - timedelta(days=1))
    make_issue(reported_at=MORNING, origin="analysis")

    assert [row["id"] for row in figures(project)["new"]] == [new.pk]


def test_an_issue_grows_by_the_reports_after_the_first(project, make_issue, make_message):
    old = make_issue(reported_at=MORNING - timedelta(days=3))
    fresh = make_issue(reported_at=MORNING, message=make_message(sent_at=MORNING))
    for issue, ago in ((old, 0), (old, 0), (old, 3)):
        message = make_message(sent_at=MORNING - timedelta(days=ago))
        Evidence.objects.create(issue=issue, message=message, level="fuzzy")

    (row,) = figures(project)["growing"]

    assert (row["id"], row["reports"], row["total"]) == (old.pk, 2, 3)
    assert fresh.pk != row["id"]


@pytest.mark.parametrize(
    ("due", "is_late"),
    [
        ("2026-03-01", True),
        ("2026-03-02", True),
        ("2026-03-03", False),
        ("2026-03-02T18:00+02:00", True),
        ("soon", False),
    ],
)
def test_an_open_issue_is_overdue_after_its_date(project, make_issue, due, is_late):
    make_issue(
        reported_at=MORNING - timedelta(days=5),
        entities={"deadlines": [{"surface": "x", "normal": due}]},
    )

    assert bool(figures(project)["overdue"]) is is_late


def test_the_last_of_several_dates_counts_and_what_is_done_is_not_late(project, make_issue):
    late = {"surface": "x", "normal": "2026-03-01"}
    make_issue(
        reported_at=MORNING,
        entities={"deadlines": [late, {"surface": "y", "normal": "2026-03-09"}]},
    )
    make_issue(reported_at=MORNING, entities={"deadlines": [late]}, status="done")

    assert figures(project)["overdue"] == []


def test_an_urgent_issue_that_nobody_touches_is_silent(project, make_issue, django_user_model):
    user = django_user_model.objects.create_user("olena")
    silent = make_issue(priority="critical", reported_at=MORNING)
    touched = make_issue(priority="critical", reported_at=MORNING)
    touched.record(Change.Kind.EDIT, by=user, field="title")
    make_issue(priority="high", reported_at=MORNING)
    make_issue(priority="low", reported_at=MORNING - timedelta(days=9))

    (row,) = figures(project)["silent"]

    assert (row["id"], row["hours"]) == (silent.pk, 15)


def test_a_critical_message_that_nobody_was_sure_of_is_told(project, make_message, make_issue):
    lost = make_message(sent_at=MORNING, priority="critical", is_provisional=True)
    filed = make_message(sent_at=MORNING, priority="critical", is_provisional=True)
    make_issue(message=filed, reported_at=MORNING)
    make_message(sent_at=MORNING, priority="critical")

    assert [row["id"] for row in figures(project)["unreviewed"]] == [lost.pk]


def test_what_was_done_and_exported_on_the_day_is_counted(project, make_issue, make_export):
    with time_machine.travel(MORNING, tick=False):
        done = make_issue(status="done", reported_at=MORNING - timedelta(days=2))
        change = done.record(Change.Kind.STATUS, before="approved", after="done")
        exported = done.record(Change.Kind.EXPORT, tracker="JSON", id="1")
        Change.objects.filter(pk__in=[change.pk, exported.pk]).update(created_at=MORNING)
    make_export(status="failed")

    found = figures(project)

    assert [row["id"] for row in found["done"]] == [done.pk]
    assert (found["exported"], found["exports_failed"]) == (1, 1)


def test_other_projects_do_not_count(project, other_project, make_issue, make_message):
    make_message(project=other_project, sent_at=MORNING)
    make_issue(project=other_project, reported_at=MORNING)

    found = figures(project)

    assert (found["messages"]["total"], found["new"], found["open"]) == (0, [], 0)


# Advice


def test_the_most_urgent_advice_comes_first(project, make_issue, make_message):
    make_issue(priority="critical", reported_at=MORNING, title="Прод лежить")
    make_message(sent_at=MORNING, priority="critical", is_provisional=True)
    make_issue(
        reported_at=MORNING,
        priority="low",
        entities={"deadlines": [{"surface": "x", "normal": "2026-03-01"}]},
    )
    grown = make_issue(priority="low", reported_at=MORNING - timedelta(days=1))
    for _ in range(4):
        message = make_message(sent_at=MORNING)
        Evidence.objects.create(issue=grown, message=message, level="fuzzy")

    first, second, third, fourth = says(project)

    assert "nobody has touched it for 15 hours" in first
    assert "“Прод лежить”" in first
    assert second.startswith("Check 1 message")
    assert "was due" in third
    assert fourth.startswith(f"Raise the priority of #{grown.pk}")


@pytest.mark.parametrize(
    ("hours", "words"), [(47, "47 hours."), (48, "2 days."), (9182, "382 days.")]
)
def test_a_long_silence_is_told_in_days(project, make_issue, hours, words):
    with time_machine.travel(NEXT_NIGHT - timedelta(hours=hours, minutes=10), tick=False):
        make_issue(priority="critical", reported_at=NEXT_NIGHT - timedelta(hours=hours, minutes=10))

    said = says(project)[0]

    assert said.endswith(f"nobody has touched it for {words}")


def test_a_date_that_ends_with_a_full_stop_ends_the_sentence(project, make_issue):
    make_issue(
        reported_at=MORNING,
        entities={"deadlines": [{"surface": "x", "normal": "2025-11-18"}]},
    )

    with translation.override("uk"):
        ((said, _issue),) = advice(figures(project))

    assert said.endswith("18 листопада 2025 р.")


def test_a_quiet_day_asks_for_nothing(project):
    assert says(project) == []
    assert "Smachno" in analyse(project, DAY).text


def test_a_title_is_only_words_in_the_text(project, make_issue):
    make_issue("@all see https://evil.example <b>now</b>\nfixes #1", reported_at=MORNING)

    text = analyse(project, DAY).text

    assert not [part for part in ("@", "http", "<b>", "fixes") if part in text]


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
