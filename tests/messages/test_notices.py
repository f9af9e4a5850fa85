"""What a platform tells besides messages: it may come twice, too early, or about nothing we have."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from apps.messages.ingest import Arrival, ingest
from apps.messages.models import EarlyDeletion, Message
from apps.messages.notices import reacted
from apps.sources.envelope import ChatReference, Notice
from apps.sources.models import Chat, Source, Topic
from tests.sources.conftest import recorded

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def deletion(source):
    def make(message: str, **fields: object) -> Notice:
        about = {"key": "del-1", "chat": ChatReference(external_id="c"), "happened_at": NOON}
        return Notice(notice="deleted", source_id=source.pk, message=message, **{**about, **fields})

    return make


def arrival(item):
    return Arrival(item.to_bytes(), item.subject)


def test_a_message_that_was_deleted_there_keeps_its_words_here(make_envelope, deletion):
    envelope = make_envelope("падає")
    ingest([arrival(envelope)])

    result = ingest([arrival(deletion(envelope.external_id))])

    message = Message.objects.get()
    assert (message.text, message.deleted_at, result.noticed) == ("падає", NOON, 1)


def test_a_deletion_in_the_same_batch_comes_after_the_message(make_envelope, deletion):
    envelope = make_envelope("падає")

    ingest([arrival(deletion(envelope.external_id)), arrival(envelope)])

    assert Message.objects.get().deleted_at == NOON


def test_a_deletion_that_came_before_the_message_deletes_it(make_envelope, deletion):
    envelope, other = make_envelope("падає"), make_envelope("лежить")
    ingest([arrival(deletion(envelope.external_id))])

    ingest([arrival(envelope), arrival(other)])

    deleted = dict(Message.objects.values_list("text", "deleted_at"))
    assert deleted == {"падає": NOON, "лежить": None}


def test_a_late_edit_of_what_is_deleted_is_deleted_too(make_envelope, deletion):
    envelope = make_envelope("падає")
    ingest([arrival(envelope), arrival(deletion(envelope.external_id))])

    ingest([arrival(envelope.model_copy(update={"edit": 1, "text": "падає знову"}))])

    assert set(Message.objects.values_list("deleted_at", flat=True)) == {NOON}


def test_a_deletion_of_what_never_comes_is_forgotten_after_a_day(deletion):
    ingest([arrival(deletion("1"))])
    EarlyDeletion.objects.update(created_at=timezone.now() - timedelta(hours=25))

    ingest([arrival(deletion("2"))])

    assert EarlyDeletion.objects.get().external_id == "2"


def test_a_second_deletion_does_not_move_the_first(make_envelope, deletion):
    envelope = make_envelope("падає")
    ingest([arrival(envelope), arrival(deletion(envelope.external_id))])

    ingest([arrival(deletion(envelope.external_id, happened_at=timezone.now()))])

    assert Message.objects.get().deleted_at == NOON


def test_what_a_platform_has_no_more_of_a_time_and_a_topic_is_deleted_there(source, make_envelope):
    times = [NOON - timedelta(hours=hours) for hours in (3, 2, 1, 0)]
    old, gone, left, new = [make_envelope(at.isoformat(), sent_at=at) for at in times]
    elsewhere = make_envelope("elsewhere", sent_at=times[1], topic="7")
    ingest([arrival(one) for one in (old, gone, left, new, elsewhere)])
    found = {
        "messages": [left.external_id],
        "topic": "",
        "since": times[1].isoformat(),
        "until": times[2].isoformat(),
    }
    about = {"source_id": source.pk, "key": "1", "chat": gone.chat, "happened_at": NOON}

    ingest([arrival(Notice(notice="remaining", data=found, **about))])

    assert Message.objects.exclude(deleted_at=None).get().external_id == gone.external_id


def test_a_deletion_of_what_we_never_had_is_no_trouble(deletion):
    assert ingest([arrival(deletion("c:404"))]).noticed == 1


def test_names_of_files_and_the_quote_are_kept(make_envelope):
    answered = make_envelope("падає")
    hung = {"files": ("error.log",), "album": "7", "url": "https://t.me/c/1/2"}
    envelope = make_envelope("див. лог", reply_to=answered.external_id, quote="падає", **hung)

    ingest([arrival(answered), arrival(envelope)])

    message = Message.objects.get(external_id=envelope.external_id)
    assert (message.files, message.quote, message.album, message.url) == (
        ["error.log"],
        "падає",
        "7",
        "https://t.me/c/1/2",
    )


OLD, NEW = "-4400", "-1002148830671"


@pytest.fixture
def bot(project):
    return Source.objects.create(project=project, kind="telegram", name="Bot")


@pytest.fixture
def tell(bot):
    """Let recorded updates come in, all in one batch."""

    def tell(*updates):
        told = [
            item
            for update in updates
            for item in bot.adapter().envelopes(
                recorded(update) if isinstance(update, str) else update
            )
        ]
        return ingest([arrival(item) for item in told])

    return tell


def message_of(chat_id: str, number: int):
    update = recorded("text")
    update["message"]["chat"]["id"] = int(chat_id)
    update["message"]["message_id"] = number
    return update


@pytest.mark.parametrize(
    "notices", [["migrated"], ["migrated_from"], ["migrated", "migrated_from"]]
)
def test_a_group_that_moves_stays_one_chat_and_is_read_as_before(bot, tell, notices):
    chat = Chat.objects.create(source=bot, external_id=OLD)
    tell(message_of(OLD, 5))

    tell(*notices)
    tell(*notices)
    tell(message_of(NEW, 1), message_of(OLD, 6))

    moved = Chat.objects.get()
    assert (moved.pk, moved.external_id, moved.kind) == (chat.pk, NEW, "supergroup")
    assert set(Message.objects.values_list("external_id", flat=True)) == {
        f"{OLD}:5",
        f"{OLD}:6",
        f"{NEW}:1",
    }
    assert set(Message.objects.values_list("chat", flat=True)) == {chat.pk}


def test_what_is_said_in_the_new_group_is_read_when_it_comes_with_the_move(bot, tell):
    chat = Chat.objects.create(source=bot, external_id=OLD)

    tell(message_of(NEW, 1), "migrated", "migrated_from")

    assert Chat.objects.get() == chat
    message = Message.objects.get()
    assert (message.chat, message.status) == (chat, "received")


def test_two_rows_of_a_group_that_moved_become_one(bot, tell, project, other_project):
    chat = Chat.objects.create(source=bot, external_id=OLD, project=other_project)
    newer = Chat.objects.create(source=bot, external_id=NEW, state="waiting")
    project.summary_chat = newer
    project.save()
    for row, topic in ((chat, "40"), (newer, "40"), (newer, "41")):
        Topic.objects.create(chat=row, external_id=topic)
    tell(message_of(OLD, 5))
    Chat.objects.filter(pk=newer.pk).update(state="on")
    tell(message_of(NEW, 1))

    tell("migrated_from")

    moved = Chat.objects.get()
    assert (moved.pk, moved.state, moved.project) == (chat.pk, "on", other_project)
    assert set(moved.messages.values_list("external_id", flat=True)) == {f"{OLD}:5", f"{NEW}:1"}
    assert sorted(moved.topics.values_list("external_id", flat=True)) == ["40", "41"]
    project.refresh_from_db()
    assert project.summary_chat == moved


def test_what_was_decided_about_the_newer_row_of_a_moved_group_holds(bot, tell, project):
    older = Chat.objects.create(source=bot, external_id=OLD)
    newer = Chat.objects.create(source=bot, external_id=NEW, is_muted=True, language="en")
    for chat, state in ((older, "inherit"), (newer, "off")):
        Topic.objects.create(chat=chat, external_id="40", state=state)

    tell("migrated_from")

    moved = Chat.objects.get()
    assert (moved.pk, moved.is_muted, moved.language) == (older.pk, True, "en")
    assert moved.topics.get().state == "off"


def test_the_row_that_waits_takes_what_was_decided_about_the_other(bot, tell):
    Chat.objects.create(source=bot, external_id=OLD, state="waiting")
    Chat.objects.create(source=bot, external_id=NEW, state="off")

    tell("migrated")

    assert Chat.objects.get().state == "off"


def test_a_move_that_is_told_late_does_not_undo_a_later_one(bot):
    Chat.objects.create(source=bot, external_id="a")
    for old, new in (("a", "b"), ("b", "c"), ("a", "b")):
        Chat.move(bot, ChatReference(external_id=old), new)

    chat = Chat.objects.get()
    assert chat.external_id == "c"
    assert [Chat.find(bot.pk, name) for name in "abc"] == [chat] * 3


def test_a_chat_appears_when_the_bot_is_added_and_waits(tell):
    tell("my_chat_member")

    chat = Chat.objects.get()
    assert (chat.title, chat.kind, chat.state) == ("Smachno Dev", "supergroup", "waiting")
    assert chat.bot_role == "member"


def test_what_is_told_late_of_the_bot_does_not_undo_what_is_newer(tell):
    tell("my_chat_member", "removed")
    tell("promoted", "my_chat_member")

    assert Chat.objects.get().bot_role == "left"


def test_a_bot_that_hears_a_group_is_there_until_more_is_told(tell):
    tell("text")
    heard = Chat.objects.get().bot_role
    tell("removed")

    assert (heard, Chat.objects.get().bot_role) == ("member", "left")


@pytest.mark.parametrize(("is_history", "suffix"), [(True, ""), (False, ".archive")])
def test_an_archive_does_not_say_that_the_bot_is_there(bot, make_envelope, is_history, suffix):
    envelope = make_envelope(source_id=bot.pk, is_history=is_history)

    ingest([Arrival(envelope.to_bytes(), f"{envelope.subject}{suffix}")])

    assert Chat.objects.get().bot_role == ""


def test_leaving_a_chat_that_nobody_knew_makes_none(tell):
    tell("removed")

    assert not Chat.objects.exists()


def test_topics_are_known_by_their_last_name_and_general_is_one_of_them(tell):
    tell("topic_created", "topic_edited", "topic")

    assert [str(topic) for topic in Topic.objects.order_by("external_id")] == [
        "General",
        "Баги та аварії",
    ]


def test_a_topic_that_is_older_than_the_bot_is_known_by_its_messages(bot, tell):
    Chat.objects.create(source=bot, external_id=NEW)

    tell("topic", "topic")

    assert Topic.objects.get(external_id="40").title == "Баги"


def test_a_reaction_is_told_to_who_listens(tell):
    heard = []

    def hear(notice, **_):
        heard.append((notice.message, notice.data["added"]))

    reacted.connect(hear)
    try:
        tell("reaction")
    finally:
        reacted.disconnect(hear)

    assert heard == [(f"{NEW}:130", ["👍"])]
