"""What a new report is compared with: found by an exact scan, or through an index, and never by another rule."""

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection

from apps.issues import nearest, vector_index
from apps.issues.decisions import reject
from apps.issues.models import Evidence, Issue
from apps.issues.nearest import NEAREST
from apps.issues.vector_index import Index, build_missing
from apps.messages.models import Embedding, vectors_of
from tasktracker.lib import embeddings
from tests.issues.conftest import DIMENSIONS, unit

pytestmark = pytest.mark.django_db


@pytest.fixture
def is_large(monkeypatch):
    """Any project has more than the exact scan should compare."""
    monkeypatch.setattr(nearest, "EXACT_UP_TO", 10)
    monkeypatch.setattr(vector_index, "EXACT_UP_TO", 10)


@pytest.fixture
def ways(monkeypatch):
    """Which ways of searching were taken."""
    taken = []
    for name in ("exact", "through_index"):
        search = getattr(nearest, name)

        def note(*arguments, name=name, search=search):
            taken.append(name)
            return search(*arguments)

        monkeypatch.setattr(nearest, name, note)
    return taken


@pytest.fixture
def near(make_message, project):
    def run(vector, **rules):
        message = make_message("нове", **rules.pop("message", {}))
        return nearest.nearest(message, project, vector, **rules)

    return run


def issues_of(found):
    return set(Evidence.objects.filter(pk__in=found).values_list("issue", flat=True))


def nearest_by_hand(project, *vectors):
    """For each vector the evidence that numpy finds."""
    messages = dict(Evidence.objects.filter(issue__project=project).values_list("message", "pk"))
    stored = vectors_of(messages, embeddings.model_name())
    evidence = [messages[message] for message in stored]
    similarity = np.stack(vectors) @ np.stack(list(stored.values())).T
    return [{evidence[at] for at in np.argsort(-row)[:NEAREST]} for row in similarity]


def test_the_exact_scan_finds_the_nearest(fill, near, project, ways):
    vectors, _ = fill(200)

    found = near(vectors[0])

    assert [set(found)] == nearest_by_hand(project, vectors[0])
    assert max(found.values()) == pytest.approx(1.0, abs=1e-3)
    assert "through_index" not in ways


def test_the_index_finds_what_the_exact_scan_finds(
    fill, near, is_large, project, draw, ways, monkeypatch
):
    monkeypatch.setattr(vector_index, "BUILD_WIDTH", 100)  # a third of the time
    fill(2000)
    build_missing()
    new = unit(draw.normal(size=(20, DIMENSIONS)))

    found = [near(vector) for vector in new]

    wanted = nearest_by_hand(project, *new)
    hits = sum(len(one & other.keys()) for one, other in zip(wanted, found, strict=True))
    assert hits / (20 * NEAREST) >= 0.99
    assert ways.count("through_index") == 20


def test_the_index_is_used_by_postgresql(fill, near, is_large):
    vectors, _ = fill(300)
    (index,) = build_missing()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE issues_reportvector")
    asked = []

    def note(execute, statement, values, many, context):
        asked.append((statement, values))
        return execute(statement, values, many, context)

    with connection.execute_wrapper(note):
        near(vectors[0])
    statement, values = next(one for one in asked if "<=>" in one[0])
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute(f"EXPLAIN {statement}", values)
        plan = "\n".join(row[0] for row in cursor.fetchall())

    assert f"Index Scan using {index.name}" in plan


def test_a_large_neighbour_takes_no_place(fill, near, is_large, project, other_project, draw):
    centres = unit(draw.normal(size=(5, DIMENSIONS)))
    fill(500, project=other_project, centres=centres)
    fill(100, centres=centres)
    build_missing()

    found = near(centres[0])

    assert [set(found)] == nearest_by_hand(project, centres[0])


def test_closed_issues_do_not_hide_open_ones(fill, near, is_large, project, draw):
    centres = unit(draw.normal(size=(2, DIMENSIONS)))
    fill(300, status="duplicate", centres=centres)
    _, issues = fill(50, centres=centres)
    build_missing()

    assert issues_of(near(centres[0])) <= {issue.pk for issue in issues}
    assert len(near(centres[0])) == NEAREST


