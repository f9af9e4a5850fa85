"""The Celery application: three declared queues, a beat, nothing else."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_process_shutdown
from kombu import Queue
from kombu.exceptions import ChannelError, OperationalError
from redis.exceptions import RedisError

from tasktracker.lib import tracing

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tasktracker.settings.dev")

QUEUES = ("default", "llm", "exports")
SWEEP_EVERY = 5.0  # seconds
BEAT_EVERY = 10.0  # seconds
LAST = 9  # of Valkey's priorities

app = Celery("tasktracker")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = [Queue(name) for name in QUEUES]
app.conf.task_routes = {
    "apps.messages.tasks.ask_llm": {"queue": "llm"},
    "apps.issues.tasks.ask_opinions": {"queue": "llm"},
    # Words may wait; a message that nobody understood goes first.
    "apps.issues.tasks.write_drafts": {"queue": "llm", "priority": LAST},
    "apps.issues.tasks.word_analyses": {"queue": "llm", "priority": LAST},
    # A thread, which no time limit ends; it waits for PostgreSQL.
    "apps.issues.tasks.index_vectors": {"queue": "llm", "priority": LAST},
    "apps.issues.tasks.post_analyses": {"queue": "exports"},
    "apps.issues.tasks.answer_commands": {"queue": "exports"},
    "apps.issues.tasks.write_replies": {"queue": "exports"},
    "apps.exports.tasks.*": {"queue": "exports"},
    "apps.sources.tasks.ask_webhooks": {"queue": "exports"},
}
app.autodiscover_tasks(["tasktracker"], related_name="pipeline")
app.autodiscover_tasks()


def depth(queue: str) -> int | None:
    """Tasks that wait in this queue; None when the broker cannot tell."""
    try:
        with app.connection_or_acquire() as connection:
            channel: Any = connection.default_channel
            return int(channel.queue_declare(queue=queue, passive=True).message_count)
    except ChannelError:
        return 0  # Valkey has no empty lists
    except (OperationalError, RedisError, OSError):
        return None


@worker_process_shutdown.connect
def send_traces(**_: Any) -> None:
    """A worker's child ends without Python's exit handlers."""
    tracing.flush()
