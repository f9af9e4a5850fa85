"""Several workers file reports of one problem at the same moment: it is one issue."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest

from apps.issues.models import Evidence, Issue
from apps.messages.context import embed_missing
from apps.messages.models import Message
from tasktracker.devstack.folder import BASE_DIR
from tasktracker.management.pipeline_processes import child_environment
from tests.conftest import MONDAY

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS = 3
ROUNDS = 5
WORKER = """
import json, sys
import django
django.setup()
from apps.issues.conversation import follow_up
from apps.issues.triage import file
from apps.messages.models import Message
from tasktracker.lib.workflow import LostRace
print("ready", flush=True)
for line in sys.stdin:
    messages = list(Message.objects.filter(pk__in=json.loads(line)))
    try:
        if messages[0].status == Message.Status.FOLLOW_UP:
            follow_up(messages[0])
        else:
            file(messages)
    except LostRace:
        pass
    print("done", flush=True)
"""
PROBLEMS = [
    "Прод лежить, 502 на всіх сторінках, клієнти не можуть оплатити замовлення",
    "Export of the payroll report to Excel fails with error 500 for every tenant",
    "Кур'єрський додаток вилітає, коли відкриваю карту замовлень на андроїді",
    "Search shows nothing at all since the update, whatever people type into it",
    "Листи з кодом підтвердження не приходять на пошту ukr.net з самого ранку",
]


class Worker:
    """A process of its own, as a Celery worker is."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", WORKER],
            cwd=BASE_DIR,
            env=child_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(self, ids: Sequence[int]) -> None:
        self.process.stdin.write(json.dumps(list(ids)) + "\n")
        self.process.stdin.flush()

    def wait_for(self, word: str) -> None:
        assert self.process.stdout.readline().strip() == word

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def workers(django_db_setup: None) -> Iterator[list[Worker]]:
    started = [Worker() for _ in range(WORKERS)]
    try:
        for worker in started:
            worker.wait_for("ready")
        yield started
    finally:
        for worker in started:
            worker.stop()


@pytest.fixture
def make_report(make_message):
    """A report; what is about another of the PROBLEMS was said on another day."""

    def make(text, **changes):
        day = next(
            (n for n, known in enumerate(PROBLEMS) if known[-20:].lower() in text.lower()), 0
        )
        values = {
            "sent_at": MONDAY + timedelta(days=day),
            "status": "actionable",
            "category": "bug",
            "priority": "low",
            "confidence": 0.9,
            "due_at": None,
        }
        return make_message(text, **{**values, **changes})

    return make


def at_once(workers: Sequence[Worker], chunks: Sequence[Sequence[int]]) -> None:
    for worker, ids in zip(workers, chunks, strict=True):
        worker.begin(ids)
    for worker in workers:
        worker.wait_for("done")


def test_the_same_text_at_once_is_one_issue(workers, make_report):
    for number, text in enumerate(PROBLEMS, start=1):
        reports = [make_report(text, author_id=str(author)) for author in range(2 * WORKERS)]
        embed_missing(reports)

        at_once(workers, [[row.pk for row in reports[place::WORKERS]] for place in range(WORKERS)])

        assert Issue.objects.count() == number
    assert Evidence.objects.filter(level=Evidence.Level.OPENED).count() == len(PROBLEMS)
    assert Evidence.objects.count() == Message.objects.count()
    assert not Message.objects.exclude(status="filed").exists()


def test_nearly_the_same_text_at_once_is_one_issue(workers, make_report):
    for number, text in enumerate(PROBLEMS, start=1):
        reports = [make_report(form) for form in (text, text.lower() + "!", "ой, " + text)]
        embed_missing(reports)

        at_once(workers, [[report.pk] for report in reports])

        assert Issue.objects.count() == number


def test_one_report_at_several_workers_is_filed_once(workers, make_report):
    for number, text in enumerate(PROBLEMS, start=1):
        report = make_report(text)
        embed_missing([report])

        at_once(workers, [[report.pk]] * WORKERS)

        assert (Issue.objects.count(), Evidence.objects.count()) == (number, number)


def test_one_follow_up_at_several_workers_is_attached_once(workers, make_report):
    report = make_report(PROBLEMS[0])
    embed_missing([report])
    at_once(workers[:1], [[report.pk]])
    for number in range(1, ROUNDS + 1):
        echo = make_report(
            "+1",
            status="follow_up",
            category="info",
            author_id=str(number),
            reply_to=report,
            reply_to_external_id=report.external_id,
        )

        at_once(workers, [[echo.pk]] * WORKERS)

        assert Evidence.objects.count() == 1 + number
    assert Issue.objects.get().priority == "high"
