"""The outbox: what waits for whom, and whether it may be called."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.exports.admin import outbox
from apps.exports.models import (
    CallCount,
    ExportPolicy,
    ExportUpdate,
    StandIn,
    TaskExport,
    Tracker,
)
from apps.issues.models import Issue
from apps.sources.models import Project
from tasktracker.lib.workflow import NotNow
from tasktracker.realtime.models import Event
from tests.admin.conftest import act

OUTBOX = "admin:exports_taskexport_outbox"
Make = Callable[..., TaskExport]


def page(client: Client) -> str:
    return client.get(reverse(OUTBOX)).content.decode()


def line(client: Client) -> dict[str, int | str]:
    shown = client.get(reverse(OUTBOX)).context["lines"][0]
    return {str(figure.title): figure.value for figure in shown.figures}


def order(client: Client, tracker: Tracker, said: str) -> None:
    client.post(reverse("admin:exports_tracker_order", args=[tracker.pk]), {"order": said})
    tracker.refresh_from_db()


@pytest.fixture
def spare(project: Project) -> Tracker:
    return Tracker.objects.create(project=project, kind="json", name="Spare")


def test_it_counts_what_waits(administrator: Client, make_export: Make):
    make_export(due_at=timezone.now() - timedelta(minutes=1))
    make_export(due_at=timezone.now() + timedelta(hours=1))
    make_export(held="away")
    make_export(status="failed")
    make_export(status="failed", last_error="elsewhere")
    make_export(status="failed", last_error="not_wanted")
    for status in ("waiting", "failed", "told"):
        told = make_export(status="created")
        ExportUpdate.objects.create(export=told, status=status)
    make_export(status="created", is_live=False)

    assert line(administrator) == {
        "Pending": 2,
        "Due now": 1,
        "Held": 1,
        "Failed": 1,
        "Created": 3,
        "News to tell": 1,
        "News not told": 1,
    }
    shown = administrator.get(reverse(OUTBOX)).context["lines"][0]
    for figure in shown.figures:
        listed = administrator.get(figure.link).context["cl"].result_count
        assert (str(figure.title), listed) == (str(figure.title), figure.value)


def test_of_many_tasks_it_counts_some(
    administrator: Client, make_export: Make, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(outbox, "MOST", 2)
    make_export(status="created")
    make_export(status="created")
    assert line(administrator)["Created"] == 2
    make_export(status="created")

    assert line(administrator)["Created"] == "2+"


def test_without_a_tracker_it_says_what_to_do(administrator: Client):
    assert reverse("admin:exports_tracker_add") in page(administrator)


def test_it_names_trackers_of_ones_own_projects_only(operator: Client, other_project: Project):
    Tracker.objects.create(project=other_project, kind="json", name="kvit-internal")

    assert "kvit-internal" not in page(operator)


def test_a_tracker_that_rests_says_so(administrator: Client, tracker: Tracker):
    for _attempt in range(5):
        tracker.note_failure("no route to host")

    shown = page(administrator)

    assert "Resting" in shown
    assert "5 failures in a row" in shown
    assert "no route to host" in shown


def test_it_shows_how_many_calls_are_used(administrator: Client, tracker: Tracker):
    tracker.count_call("digest", 1500)
    CallCount.add("digest", 1500)

    assert "2 of 1500" in page(administrator).replace(",", "").replace("\xa0", "")


def test_the_meter_of_calls_has_a_name(administrator: Client, tracker: Tracker):
    Tracker.objects.filter(pk=tracker.pk).update(account="a", calls_per_hour=1500)

    assert '<meter aria-label="Calls within an hour"' in page(administrator)


def test_who_takes_over_is_named(administrator: Client, tracker: Tracker, spare: Tracker):
    ExportPolicy.objects.create(project=tracker.project, tracker=tracker, fallback=spare)

    assert "Spare takes over" in page(administrator)


def test_a_person_stops_the_calls(administrator: Client, tracker: Tracker):
    order(administrator, tracker, "open")

    with pytest.raises(NotNow):
        tracker.admit()
    assert LogEntry.objects.filter(object_id=str(tracker.pk)).exists()


def test_a_person_has_it_called_in_any_case(administrator: Client, tracker: Tracker):
    for _attempt in range(5):
        tracker.note_failure("away")

    order(administrator, tracker, "closed")

    tracker.admit()


def test_failures_decide_again(administrator: Client, tracker: Tracker):
    order(administrator, tracker, "open")
    order(administrator, tracker, "")

    tracker.admit()


def test_nonsense_is_no_order(administrator: Client, tracker: Tracker):
    order(administrator, tracker, "ajar")

    assert tracker.forced == ""


def test_only_those_who_set_trackers_up_give_orders(viewer: Client, tracker: Tracker):
    order(viewer, tracker, "open")

    assert tracker.forced == ""
    assert reverse("admin:exports_tracker_order", args=[tracker.pk]) not in page(viewer)


def test_a_task_is_moved_from_its_page(administrator: Client, make_export: Make, spare: Tracker):
    export = make_export(status="created", external_id="1")
    address = reverse("admin:exports_taskexport_change", args=[export.pk])
    assert "Spare" in administrator.get(address).content.decode()

    administrator.post(
        reverse("admin:exports_taskexport_move", args=[export.pk]), {"tracker": spare.pk}
    )

    item = StandIn.objects.get()
    assert (item.by, item.export.tracker) == (export, spare)


def test_many_tasks_are_moved_from_the_list(
    administrator: Client, make_export: Make, make_issue: Callable[..., Issue], spare: Tracker
):
    made = [
        make_export(make_issue(status="approved"), status="created", external_id=str(number))
        for number in range(2)
    ]
    pending = make_export(make_issue(status="approved"))

    asked = act(administrator, "move_selected", [*made, pending]).content.decode()
    done = act(administrator, "move_selected", [*made, pending], tracker=spare.pk).content.decode()

    assert ("Spare" in asked, "2 tasks go to Spare" in done) == (True, True)
    assert "on its way" in done
    assert {item.by for item in StandIn.objects.all()} == set(made)
    assert LogEntry.objects.count() == 2


def test_tasks_are_not_moved_to_a_tracker_of_another_project(
    administrator: Client, make_export: Make, other_project: Project
):
    theirs = Tracker.objects.create(project=other_project, kind="json", name="kvit-internal")
    made = [make_export(status="created", external_id="1")]

    asked = act(administrator, "move_selected", made).content.decode()
    act(administrator, "move_selected", made, tracker=theirs.pk)

    assert "kvit-internal" not in asked
    assert not StandIn.objects.exists()


def test_who_may_only_look_moves_nothing(viewer: Client, make_export: Make, spare: Tracker):
    made = [make_export(status="created", external_id="1")]

    act(viewer, "move_selected", made, tracker=spare.pk)

    assert not StandIn.objects.exists()


def test_why_a_task_does_not_move_is_said(administrator: Client, make_export: Make, spare: Tracker):
    export = make_export()
    address = reverse("admin:exports_taskexport_move", args=[export.pk])

    answer = administrator.post(address, {"tracker": spare.pk}, follow=True)

    assert "on its way" in answer.content.decode()
    assert not StandIn.objects.exists()


def test_one_that_is_switched_off_is_not_in_order(administrator: Client, tracker: Tracker):
    Tracker.objects.update(is_active=False)

    shown = page(administrator)

    assert "Switched off" in shown
    assert "In order" not in shown


def test_calls_that_only_we_count_are_shown_as_well(administrator: Client, tracker: Tracker):
    tracker.pace("digest", 120)

    assert "1 of 7200" in page(administrator).replace(",", "").replace("\xa0", "")


def test_its_last_error_is_told_in_the_language_of_the_page(
    administrator: Client, tracker: Tracker
):
    tracker.note_trouble("No team is chosen: choose one on the tracker's page.")

    administrator.cookies["django_language"] = "uk"

    assert "Команду не вибрано" in page(administrator)


def test_orders_are_about_calls_and_not_about_reading(administrator: Client, tracker: Tracker):
    assert "Leave the tracker alone" in page(administrator)


def test_the_page_says_what_it_is(administrator: Client):
    assert page(administrator).count("Outbox") > 2


def test_what_happens_before_its_connection_stands_is_told_by_it(
    administrator: Client, project: Project
):
    newest = Event.objects.create(project=project, type="export_updated", data={})

    assert f'data-live-seq="{newest.pk}"' in page(administrator)
    exports = administrator.get(reverse("admin:exports_taskexport_changelist")).content.decode()
    assert f'data-live-seq="{newest.pk}"' in exports
