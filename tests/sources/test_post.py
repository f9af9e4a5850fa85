"""A text goes into a chat once, and its trouble says whether it may be sent again."""

from datetime import timedelta

import pytest

from apps.sources.models import Chat, Source
from apps.sources.post import fitting, post, why_not
from tasktracker.lib.workflow import GiveUp, TryLater
from tests.stubs.telegram import TOKEN


@pytest.fixture
def group(project):
    source = Source.objects.create(
        project=project, kind="telegram", name="Bot", config={"bot_token": TOKEN}
    )
    return Chat.objects.create(source=source, external_id="-100500", title="Dev chat")


def test_a_text_is_posted_plain_and_quietly(telegram, group):
    assert post(group, "<b>Day</b> *x*") == "701"

    (sent,) = telegram.sent
    assert (sent["chat_id"], sent["text"]) == ("-100500", "<b>Day</b> *x*")
    assert "parse_mode" not in sent
    assert sent["disable_notification"] == "true"
    assert '"is_disabled": true' in sent["link_preview_options"]


def test_a_pause_that_telegram_asks_for_is_kept(telegram, group):
    telegram.fail(429, "Too Many Requests: retry after 7", retry_after=7)

    with pytest.raises(TryLater) as error:
        post(group, "Day")
    assert error.value.delay == timedelta(seconds=7)


def test_a_server_in_trouble_is_asked_later(telegram, group):
    telegram.fail(502, "Bad Gateway")

    with pytest.raises(TryLater):
        post(group, "Day")


def test_a_server_that_is_away_is_asked_later(settings, group):
    settings.TELEGRAM_API_URL = "http://127.0.0.1:9"

    with pytest.raises(TryLater):
        post(group, "Day")


@pytest.mark.parametrize(
    ("code", "description"),
    [
        (400, "Bad Request: chat not found"),
        (403, "Forbidden: bot was kicked from the supergroup chat"),
        (401, "Unauthorized"),
    ],
)
def test_a_refusal_is_final(telegram, group, code, description):
    telegram.fail(code, description)

    with pytest.raises(GiveUp) as error:
        post(group, "Day")
    assert TOKEN not in str(error.value)


def test_a_lost_answer_is_never_sent_again_by_itself(telegram, group):
    telegram.hangs_up = True

    with pytest.raises(GiveUp, match="did not say"):
        post(group, "Day")
    assert len(telegram.sent) == 1


def test_only_a_chat_of_the_project_that_can_be_written_to_will_do(group, chat, other_project):
    project = group.source.project

    assert why_not(group, project) == ""
    assert why_not(None, project)
    assert why_not(group, other_project)
    assert why_not(chat, project)  # of an archive


def test_a_text_that_is_too_long_ends_after_a_whole_line():
    assert fitting("one\ntwo\nthree", 8) == "one\n…"
    assert fitting("one\ntwo", 7) == "one\ntwo"
    assert len(fitting("🔥" * 10, 9).encode("utf-16-le")) // 2 <= 9


def test_a_group_that_has_moved_gets_the_text_where_it_is_now(telegram, group):
    telegram.fail(
        400,
        "Bad Request: group chat was upgraded to a supergroup chat",
        migrate_to_chat_id=-1002148830671,
    )

    assert post(group, "Day") == "701"

    group.refresh_from_db()
    assert group.external_id == "-1002148830671"
    assert [sent["chat_id"] for sent in telegram.sent] == ["-1002148830671"]
    assert Chat.find(group.source_id, "-100500") == group
