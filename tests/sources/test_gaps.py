"""What a platform forgot during an outage is a gap, until an import brings it."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.sources.gaps import close_gaps, note_contact
from apps.sources.models import Chat, Gap, Source

STOPPED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def bot(project):
    return Source.objects.create(project=project, kind="telegram", name="Bot", reached_at=STOPPED)


@pytest.fixture
def said(bot, make_message):
    """A chat of the bot in which somebody said something at that time."""

    def make(external_id="-1001", sent_at=STOPPED - HOUR, **changes):
        chat = Chat.objects.create(source=bot, external_id=external_id, **changes)
        make_message(
            chat=chat,
            source=bot,
            external_id=f"{external_id}:1",
            sent_at=sent_at,
            project=bot.project,
        )
        return chat

    return make


def test_after_25_hours_the_first_hour_of_an_active_chat_is_a_gap(bot, said):
    chat = said()
    said("-1002", sent_at=STOPPED - timedelta(days=40))
    Chat.objects.create(source=bot, external_id="-1003")

    note_contact(bot.pk, now=STOPPED + 25 * HOUR)
    note_contact(bot.pk, now=STOPPED + 26 * HOUR)

    gap = Gap.objects.get()
    assert (gap.chat, gap.since, gap.until) == (chat, STOPPED, STOPPED + HOUR)
    bot.refresh_from_db()
    assert bot.reached_at == STOPPED + 26 * HOUR


def test_after_23_hours_there_is_none(bot, said):
    said()

    note_contact(bot.pk, now=STOPPED + 23 * HOUR)

    assert not Gap.objects.exists()


def test_a_source_that_never_answered_and_a_platform_that_remembers_have_none(bot, said, source):
    said()
    Source.objects.filter(pk=bot.pk).update(reached_at=None)
    Source.objects.filter(pk=source.pk).update(reached_at=STOPPED)

    for each in (bot, source):
        note_contact(each.pk, now=STOPPED + 100 * HOUR)

    assert not Gap.objects.exists()


@pytest.mark.parametrize(
    ("first", "last", "left"),
    [
        (STOPPED - HOUR, STOPPED + 9 * HOUR, None),
        (STOPPED + HOUR, STOPPED + 9 * HOUR, None),  # an export begins with a whole day
        (STOPPED - HOUR, STOPPED + HOUR, (STOPPED + HOUR, STOPPED + 4 * HOUR)),
        (STOPPED - 99 * HOUR, STOPPED - HOUR, (STOPPED, STOPPED + 4 * HOUR)),
        (STOPPED + 99 * HOUR, STOPPED + 120 * HOUR, (STOPPED, STOPPED + 4 * HOUR)),
    ],
)
def test_an_import_closes_what_it_covers(bot, said, first, last, left):
    said()
    note_contact(bot.pk, now=STOPPED + 28 * HOUR)

    close_gaps(bot, {"-1001": (first, last)})

    open_gaps = Gap.objects.filter(closed_at=None).values_list("since", "until")
    assert list(open_gaps) == ([left] if left else [])


def test_an_import_of_another_chat_closes_nothing(bot, said):
    said()
    note_contact(bot.pk, now=STOPPED + 28 * HOUR)

    close_gaps(bot, {"-1002": (STOPPED - HOUR, STOPPED + 99 * HOUR)})

    assert Gap.objects.get().closed_at is None


def test_a_person_closes_a_gap_once(bot, said, django_user_model):
    said()
    note_contact(bot.pk, now=STOPPED + 28 * HOUR)
    olena = django_user_model.objects.create_user("olena")
    ids = list(Gap.objects.values_list("pk", flat=True))

    assert [Gap.dismiss(ids, by=olena), Gap.dismiss(ids, by=None)] == [1, 0]
    assert Gap.objects.get().dismissed_by == olena
