"""A mask stands for the same value in a task and in all that is told about it later."""

from datetime import timedelta

import pytest

from apps.exports.models import ExportPolicy
from apps.exports.payload import build_payload
from apps.issues.models import Evidence, Issue
from tests.exports.telling import notes, tell

HERS, HIS = "+380671234567", "+380509876543"


@pytest.fixture(autouse=True)
def masks(fake, project):
    """A project that masks, with the tracker in memory."""
    ExportPolicy.objects.create(project=project, masks_pii=True)


@pytest.fixture
def hers(made):
    """A task that names her number, in a message alone."""
    export = made(f"Клієнтка {HERS} не може заплатити")
    Issue.objects.filter(pk=export.issue_id).update(title="Оплата", description="")
    export.refresh_from_db()
    return export


def test_another_number_in_a_later_note_has_another_mask(hers, report):
    report(hers, f"дзвонив і {HIS}", f"знову {HERS}")
    tell()

    ((note,),) = notes()
    assert "[PHONE_1]" in build_payload(hers.issue, hers.tracker).quotes[0].text
    assert "дзвонив і [PHONE_2]" in note
    assert "знову [PHONE_1]" in note


def test_a_report_that_was_written_earlier_and_came_later_takes_no_mask(hers, report):
    report(hers, f"дзвонив і {HIS}")
    later = Evidence.objects.exclude(message__in=hers.told_messages).get().message
    later.sent_at -= timedelta(days=2)
    later.save()

    payload = build_payload(hers.issue, hers.tracker)

    assert ["[PHONE_2]" in one.text for one in payload.quotes] == [True, False]


def test_a_value_of_the_title_alone_keeps_its_mask(made, report):
    export = made("Прод лежить")
    Issue.objects.filter(pk=export.issue_id).update(title=f"Прод лежить у {HERS}")
    report(export, f"дзвонив і {HIS}")
    export.issue.refresh_from_db()

    payload = build_payload(export.issue, export.tracker)

    assert payload.title == "Прод лежить у [PHONE_1]"
    assert payload.quotes[-1].text == "дзвонив і [PHONE_2]"


def test_masks_are_the_same_before_and_after_the_task_is_made(
    make_export, make_issue, make_message, run
):
    message = make_message(f"{HERS} і {HIS}")
    export = make_export(make_issue(f"Оплата у {HIS}", message=message, status="approved"))
    before = build_payload(export.issue, export.tracker)

    run(export)

    assert export.told_messages == [message.pk]
    assert build_payload(export.issue, export.tracker) == before
    assert before.title == "Оплата у [PHONE_2]"


def test_a_message_that_has_left_the_issue_leaves_its_mask_to_nobody(hers, report):
    report(hers, f"дзвонив і {HIS}")
    hers.issue.evidence.filter(message__in=hers.told_messages).delete()

    (quote,) = build_payload(hers.issue, hers.tracker).quotes

    assert quote.text == "дзвонив і [PHONE_2]"
