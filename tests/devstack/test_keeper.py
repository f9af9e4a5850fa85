"""Restarts of one process; the clock is ours, the processes are real."""

import subprocess
import sys

import pytest

from tasktracker.devstack.child import Child
from tasktracker.devstack.errors import CannotStart
from tasktracker.devstack.keeper import HEALTHY_AGE, Keeper


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class Stage:
    """A keeper of a process that runs until it is told to end."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.said: list[str] = []
        self.refusals = 0
        self.keeper = Keeper("worker", self.launch, self.said.append, self.clock)

    def pid(self) -> int | None:
        return self.keeper.child.pid if self.keeper.child is not None else None

    def launch(self) -> Child:
        if self.refusals:
            self.refusals -= 1
            raise CannotStart("no room")
        words = [sys.executable, "-c", "import time; time.sleep(600)"]
        return Child("worker", words, environment={}, output=subprocess.DEVNULL)

    def kill(self) -> None:
        assert self.keeper.child is not None
        self.keeper.child.kill()

    def tick_after(self, seconds: float) -> bool:
        self.clock.now += seconds
        return self.keeper.tick()


@pytest.fixture
def stage():
    stage = Stage()
    stage.keeper.start()
    yield stage
    if stage.keeper.child is not None:
        stage.kill()


def test_living_process_is_left_alone(stage):
    assert not stage.tick_after(1)
    assert stage.said == []


def test_dead_process_is_said_and_started_again_after_a_pause(stage):
    first = stage.pid()
    stage.kill()

    assert stage.tick_after(1)
    assert not stage.tick_after(0.4)
    assert stage.pid() is None
    assert stage.tick_after(0.2)
    assert stage.pid() not in (None, first)
    assert stage.said == [
        "worker was ended by SIGKILL; starting it again in 0.5 s",
        "worker runs again",
    ]


def test_pause_grows_to_ten_seconds_while_it_keeps_dying(stage):
    for _ in range(7):
        stage.kill()
        stage.tick_after(0)
        stage.tick_after(10)

    pauses = [sentence.rpartition(" in ")[2] for sentence in stage.said if " in " in sentence]
    assert pauses == ["0.5 s", "1 s", "2 s", "4 s", "8 s", "10 s", "10 s"]


def test_pause_is_short_again_after_a_healthy_life(stage):
    for _ in range(3):
        stage.kill()
        stage.tick_after(0)
        stage.tick_after(10)
    stage.tick_after(HEALTHY_AGE + 1)
    stage.kill()
    stage.tick_after(0)

    assert stage.said[-1] == "worker was ended by SIGKILL; starting it again in 0.5 s"


def test_process_that_cannot_be_started_is_tried_again_later(stage):
    stage.refusals = 1
    stage.kill()
    stage.tick_after(0)

    assert not stage.tick_after(1)
    assert stage.said[-1] == "worker could not be started (no room); starting it again in 1 s"
    assert stage.tick_after(1.1)
