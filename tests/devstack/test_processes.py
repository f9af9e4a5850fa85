import os
import subprocess
import sys

from tasktracker.celery import QUEUES
from tasktracker.devstack.folder import BASE_DIR
from tasktracker.devstack.processes import PROCESSES


def test_every_queue_has_a_worker():
    assert {process.queue for process in PROCESSES if process.queue} == set(QUEUES)


def test_every_process_runs_with_the_interpreter_of_its_supervisor():
    assert {process.arguments[0] for process in PROCESSES} == {sys.executable}


def test_names_are_unique():
    assert len({process.name for process in PROCESSES}) == len(PROCESSES)


def test_a_process_starts_without_what_it_may_never_need():
    start = (
        "import sys, django; django.setup(); import tasktracker.pipeline, tasktracker.urls;"
        "print({'sklearn', 'scipy', 'spacy', 'dateparser', 'pydantic_ai'} & set(sys.modules))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", start],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tasktracker.settings.dev"},
        cwd=BASE_DIR,
    )

    assert answer.stdout.strip() == "set()"
