"""Arrivals become messages once, whatever comes with them."""

import pytest

from apps.messages.ingest import Arrival, ingest, store
from apps.messages.models import Message
from apps.sources.models import Chat, DeadLetter, Source, Topic


def arrive(*envelopes):
    return ingest([Arrival(envelope.to_bytes(), envelope.subject) for envelope in envelopes])


def test_a_redelivered_envelope_is_stored_once(make_envelope):
    envelope = make_envelope()

    first, second = arrive(envelope), arrive(envelope)

    assert (first.stored, second.stored, second.duplicates) == (1, 0, 1)
    assert Message.objects.count() == 1


def test_the_same_envelope_twice_in_a_batch_is_stored_once(make_envelope):
    envelope = make_envelope()

    result = arrive(envelope, envelope)

    assert (result.stored, Message.objects.count()) == (1, 1)


def test_poison_becomes_a_dead_letter_and_the_rest_is_stored(make_envelope):
    good = make_envelope()

    result = ingest(
        [Arrival(b"\x00garbage", "chat.1", 7), Arrival(good.to_bytes(), good.subject, 8)]
    )

    assert (result.stored, result.dead) == (1, 1)
    letter = DeadLetter.objects.get()
    assert (bytes(letter.payload), letter.sequence) == (b"\x00garbage", 7)
    assert "JSON" in letter.reason


def test_a_redelivered_poison_is_one_dead_letter(source):
    arrival = Arrival(b"{}", source_subject := f"chat.{source.pk}", 3)

    ingest([arrival])
    ingest([arrival])

    letter = DeadLetter.objects.get()
    assert (letter.subject, letter.source) == (source_subject, source)


def test_a_source_whose_settings_no_key_opens_stops_nobody(make_envelope, other_project, settings):
    sealed = Source.objects.create(
        project=other_project, kind="telegram", name="Bot", config={"bot_token": "1:secret"}
    )
    Chat.objects.create(source=sealed, external_id="-100500")
    settings.FIELD_ENCRYPTION_KEYS = ["bm90LXRoZS1rZXktdGhhdC13YXMtdXNlZC1iZWZvcmU="]

    result = arrive(make_envelope(), make_envelope(source_id=sealed.pk))

    assert (result.stored, result.dead) == (2, 0)


def test_an_envelope_of_an_unknown_source_is_a_dead_letter(make_envelope):
    stray = make_envelope(source_id=10**9)

    assert arrive(stray).dead == 1
    assert DeadLetter.objects.get().source is None


@pytest.mark.parametrize(
    "text",
    [
        "NUL \0 inside",
        "\u202eright to left\u202c \u200bzero width\u200d",
        "<script>alert(1)</script>",
        "'; DROP TABLE chat_messages_message; --",
        "lone surrogate \ud800",
        "emoji 👨‍👩‍👧 and ґїєі",
    ],
)
def test_ugly_text_is_kept_as_far_as_postgresql_can(make_envelope, text):
    arrive(make_envelope(text))

    stored = Message.objects.get().text
    assert stored == text.replace("\0", "").replace("\ud800", "\ufffd")


def test_a_ten_megabyte_text_is_cut_and_stored(make_envelope):
    arrive(make_envelope("x" * 10_000_000))

    assert len(Message.objects.get().text) == 20_000


@pytest.mark.parametrize("year", ["0001", "9998"])
def test_a_senseless_time_is_a_dead_letter(make_envelope, year):
    envelope = make_envelope()
    data = envelope.to_bytes().replace(b"2026", year.encode())

    assert ingest([Arrival(data, envelope.subject)]).dead == 1
    assert "year" in DeadLetter.objects.get().reason


def test_an_edit_supersedes_the_original(make_envelope):
    original = make_envelope("Прод лежть")
    edited = original.model_copy(update={"edit": 1_772_442_000, "text": "Прод лежить"})

    arrive(original)
    arrive(edited)

    rows = Message.objects.order_by("edit").values_list("text", "is_superseded")
    assert list(rows) == [("Прод лежть", True), ("Прод лежить", False)]


def test_an_original_that_arrives_after_its_edit_is_superseded(make_envelope):
    original = make_envelope("Прод лежть")
    edited = original.model_copy(update={"edit": 1_772_442_000, "text": "Прод лежить"})

    arrive(edited)
    arrive(original)

    assert Message.objects.get(edit=0).is_superseded


def revisions(original, *texts, edit=1_772_442_000):
    return [original.model_copy(update={"edit": edit, "text": text}) for text in texts]


def test_two_edits_of_one_second_are_two_revisions_and_the_later_stands(make_envelope):
    original = make_envelope("Прод лежть")
    for envelope in (original, *revisions(original, "Прод лежит", "Прод лежить")):
        arrive(envelope)

    rows = Message.objects.order_by("pk").values_list("text", "is_superseded")
    assert list(rows) == [("Прод лежть", True), ("Прод лежит", True), ("Прод лежить", False)]


def test_two_edits_of_one_second_in_one_batch_keep_their_order(make_envelope):
    first, second = revisions(make_envelope(), "Прод лежит", "Прод лежить")

    assert arrive(first, second).stored == 2
    assert Message.objects.get(is_superseded=False).text == "Прод лежить"


def test_edits_of_one_second_are_stored_once_each(make_envelope):
    both = revisions(make_envelope(), "Прод лежит", "Прод лежить")

    arrive(*both)
    again = arrive(*both)

    assert (again.stored, again.duplicates, Message.objects.count()) == (0, 2, 2)
    assert Message.objects.get(is_superseded=False).text == "Прод лежить"


