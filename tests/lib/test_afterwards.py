"""What nobody waits for is done in order, within a bound, and its failure is only logged."""

import threading

import pytest

from tasktracker.lib.afterwards import Afterwards

PATIENCE = 10.0  # seconds


@pytest.fixture
def gate():
    gate = threading.Event()
    yield gate
    gate.set()


@pytest.fixture
def at_gate():
    return threading.Event()


@pytest.fixture
def batches():
    return []


@pytest.fixture
def afterwards(gate, at_gate, batches):
    """The first item waits at the gate; "nonsense" fails."""

    def hand_over(items):
        if items[0] == "first":
            at_gate.set()
            gate.wait(PATIENCE)
        if "nonsense" in items:
            raise ValueError
        batches.append(items)

    return Afterwards("test", hand_over, limit=3)


def test_it_is_done_in_order_and_what_waits_meanwhile_at_once(afterwards, gate, at_gate, batches):
    assert afterwards.do("first")
    assert at_gate.wait(PATIENCE)
    assert afterwards.do(1)
    assert afterwards.do(2)
    gate.set()

    afterwards.settle(timeout=PATIENCE)
    assert batches == [["first"], [1, 2]]


def test_a_failure_is_logged_and_the_next_is_done(afterwards, batches, caplog):
    afterwards.do("nonsense")
    afterwards.settle(timeout=PATIENCE)
    afterwards.do(1)

    afterwards.settle(timeout=PATIENCE)
    assert batches == [[1]]
    assert "test failed" in caplog.text


def test_what_is_too_much_is_left_out_and_said_once(afterwards, gate, batches, caplog):
    taken = [afterwards.do(item) for item in ("first", 0, 1, 2, 3)]
    gate.set()
    afterwards.settle(timeout=PATIENCE)

    assert taken == [True, True, True, False, False]
    assert [item for batch in batches for item in batch] == ["first", 0, 1]
    assert caplog.text.count("left out") == 1
    assert afterwards.do(9)
    afterwards.settle(timeout=PATIENCE)
