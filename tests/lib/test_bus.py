"""What is pending in JetStream, at any moment."""

from collections.abc import Iterator

import pytest

from tasktracker.lib import bus, loop
from tests.lib.jetstream import empty_the_stream


@pytest.fixture(autouse=True)
def empty_stream() -> Iterator[None]:
    empty_the_stream()
    yield
    empty_the_stream()


def test_a_message_is_pending_until_it_is_acknowledged():
    bus.publish("chat.1", b"{}", message_id="")
    assert bus.pending() == 1

    deliveries = bus.fetch(10, timeout=5)
    assert bus.pending() == 1

    bus.acknowledge(deliveries)
    assert bus.pending() == 0


def test_nothing_is_pending_in_a_stream_that_was_emptied():
    bus.publish("chat.1", b"{}", message_id="")
    empty_the_stream()

    assert bus.pending() == 0


def test_a_message_that_the_consumer_has_not_counted_yet_is_pending():
    bus.publish("chat.1", b"{}", message_id="")
    stream, consumer = loop.run(bus._infos(), timeout=5)
    consumer.num_pending = 0

    assert bus._unacknowledged(stream, consumer) == 1
