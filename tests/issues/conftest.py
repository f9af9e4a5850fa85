"""Reports and what is said about them, a model to ask about two of them, and a day that is over."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import time_machine

from apps.issues.conversation import follow_up
from apps.issues.dedup import pair_training, space_training
from apps.issues.dedup.levels import Thresholds
from apps.issues.filed import history_of
from apps.issues.models import Evidence, Issue, Match, Opinion
from apps.issues.opinions import ask_next
from apps.issues.simulate import Simulator
from apps.issues.tasks import ask_opinions
from apps.issues.triage import file
from apps.messages.classify import classify
from apps.messages.models import Embedding, Message
from apps.sources.models import Project
from tasktracker.lib import circuits, embeddings
from tests.lib.llm_server import LLMServer
from tests.lib.made_up_talks import write_talks

OUTAGE = "Прод лежить! 502 на всіх сторінках, клієнти не можуть оплатити замовлення"
EXPORT = "Експорт звіту в Excel падає з помилкою, файл порожній"
TEXTS = [
    OUTAGE,
    "Додайте, будь ласка, можливість змінити аватар у профілі",
    "Production is down, 502 on all pages, nobody can pay for an order",
    "Експорт звіту у PDF падає з помилкою 500 після оновлення 2.4.1",
    "знову 502 на проді, оплата замовлень не працює ні в кого",
    "Export of the report to PDF fails with error 500 since 2.4.1",
    "Імпорт звіту з CSV падає з помилкою 500 після оновлення 2.4.1",
    "Прошу додати зміну аватара в налаштуваннях профілю",
    "Прод лежить, 502 на всіх сторінках, клієнти не можуть нічого оплатити",
    "Please let people change their avatar in the profile settings",
    "Пуші про нове замовлення приходять двічі на Android",
    "На iOS пуш про нове замовлення не приходить зовсім",
    "Експорт звіту у PDF не працює, помилка 500",
    OUTAGE,
]
STRICT = Thresholds(merge=0.999, suggest=0.3)
LOOSE = Thresholds(merge=0.05, suggest=0.02)
MODEL = "qwen3:14b"
SAME = {"verdict": "same", "confidence": 0.93, "reason": "Обидва про 502 під час оплати."}
DIFFERENT = {"verdict": "different", "confidence": 0.9, "reason": "Інша платформа."}
UNCLEAR = {"verdict": "unclear", "confidence": 0.5, "reason": "Замало сказано."}
DIMENSIONS = 384
DAY = date(2026, 3, 2)
MORNING = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
NEXT_NIGHT = datetime(2026, 3, 2, 22, 10, tzinfo=UTC)  # ten past midnight in Kyiv


@pytest.fixture
def user(django_user_model):
    return django_user_model.objects.create_user("olena")


@pytest.fixture
def make_report(make_message):
    def make(text=OUTAGE, **changes):
        values = {"status": "actionable", "category": "bug", "priority": "high", "confidence": 0.95}
        return make_message(text, **{**values, **changes})

    return make


@pytest.fixture
def say(make_message):
    """A message; `to` is what it replies to."""

    def make(author, text, *, to=None, **changes):
        answers = {} if to is None else {"reply_to": to, "reply_to_external_id": to.external_id}
        return make_message(text, author_id=author, author=author, **{**answers, **changes})

    return make


@pytest.fixture
def server(settings) -> Iterator[LLMServer]:
    """A model that holds every two reports for the same."""
    server = LLMServer(lambda request: (200, json.dumps(SAME)))
    settings.OLLAMA_URL = server.url
    settings.OLLAMA_MODELS = [MODEL]
    settings.OLLAMA_KEEP_ALIVE = ""
    circuits.reset([MODEL])
    yield server
    server.close()
    circuits.reset([MODEL])


@pytest.fixture
def make_pair(make_issue, make_message) -> Callable[..., tuple[Issue, Issue]]:
    """An issue of before, and a new one that the search suggests it to."""

    def make(score: float = 0.5, newer: Issue | None = None, **changes: Any) -> tuple[Issue, Issue]:
        report = {"category": "bug", "priority": "medium", "status": "filed"}
        old = make_message("Оплата падає з 502, пишіть petro@example.com", **report)
        older = make_issue("Оплата падає", message=old, priority="medium", reported_at=old.sent_at)
        for name, value in changes.items():
            setattr(older, name, value)
        older.save()
        if newer is None:
            new = make_message("Paying by card gives 502", **report, confidence=0.95)
            newer = make_issue("Card", message=new, priority="medium", reported_at=new.sent_at)
        suggest(newer, older, score)
        return older, newer

    return make


@pytest.fixture
def night_after(project: Project) -> Iterator[None]:
    """DAY is over for a project that is older than it."""
    Project.objects.update(created_at=MORNING - timedelta(days=30))
    project.refresh_from_db()
    with time_machine.travel(NEXT_NIGHT, tick=False):
        yield


def read(*messages):
    """What the pipeline does with them, one after the other."""
    for message in messages:
        classify([message])
        step(message)


def step(message):
    message.refresh_from_db()
    if message.status == Message.Status.ACTIONABLE:
        file([message])
    elif message.status == Message.Status.FOLLOW_UP:
        follow_up(message)
    message.refresh_from_db()


def issue_of(message):
    return Evidence.objects.get(message=message).issue


def set_thresholds(project, thresholds):
    project.merge_threshold, project.suggest_threshold = thresholds.merge, thresholds.suggest
    project.save()


def simulate(project, thresholds):
    return Simulator(history_of(project, days=60)).run(thresholds)


def suggest(newer: Issue, older: Issue, score: float) -> Match:
    return Match.objects.create(
        message=newer.evidence.get().message,
        issue=older,
        like=older.evidence.get().message,
        level=Evidence.Level.JUDGED,
        score=score,
        threshold=0.83,
        outcome=Match.Outcome.SUGGESTED,
        explanation={"cosine": 0.6},
    )


def ask(newer: Issue) -> Opinion:
    """Ask as filing does, and let the worker answer."""
    project = newer.project
    opinion = ask_next(newer, newer.evidence.get().message, project)
    assert opinion is not None
    ask_opinions([opinion.pk])
    opinion.refresh_from_db()
    return opinion


def let_it_say(server: LLMServer, *answers: dict[str, Any]) -> None:
    left = list(answers)
    server.reply = lambda request: (200, json.dumps(left.pop(0) if len(left) > 1 else left[0]))


def file_two_alike(make_message: Callable[..., Message], project: Project) -> Message:
    """Two reports that nobody can be sure of; the later one."""
    Project.objects.filter(pk=project.pk).update(merge_threshold=1.0)
    report = {"status": "actionable", "category": "bug", "priority": "high", "confidence": 0.95}
    file([make_message("Оплата карткою падає з помилкою 502 на чекауті", **report)])
    later = make_message("Checkout: paying by card ends with a 502 for some customers", **report)
    file([later])
    return later


@pytest.fixture
def report(make_message):
    def make(text=OUTAGE, **changes):
        return make_message(text, **{"category": "bug", "priority": "high", **changes})

    return make


@pytest.fixture
def issue_with(make_issue, report):
    """An issue with reports of these texts."""

    def make(*texts, **changes):
        issue = make_issue(texts[0], message=report(texts[0]), **changes)
        for text in texts[1:]:
            Evidence.objects.create(issue=issue, message=report(text), level="fuzzy")
        return issue

    return make


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=-1, keepdims=True)).astype(np.float32)


@pytest.fixture
def draw():
    return np.random.default_rng(7)


@pytest.fixture
def fill(make_message, project, chat, draw):
    """So many open issues of one report each; vectors around 40 topics."""

    def run(count, *, project=project, status="new", centres=None):
        topics = unit(draw.normal(size=(40, DIMENSIONS))) if centres is None else centres
        model = embeddings.model_name()
        first = make_message("зразок", project=project)
        messages = Message.objects.bulk_create(
            Message(
                project=project,
                source_id=first.source_id,
                chat=chat,
                external_id=f"{project.pk}-{status}-{first.pk}-{number}",
                text=f"звіт {number}",
                text_hash=f"1:{first.pk}-{number}",
                sent_at=first.sent_at,
                status="filed",
                category="bug",
            )
            for number in range(count)
        )
        issues = Issue.objects.bulk_create(
            Issue(
                project=project,
                title="t",
                category="bug",
                priority="low",
                status=status,
                reported_at=first.sent_at,
                status_changed_at=first.sent_at,
            )
            for _ in messages
        )
        Evidence.objects.bulk_create(
            Evidence(issue=issue, message=message, level="opened")
            for issue, message in zip(issues, messages, strict=True)
        )
        vectors = unit(
            topics[draw.integers(len(topics), size=count)]
            + 0.05 * draw.normal(size=(count, DIMENSIONS))
        )
        Embedding.objects.bulk_create(
            Embedding(message=message, model=model, vector=vector)
            for message, vector in zip(messages, vectors, strict=True)
        )
        first.delete()
        return vectors, issues

    return run


@pytest.fixture(scope="session")
def talks(tmp_path_factory):
    """Six made-up teams; the judge learns from such."""
    return write_talks(tmp_path_factory.mktemp("talks"))


@pytest.fixture(scope="module")
def short_training():
    """Enough for made-up texts, in seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(space_training, "EPOCHS", 2)
        for shape in (pair_training.TREES_OF_TALK, pair_training.TREES_OF_TEXTS):
            patch.setitem(shape, "max_iter", 30)
            patch.setitem(shape, "max_bins", 31)
        yield
