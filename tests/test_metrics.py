"""/metrics: who may read it, what is in it, and that it stays readable when parts are away."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import OperationalError, connection
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from apps.exports.models import AnswerTimes, ExportUpdate, Tracker
from apps.issues.models import Change, Match, Opinion
from apps.messages import measure
from apps.messages.models import Classification, Correction, Message, ModelVersion
from tasktracker import metrics
from tasktracker.lib import circuits, vector_cache
from tests.admin.conftest import HOSTILE

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _nothing_remembered():
    metrics.closed_sums.cache_clear()
    yield
    metrics.closed_sums.cache_clear()


@pytest.fixture
def local() -> Client:
    return Client(HTTP_HOST="127.0.0.1:8000", REMOTE_ADDR="127.0.0.1")


@pytest.fixture
def scrape(local, db):
    """Every sample: (name, labels) -> value."""

    def get() -> dict[tuple[str, frozenset[Any]], float]:
        response = local.get("/metrics")
        assert response.status_code == 200
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(response.content.decode())
            for sample in family.samples
        }

    return get


def key(name: str, **labels: str) -> tuple[str, frozenset[Any]]:
    return f"tasktracker_{name}", frozenset(labels.items())


def answer(message: Message, **changes: Any) -> Classification:
    values: dict[str, Any] = {
        "classifier": "local",
        "version": "1",
        "category": "bug",
        "priority": "high",
        "confidence": 0.85,
        "latency_ms": 30.0,
    }
    return Classification.objects.create(message=message, **{**values, **changes})


# Who may read


def test_without_a_token_a_program_on_this_machine_may_read(local, db):
    assert local.get("/metrics").status_code == 200


@pytest.mark.parametrize(
    "environment",
    [
        {"REMOTE_ADDR": "10.0.0.7"},
        {"HTTP_X_FORWARDED_FOR": "203.0.113.5"},
        {"HTTP_X_FORWARDED_PROTO": "https"},
        {"HTTP_HOST": "tasktracker.example.com"},
    ],
    ids=["another machine", "a proxy", "a proxy with TLS", "the public name"],
)
def test_without_a_token_nobody_else_may(local, db, environment):
    assert local.get("/metrics", **environment).status_code == 401


def test_with_a_token_whoever_brings_it_may_read(db, settings):
    settings.METRICS_TOKEN = "secret-1"
    client = Client(HTTP_AUTHORIZATION="Bearer secret-1", REMOTE_ADDR="10.0.0.7")

    assert client.get("/metrics").status_code == 200


@pytest.mark.parametrize("given", [{}, {"HTTP_AUTHORIZATION": "Bearer secret-2"}])
def test_with_a_token_nobody_without_it(local, db, settings, given):
    settings.METRICS_TOKEN = "secret-1"

    assert local.get("/metrics", **given).status_code == 401


def test_nothing_can_be_posted(local, db):
    assert local.post("/metrics").status_code == 405


# What is in it


def test_answers_tokens_and_times(scrape, make_message):
    answer(make_message())
    answer(
        make_message(),
        classifier="llm:qwen3:14b",
        tokens=120,
        input_tokens=100,
        cost_usd=0.5,
        latency_ms=1500.0,
    )
    answer(make_message(), classifier="llm:qwen3:14b", is_cached=True)

    found = scrape()

    labels = {"project": "smachno", "category": "bug"}
    llm = {"classifier": "llm:qwen3:14b"}
    assert found[key("classifications_total", classifier="local", **labels)] == 1
    assert found[key("classifications_total", **llm, **labels)] == 2
    assert found[key("classifications_cached_total", **llm)] == 1
    assert found[key("llm_tokens_total", kind="input", **llm)] == 100
    assert found[key("llm_tokens_total", kind="output", **llm)] == 20
    assert found[key("llm_cost_usd_total", **llm)] == 0.5
    assert found[key("classification_seconds_bucket", le="1.0", **llm)] == 0
    assert found[key("classification_seconds_bucket", le="2.0", **llm)] == 1
    assert found[key("classification_seconds_sum", **llm)] == 1.5
    assert found[key("classification_confidence_bucket", le="0.8", classifier="local")] == 0
    assert found[key("classification_confidence_bucket", le="0.9", classifier="local")] == 1


def test_counters_stay_when_a_day_is_closed_and_its_messages_go(scrape, make_message):
    answer(make_message(), created_at=measure.midnight(timezone.localdate() - timedelta(days=3)))
    counter = key("classifications_total", project="smachno", classifier="local", category="bug")
    before = scrape()[counter]

    measure.close_days()
    assert scrape()[counter] == before
    Message.objects.all().delete()
    answer(make_message())

    assert scrape()[counter] == before + 1


def test_waiting_rows_with_the_age_of_the_oldest(scrape, make_message, make_export):
    make_export(held="too_many", due_at=timezone.now())  # late by intention
    message = make_message(status="unsure", due_at=measure.midnight(timezone.localdate()))
    Message.objects.filter(pk=message.pk).update(
        status_changed_at=measure.midnight(timezone.localdate() - timedelta(days=1))
    )

    found = scrape()

    assert found[key("waiting", kind="message", status="unsure")] == 1
    assert found[key("waiting_oldest_seconds", kind="message", status="unsure")] > 80_000
    assert found[key("waiting", kind="export", status="pending")] == 0


def make_opinion(issue, message, **changes):
    said = {"level": "judged", "score": 0.5, "threshold": 0.9, "outcome": "suggested"}
    match = Match.objects.create(message=message, issue=issue, **said)
    return Opinion.objects.create(match=match, issue=issue, **changes)


def test_rows_by_status(scrape, make_issue, make_export, make_message):
    make_export(make_issue(), status="failed")
    make_opinion(make_issue(), make_message(), status="different")
    message = make_message(status="failed")
    Correction.objects.create(message=message, field="category", before="bug", after="info")

    found = scrape()

    assert found[key("issues", status="new")] == 2
    assert found[key("exports", status="failed")] == 1
    assert found[key("opinions", status="different")] == 1
    assert found[key("messages_failed")] == 1
    assert found[key("corrections_total", field="category")] == 1


def labels_of(tracker: Tracker) -> dict[str, str]:
    return {"project": "smachno", "kind": "json", "tracker": str(tracker.pk)}


def test_exports_by_tracker_and_status(scrape, make_export, tracker):
    make_export(status="created")

    found = scrape()

    assert found[key("tracker_exports", status="created", **labels_of(tracker))] == 1
    assert found[key("exports", status="created")] == 1


def test_news_of_tasks_by_tracker_and_status(scrape, make_export, make_issue, tracker):
    for status in ("waiting", "failed"):
        export = make_export(make_issue(), status="created")
        ExportUpdate.objects.create(export=export, status=status, due_at=timezone.now())

    found = scrape()

    assert found[key("waiting", kind="news", status="waiting")] == 1
    assert found[key("tracker_news", status="failed", **labels_of(tracker))] == 1


def test_times_of_answers_by_kind_of_tracker(scrape, db):
    AnswerTimes.add("linear", [0.05, 0.3])
    AnswerTimes.add("linear", [0.3, 90.0])

    found = scrape()

    bucket = "tracker_answer_seconds_bucket"
    assert found[key(bucket, kind="linear", le="0.1")] == 1
    assert found[key(bucket, kind="linear", le="0.5")] == 3
    assert found[key(bucket, kind="linear", le="+Inf")] == 4
    assert found[key("tracker_answer_seconds_sum", kind="linear")] == pytest.approx(90.65)


def test_calls_of_a_tracker_and_how_many_it_may_make(scrape, tracker):
    tracker.count_call("account", 1500)
    tracker.count_call("account", 1500)

    found = scrape()

    assert found[key("tracker_calls", **labels_of(tracker))] == 2
    assert found[key("tracker_calls_allowed", **labels_of(tracker))] == 1500


@pytest.mark.parametrize(
    ("rests_for", "forced", "shown"),
    [(None, "", 0), (60, "", 1), (-1, "", 0.5), (None, "open", 1), (60, "closed", 0)],
)
def test_the_circuit_of_a_tracker(scrape, tracker, rests_for, forced, shown):
    rests_until = timezone.now() + timedelta(seconds=rests_for) if rests_for else None
    Tracker.objects.update(closed_until=rests_until, forced=forced)

    assert scrape()[key("tracker_circuit_open", **labels_of(tracker))] == shown


def test_seconds_from_the_stored_message_to_its_task(
    scrape, make_export, make_issue, make_message, django_user_model
):
    person, now = django_user_model.objects.create(username="olena"), timezone.now()
    for took, is_by_person in ((2, False), (4, False), (600, True)):
        message = make_message()
        Message.objects.filter(pk=message.pk).update(created_at=now - timedelta(seconds=took))
        issue = make_issue(message=message)
        issue.record(Change.Kind.STATUS, by=person if is_by_person else None)
        make_export(issue, status="created", status_changed_at=now)

    found = scrape()

    assert found[key("task_seconds", approved_by="policy", quantile="0.5")] == 3
    assert found[key("task_seconds", approved_by="policy", quantile="1.0")] == 4
    assert found[key("task_seconds", approved_by="person", quantile="1.0")] == 600


def test_the_parts_of_the_system(scrape, settings):
    settings.OLLAMA_URL, settings.OLLAMA_MODELS = "http://127.0.0.1:9", ["m1", "m2"]
    circuits.failed("m1", "m1: HTTP 500", rest=30.0)

    found = scrape()
    circuits.reset(["m1", "m2"])

    assert found[key("llm_circuit_open", model="m1")] == 1
    assert found[key("llm_circuit_open", model="m2")] == 0
    assert found[key("up", part="valkey")] == 1
    assert found[key("queue_tasks", queue="llm")] >= 0
    assert ("process_open_fds", frozenset()) in found


def test_where_vectors_came_from(scrape, db):
    vector_cache.count(valkey=3, postgresql=1, model=2)

    found = scrape()

    assert [found[key("vectors_total", source=source)] for source in vector_cache.SOURCES] == [
        3,
        1,
        2,
    ]


def test_the_version_of_the_local_model(scrape):
    assert key("model_info", version="shipped", embedding_model="") in scrape()

    ModelVersion.objects.create(status="active", version="v7", embedding_model="e5")

    assert key("model_info", version="v7", embedding_model="e5") in scrape()


def test_no_text_and_no_name_of_a_person_gets_out(local, make_message):
    answer(make_message(HOSTILE, author="Олена"))

    content = local.get("/metrics").content.decode()

    for secret in ("Олена", "alert(1)", "evil.example", "Smachno", "Dev chat"):
        assert secret not in content


def test_a_database_that_is_away_hides_only_its_own_figures(scrape):
    def away(*_: Any) -> None:
        raise OperationalError

    with connection.execute_wrapper(away):
        found = scrape()

    assert found[key("database_readable")] == 0
    assert key("up", part="valkey") in found


def test_a_scrape_takes_few_queries(local, make_message, django_assert_max_num_queries):
    for number in range(5):
        answer(make_message(), classifier=f"llm:{number}")

    with django_assert_max_num_queries(19):
        local.get("/metrics")


# The documents


def families(client: Client) -> set[str]:
    """Names of ours as queries write them, without what a histogram adds."""
    content = client.get("/metrics").content.decode()
    names = re.findall(r"^# TYPE (tasktracker_\w+)", content, re.MULTILINE)
    return {name.removesuffix("_created") for name in names}


def test_every_metric_is_documented(local, db):
    page = (ROOT / "docs/monitoring.md").read_text()
    documented = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\| `.*?\|", page, re.MULTILINE))))

    assert {name.removeprefix("tasktracker_") for name in families(local)} <= documented


@pytest.mark.parametrize(
    "name", ["grafana-dashboard.json", "prometheus-rules.yml", "prometheus.yml"]
)
def test_files_for_others_ask_only_for_metrics_there_are(local, db, name: str):
    text = (ROOT / "deploy" / name).read_text()
    assert yaml.safe_load(text)

    asked = set(re.findall(r"\b(tasktracker_\w+)", text))

    assert {metric.removesuffix("_bucket") for metric in asked} <= families(local)
