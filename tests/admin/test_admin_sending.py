"""Many exports are sent at once, in a few sentences, and the admin's log has who did it."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.exports.models import TaskExport, Tracker
from tests.admin.conftest import act


@pytest.mark.parametrize("action", ["retry_selected", "release_selected"])
def test_many_are_sent_some_at_a_time_with_a_few_sentences(
    operator: Client, make_issue, tracker, people, monkeypatch, action: str
):
    monkeypatch.setattr("apps.exports.admin.sending.MOST", 3)
    able = {"status": "failed"} if action == "retry_selected" else {"held": "by_hand"}
    rows = [
        TaskExport.objects.create(issue=make_issue(status="approved"), tracker=tracker, **fields)
        for fields in [*[able] * 5, *[{"status": "created"}] * 4]
    ]

    page = act(operator, action, rows).content.decode()

    assert "3 exports queued." in page
    assert "2 more exports are left: do it once more." in page
    assert page.count("4 exports were left as they are") == 1
    assert people["operator"].logentry_set.count() == 3
    assert "2 exports queued." in act(operator, action, rows).content.decode()


def test_what_cannot_be_exported_again_is_told_once_by_reason(
    operator: Client, make_issue, tracker
):
    rows = [
        TaskExport.objects.create(
            issue=make_issue(status="approved"), tracker=tracker, is_gone=True, is_live=False
        )
        for _number in range(25)
    ]

    page = act(operator, "retry_selected", rows).content.decode()

    last = sorted(row.issue_id for row in rows)[20]
    assert f"#{last}" not in page.split("main")[0]
    assert page.count(" and 5 more)") == 1


def test_moving_a_task_is_written_down(operator: Client, make_issue, tracker, project, people):
    other = Tracker.objects.create(project=project, kind="json", name="Others")
    export = TaskExport.objects.create(
        issue=make_issue(status="approved"), tracker=tracker, status="created", external_id="C-1"
    )

    address = reverse("admin:exports_taskexport_move", args=[export.pk])
    operator.post(address, {"tracker": other.pk})

    assert people["operator"].logentry_set.get().get_change_message() == "Moved to Others."


def test_the_list_is_sorted_by_an_index(operator: Client, make_issue, tracker):
    TaskExport.objects.create(issue=make_issue(), tracker=tracker)
    with CaptureQueriesContext(connection) as made:
        operator.get(reverse("admin:exports_taskexport_changelist"))

    (listed,) = [
        one["sql"] for one in made if 'AS "issue__' in one["sql"] or '"uuid"' in one["sql"]
    ]
    assert listed.split("ORDER BY")[-1].split()[0] == '"exports_taskexport"."id"'
