"""A lease is kept while the work goes on, and not a moment longer."""

import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.messages.models import ModelVersion
from tasktracker.lib.lease import kept

MINUTE = timedelta(minutes=1)
SHORT = timedelta(seconds=0.06)


@pytest.fixture
def version(transactional_db):
    return ModelVersion.objects.create(leased_until=timezone.now())


def becomes_true(is_so):
    """Look again and again, for five seconds at most, while another thread works."""
    pause = threading.Event()
    return any(is_so() or pause.wait(0.01) for _ in range(500))


def test_the_lease_is_extended_while_the_work_goes_on(version):
    with kept(version, lease=SHORT, limit=MINUTE):
        assert becomes_true(lambda: ModelVersion.objects.get().leased_until > version.leased_until)


def test_a_row_that_moved_on_is_left_alone(version):
    ModelVersion.objects.update(status="active", leased_until=None)
    with kept(version, lease=SHORT, limit=MINUTE):
        threading.Event().wait(0.1)

    assert ModelVersion.objects.get().leased_until is None


def test_work_beyond_the_limit_is_stopped(version):
    stopped = threading.Event()
    with kept(version, lease=SHORT, limit=timedelta(0), stop=stopped.set):
        assert stopped.wait(5)
