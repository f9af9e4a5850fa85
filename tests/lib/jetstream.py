"""JetStream is away for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings

from tasktracker.lib import bus


@contextmanager
def jetstream_away() -> Iterator[None]:
    """Nobody listens at its address, and whoever tries gives up at once."""
    bus.close()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "NATS_URL", "nats://127.0.0.1:1")
        patch.setattr(bus, "CONNECT_WITHIN", 0.1)
        yield
