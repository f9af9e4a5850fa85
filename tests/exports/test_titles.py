"""Titles that people write in a tracker, around which or into which we have put something."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.exports.models import ExportPolicy
from apps.exports.sync import take
from apps.exports.trackers.base import RemoteState
from apps.issues.models import Issue

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def hear(export, title, *, minutes=0):
    moment = NOON + timedelta(minutes=minutes)
    take(export, RemoteState("T-1", moment, key=export.uuid, status="approved", title=title))


@pytest.fixture
def shaped(make_export, make_issue, telling, project):
    """A task whose title was made by the project's policy, and heard of once."""

    def make(said, *, title="Прод лежить", **policy):
        ExportPolicy.objects.create(project=project, **policy)
        export = make_export(make_issue(title, status="approved"), status="created")
        hear(export, said)
        export.refresh_from_db()
        return export

    return make


TEMPLATE = {"title_template": "[{project}] {title} ({category})"}


def test_a_title_there_loses_what_our_template_put_around_it(shaped):
    export = shaped("[Smachno] Прод лежить (Помилка)", **TEMPLATE)

    hear(export, "[Smachno] Прод лежить у Львові (Помилка)", minutes=1)
    hear(export, "[Smachno] Прод лежить у Києві (Помилка)", minutes=2)

    export.refresh_from_db()
    assert (Issue.objects.get().title, export.title_there) == ("Прод лежить у Києві", "")


@pytest.mark.parametrize(
    "title", ["Прод лежить у Львові", "[Smachno] (Помилка)", "[Smachno]  (Помилка)"]
)
def test_a_title_that_cannot_be_told_from_our_template_is_only_shown(shaped, title):
    export = shaped("[Smachno] Прод лежить (Помилка)", **TEMPLATE)

    hear(export, title, minutes=1)

    export.refresh_from_db()
    assert (Issue.objects.get().title, export.title_there) == (
        "Прод лежить",
        " ".join(title.split()),
    )


def test_a_title_by_another_template_than_now_is_only_shown(shaped):
    export = shaped("[Smachno] Прод лежить (Помилка)", **TEMPLATE)
    ExportPolicy.objects.update(title_template="{title}")

    hear(export, "[Smachno] Прод лежить у Львові (Помилка)", minutes=1)

    export.refresh_from_db()
    assert Issue.objects.get().title == "Прод лежить"
    assert export.title_there == "[Smachno] Прод лежить у Львові (Помилка)"


@pytest.mark.parametrize("still_masks", [True, False])
def test_a_title_with_our_masks_is_only_shown(shaped, still_masks):
    ours = "Не дзвонить 067 123 45 67"
    export = shaped("Не дзвонить [PHONE_1]", title=ours, masks_pii=True)
    ExportPolicy.objects.update(masks_pii=still_masks)

    hear(export, "Давно не дзвонить [PHONE_1]", minutes=1)

    export.refresh_from_db()
    assert (Issue.objects.get().title, export.title_there) == (ours, "Давно не дзвонить [PHONE_1]")


def test_a_title_without_masks_is_followed(shaped):
    export = shaped("Не дзвонить [PHONE_1]", title="Не дзвонить 067 123 45 67", masks_pii=True)

    hear(export, "Телефон мовчить [ENG_1]", minutes=1)

    assert Issue.objects.get().title == "Телефон мовчить [ENG_1]"
