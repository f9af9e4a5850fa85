"""Celery's prefork: a child must not use its parent's event loop or connections."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection
from redis import Redis

from tasktracker.realtime.models import Event

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import os, sys, time
import django
django.setup()
from django.db import connections
from tasktracker.realtime import broadcast

def tell(who):
    broadcast.publish(int(sys.argv[1]), "stats", {"who": who})
    deadline = time.monotonic() + 10
    while broadcast._Pending.count and time.monotonic() < deadline:
        time.sleep(0.01)

tell("parent")
connections.close_all()
child = os.fork()
tell("child" if child == 0 else "parent again")
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
"""


@pytest.fixture
def listener() -> Iterator[Redis]:
    client = Redis.from_url(settings.REDIS_URL)
    pubsub = client.pubsub(ignore_subscribe_messages=True)
    pubsub.subscribe("live__group__events")
    pubsub.get_message(timeout=5)
    yield pubsub
    pubsub.close()
    client.close()


def test_parent_and_forked_child_both_reach_valkey(project, listener):
    database = connection.settings_dict
    login = f"{quote(database['USER'])}:{quote(database['PASSWORD'])}"
    place = f"{database['HOST']}:{database['PORT']}/{database['NAME']}"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "tasktracker.settings.test",
        "DATABASE_URL": f"postgresql://{login}@{place}",
    }
    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(project.pk)],
        cwd=ROOT,
        env=environment,
        check=True,
        timeout=60,
    )
    heard = [listener.get_message(timeout=10) for _ in range(3)]

    assert all(message is not None for message in heard)
    said = {event.data["who"] for event in Event.objects.all()}
    assert said == {"parent", "child", "parent again"}