def test_an_edit_of_the_next_second_stands_over_both(make_envelope):
    original = make_envelope()
    (later,) = revisions(original, "Прод знову лежить", edit=1_772_442_001)

    arrive(later)
    arrive(*revisions(original, "Прод лежит", "Прод лежить"))

    assert Message.objects.get(is_superseded=False).text == "Прод знову лежить"


def test_an_original_with_other_words_is_still_the_same_message(make_envelope):
    original = make_envelope("Прод лежить")

    arrive(original)
    again = arrive(original.model_copy(update={"text": "Прод стоїть"}))

    assert (again.stored, Message.objects.get().text) == (0, "Прод лежить")


def test_a_single_revision_is_stored_and_given_back(make_envelope):
    first, second = revisions(make_envelope(), "Прод лежит", "Прод лежить")

    assert (store(first)[0].text, store(second)[0].text) == ("Прод лежит", "Прод лежить")
    assert store(first)[0].text == "Прод лежит"


def test_a_reply_points_at_the_last_of_the_edits_of_one_second(make_envelope):
    report = make_envelope()
    arrive(*revisions(report, "Прод лежит", "Прод лежить"))

    arrive(make_envelope("у мене теж", reply_to=report.external_id))

    assert Message.objects.get(text="у мене теж").reply_to.text == "Прод лежить"


def test_a_reply_points_at_what_it_answers(make_envelope):
    report = make_envelope()
    answer = make_envelope("у мене теж", reply_to=report.external_id)

    arrive(report)
    arrive(answer)

    assert Message.objects.get(text="у мене теж").reply_to.external_id == report.external_id


def test_a_reply_that_arrives_first_is_connected_later(make_envelope):
    report = make_envelope()
    answer = make_envelope("у мене теж", reply_to=report.external_id)

    arrive(answer)
    arrive(report)

    assert Message.objects.get(text="у мене теж").reply_to.external_id == report.external_id


def test_a_chat_that_is_left_alone_is_not_stored(make_envelope, chat):
    chat.state = "off"
    chat.save()

    result = arrive(make_envelope())

    assert (result.ignored, Message.objects.count()) == (1, 0)


def test_a_routed_chat_belongs_to_the_other_project(make_envelope, chat, other_project):
    chat.project = other_project
    chat.save()

    arrive(make_envelope())

    assert Message.objects.get().project == other_project


def test_a_chat_appears_by_itself_with_its_newest_title(make_envelope):
    first = make_envelope()
    renamed = make_envelope(chat=first.chat.model_copy(update={"title": "Dev chat 2"}))

    arrive(first)
    arrive(renamed)

    assert Chat.objects.get().title == "Dev chat 2"


def test_stored_messages_are_due_in_case_their_announcement_is_lost(make_envelope):
    arrive(make_envelope())

    assert Message.objects.get().due_at is not None


def test_store_tells_whether_the_message_is_new(make_envelope):
    envelope = make_envelope()

    assert store(envelope)[1] is True
    assert store(envelope)[1] is False


@pytest.fixture
def live(source):
    """A source whose platform lets anybody add us to a chat."""
    source.kind = "telegram"
    source.save()
    return source


def test_a_new_chat_of_a_live_source_waits_and_nothing_of_it_is_kept(live, make_envelope):
    result = arrive(make_envelope())

    assert (result.ignored, Message.objects.count()) == (1, 0)
    assert Chat.objects.get().state == "waiting"


def test_an_archive_that_counts_as_live_is_read_though_its_chat_waits(make_envelope, source):
    Chat.objects.create(source=source, external_id="-100500", state="waiting")
    envelope = make_envelope()

    ingest([Arrival(envelope.to_bytes(), f"{envelope.subject}.archive")])

    message = Message.objects.get()
    assert (message.status, message.is_history) == ("received", False)


def test_what_a_project_keeps_of_a_waiting_chat_is_no_work(
    live, project, make_envelope, django_capture_on_commit_callbacks
):
    project.keeps_waiting = True
    project.save()

    with django_capture_on_commit_callbacks() as announced:
        arrive(make_envelope())

    message = Message.objects.get()
    assert (message.status, message.due_at, announced) == ("held", None, [])


def test_an_archive_is_read_though_its_chat_waits(live, make_envelope):
    arrive(make_envelope(is_history=True))

    assert Message.objects.get().status == "received"
    assert Chat.objects.get().state == "waiting"


@pytest.mark.parametrize(("topic", "stored"), [("", 1), ("40", 0), ("41", 1)])
def test_a_topic_may_be_left_alone_while_its_chat_is_read(chat, make_envelope, topic, stored):
    Topic.objects.create(chat=chat, external_id="40", state="off")
    Topic.objects.create(chat=chat, external_id="41")

    assert arrive(make_envelope(topic=topic)).stored == stored


@pytest.mark.parametrize(("topic", "stored"), [("", 1), ("40", 0)])
def test_the_general_topic_may_be_all_that_is_read(chat, make_envelope, topic, stored):
    Chat.objects.filter(pk=chat.pk).update(state="off")
    Topic.objects.create(chat=chat, external_id="", state="on")

    assert arrive(make_envelope(topic=topic)).stored == stored


def test_a_topic_goes_to_a_project_of_its_own(chat, make_envelope, other_project):
    Topic.objects.create(chat=chat, external_id="40", project=other_project)

    arrive(make_envelope(topic="40"), make_envelope())

    found = Message.objects.order_by("-topic").values_list("topic", "project")
    assert list(found) == [("40", other_project.pk), ("", chat.source.project_id)]
