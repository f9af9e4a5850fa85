"""What nobody waits for is done in order, within a bound, and its failure is only logged."""

import threading

import pytest

from tasktracker.lib.afterwards import Afterwards

PATIENCE = 10.0  # seconds


@pytest.fixture
def afterwards():
    return Afterwards("test", limit=3)


def test_it_is_done_in_order(afterwards):
    done: list[int] = []
    for number in range(3):
        assert afterwards.do(done.append, number)

    afterwards.settle(timeout=PATIENCE)
    assert done == [0, 1, 2]


def test_a_failure_is_logged_and_the_next_call_is_made(afterwards, caplog):
    done: list[int] = []
    afterwards.do(int, "nonsense")
    afterwards.do(done.append, 1)

    afterwards.settle(timeout=PATIENCE)
    assert done == [1]
    assert "test failed" in caplog.text


def test_what_is_too_much_is_left_out_and_said_once(afterwards, caplog):
    go_on = threading.Event()
    done: list[int] = []
    afterwards.do(go_on.wait, PATIENCE)
    taken = [afterwards.do(done.append, number) for number in range(5)]
    go_on.set()
    afterwards.settle(timeout=PATIENCE)

    assert (taken, done) == ([True, True, False, False, False], [0, 1])
    assert caplog.text.count("left out") == 1
    assert afterwards.do(done.append, 9)
