import sys

from tasktracker.celery import QUEUES
from tasktracker.devstack.processes import PROCESSES


def test_every_queue_has_a_worker():
    assert {process.queue for process in PROCESSES if process.queue} == set(QUEUES)


def test_every_process_runs_with_the_interpreter_of_its_supervisor():
    assert {process.arguments[0] for process in PROCESSES} == {sys.executable}


def test_names_are_unique():
    assert len({process.name for process in PROCESSES}) == len(PROCESSES)
