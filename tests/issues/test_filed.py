"""The history that is filed again is read no further than it is needed."""

from datetime import timedelta

from apps.issues import filed, search
from apps.issues.filed import history_of
from apps.issues.models import Filing
from apps.issues.triage import file
from tests.issues.conftest import TEXTS


def test_no_more_is_read_than_is_simulated(make_report, project, monkeypatch):
    reports = [make_report(text) for text in TEXTS]
    file(list(reversed(reports)))
    monkeypatch.setattr(filed, "MOST_BEFORE", 3)
    read = []

    def note(message, *arguments):
        read.append(message.pk)
        return search.report_of(message, *arguments)

    monkeypatch.setattr(filed, "report_of", note)

    history = history_of(project, days=60, limit=2)

    newest = list(Filing.objects.order_by("-pk").values_list("message", flat=True)[:5])
    assert [one.number for one in history.messages] == newest[::-1]
    assert (history.start, history.is_cut) == (3, True)
    assert sorted(read) == sorted(newest)


def test_the_limit_counts_only_what_was_sent_in_these_days(make_report, project):
    early = make_report(TEXTS[1])
    late = [
        make_report(TEXTS[0], sent_at=early.sent_at + timedelta(days=10, hours=hours))
        for hours in (0, 1)
    ]
    file([*late, early])  # what was sent first is filed last

    history = history_of(project, days=5, limit=2)

    assert [one.number for one in history.reports] == [one.pk for one in late]
    assert [one.number for one in history.messages[: history.start]] == [early.pk]
    assert not history.is_cut
