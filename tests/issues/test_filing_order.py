"""What was sent before is filed before, whoever of the workers has it."""

from datetime import timedelta

from django.db.models.functions import Now

from apps.issues import triage
from apps.issues.models import Evidence, Issue
from apps.issues.tasks import file_messages
from apps.messages.models import Message
from tests.issues.conftest import issue_of


def test_what_was_sent_before_and_waits_too_is_filed_first(make_report):
    first, second = make_report(due_at=Now()), make_report(due_at=Now())

    file_messages([second.pk])

    (issue,) = Issue.objects.all()
    assert list(issue.evidence.order_by("pk").values_list("message", "level")) == [
        (first.pk, "opened"),
        (second.pk, "exact"),
    ]


def test_what_another_worker_reads_at_this_moment_is_waited_for(make_report, monkeypatch):
    soon = Now() + timedelta(seconds=20)
    first = make_report(status="received", leased_until=soon, due_at=soon)
    second = make_report(due_at=Now())

    def read(seconds):
        Message.objects.filter(pk=first.pk).update(status="actionable", leased_until=None)

    monkeypatch.setattr(triage, "sleep", read)
    file_messages([second.pk])

    assert Evidence.objects.get(message=first).level == Evidence.Level.OPENED
    assert issue_of(first) == issue_of(second)


def test_what_another_worker_reads_for_long_holds_nothing_up(make_report, monkeypatch):
    monkeypatch.setattr(triage, "PATIENCE", 0.0)
    soon = Now() + timedelta(seconds=20)
    make_report(status="received", leased_until=soon, due_at=soon)
    second = make_report(due_at=Now())

    file_messages([second.pk])

    assert Evidence.objects.get(message=second).level == Evidence.Level.OPENED


def test_what_another_worker_files_is_left_to_it(make_report):
    first = make_report(due_at=Now(), leased_until=Now() + timedelta(seconds=20))
    second = make_report(due_at=Now())

    file_messages([second.pk])

    assert list(Evidence.objects.values_list("message", flat=True)) == [second.pk]
    first.refresh_from_db()
    assert first.status == Message.Status.ACTIONABLE


def test_what_another_project_waits_for_is_left_to_its_own_task(make_report, other_project):
    theirs, ours = make_report(due_at=Now(), project=other_project), make_report(due_at=Now())

    file_messages([ours.pk])

    theirs.refresh_from_db()
    assert theirs.status == Message.Status.ACTIONABLE