def test_issues_that_were_told_apart_do_not_hide_others(fill, near, is_large, draw):
    centres = unit(draw.normal(size=(1, DIMENSIONS)))
    _, apart = fill(200, centres=centres)
    _, others = fill(30, centres=centres)
    build_missing()

    found = near(centres[0], apart={issue.pk for issue in apart})

    assert issues_of(found) <= {issue.pk for issue in others}
    assert len(found) == NEAREST


def test_without_its_index_a_large_project_is_scanned(fill, near, is_large, project, ways):
    vectors, _ = fill(100)

    assert [set(near(vectors[0]))] == nearest_by_hand(project, vectors[0])
    assert "through_index" not in ways


def test_a_filter_that_leaves_hardly_anything_of_the_index_loses_nothing(fill, near, is_large):
    vectors, issues = fill(300)
    build_missing()

    found = near(vectors[0], apart={issue.pk for issue in issues[3:]})

    assert issues_of(found) == {issue.pk for issue in issues[:3]}


def test_what_was_closed_a_short_time_ago_is_found_too(fill, near, is_large, project):
    vectors, issues = fill(30)
    build_missing()
    reject(issues[0], by=None)
    Issue.objects.filter(pk=issues[0].pk).update(status_changed_at=issues[1].reported_at)

    assert issues[0].pk in issues_of(near(vectors[0]))
    project.closed_issue_days = 0
    assert issues[0].pk not in issues_of(near(vectors[0]))


def test_indexes_come_and_go_with_what_is_needed(fill, monkeypatch, project):
    _, issues = fill(50)
    monkeypatch.setattr(vector_index, "EXACT_UP_TO", 40)
    index = Index(project.pk, embeddings.model_name(), DIMENSIONS)

    assert build_missing() == [index]
    assert index.is_ready()
    assert build_missing() == []
    Issue.objects.filter(pk__in=[issue.pk for issue in issues[:40]]).update(status="done")
    build_missing()
    assert not index.is_ready()


def test_an_index_stays_when_the_project_gets_a_little_smaller(fill, monkeypatch, project):
    _, issues = fill(50)
    monkeypatch.setattr(vector_index, "EXACT_UP_TO", 50)  # built above 40
    (index,) = build_missing()
    Issue.objects.filter(pk__in=[issue.pk for issue in issues[:15]]).update(status="done")

    assert build_missing() == []
    assert index.is_ready()
    vector_index.drop(index.name)
    assert build_missing() == []
    assert not index.is_ready()


def test_another_model_gets_an_index_of_its_own(fill, is_large, project):
    fill(30)
    Embedding.objects.bulk_create(
        Embedding(message_id=pk, model="another/model", vector=[0.6, 0.8])
        for pk in Evidence.objects.values_list("message", flat=True)
    )

    built = build_missing()

    assert {(index.model, index.dimensions) for index in built} == {
        (embeddings.model_name(), DIMENSIONS),
        ("another/model", 2),
    }


@pytest.mark.django_db(transaction=True)
def test_a_half_built_index_is_built_again_beside_the_running_system(fill, is_large_live, project):
    fill(30)
    (index,) = build_missing()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s::regclass", [index.name]
        )
    assert not index.is_ready()

    call_command("index_vectors")

    assert index.is_ready()
    Project = type(project)
    Project.objects.all().delete()
    call_command("index_vectors")
    assert not index.is_ready()


@pytest.fixture
def is_large_live(monkeypatch):
    monkeypatch.setattr(vector_index, "EXACT_UP_TO", 10)


@pytest.mark.parametrize("dimensions", [4096, 16_000])
def test_vectors_that_are_longer_than_a_page_are_filed_and_found(
    make_issue, make_message, near, monkeypatch, draw, dimensions
):
    monkeypatch.setattr(embeddings, "model_name", lambda: "large")
    vector = unit(draw.normal(size=dimensions))
    message = make_message()
    Embedding.objects.create(message=message, model="large", vector=vector)

    issue = make_issue(message=message)

    assert issues_of(near(vector)) == {issue.pk}
