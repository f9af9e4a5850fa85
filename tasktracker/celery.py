"""The Celery application: three declared queues, a beat, nothing else."""

import os

from celery import Celery
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tasktracker.settings.dev")

QUEUES = ("default", "llm", "exports")
SWEEP_EVERY = 5.0  # seconds
BEAT_EVERY = 10.0  # seconds

app = Celery("tasktracker")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = [Queue(name) for name in QUEUES]
app.conf.task_routes = {
    "apps.messages.tasks.ask_llm": {"queue": "llm"},
    "apps.exports.tasks.*": {"queue": "exports"},
}
app.autodiscover_tasks(["tasktracker"], related_name="pipeline")
app.autodiscover_tasks()
