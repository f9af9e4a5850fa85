"""What adds to a report without being one, and which report it adds to."""

from datetime import timedelta
from typing import ClassVar

import pytest

from apps.messages.classifiers.follow_ups import OPEN, Said, Sign, meant_by, sign_of
from apps.messages.classify import classify
from apps.messages.decisions import reclassify
from apps.messages.follow_ups import LOST_FOR, find
from apps.messages.models import Message, Rule

OUTAGE = "Прод лежить! 502 на всіх сторінках, клієнти не можуть оплатити замовлення"


@pytest.mark.parametrize(
    "text",
    ["+1", "+", "++", "+1 магазин 2", "у мене теж", "і в мене", "У мене так само, самсунг", "плюсую", "аналогічно",
     "same here", "Same here on iOS", "me too", "same on Outlook", "confirmed, 4.3.0 only", "нам теж", "can confirm"],
)  # fmt: skip
def test_an_echo_is_told_by_its_words(text):
    assert sign_of(text) == Sign.ECHO


@pytest.mark.parametrize(
    "text",
    ["java.lang.IllegalStateException: Fragment not attached", "pg: FATAL: sorry, too many clients already",
     "upstream timed out (110: Connection timed out) while reading", "Maximum update depth exceeded at TripBoard.tsx:412",
     "GET /contacts/export 500", "OOMKilled web 3/3", "Traceback (most recent call last):", 'лог: client_id="7" code=42'],
)  # fmt: skip
def test_a_line_of_a_log_is_told_by_its_form(text):
    assert sign_of(text) == Sign.LOG


@pytest.mark.parametrize(
    "text",
    ["версія 3.2, pixel 6", "айфон 15, дозвіл стоїть", "замовлення 40918", "17.6, se 2020", "скрін нижче",
     "88213, 88240, 90117", "хром, навушники і колонки", "build 7.2.0, Pixel 8"],
)  # fmt: skip
def test_a_detail_is_told_by_what_it_names(text):
    assert sign_of(text) == Sign.DETAIL


@pytest.mark.parametrize("kind", ["photo", "document", "video", "voice"])
def test_an_attachment_without_text_is_a_detail(kind):
    assert sign_of("", kind) == Sign.DETAIL


@pytest.mark.parametrize("kind", ["text", "sticker", "animation", "location", "poll"])
def test_nothing_is_no_sign(kind):
    assert sign_of("", kind) is None


@pytest.mark.parametrize(
    "text",
    ["гляну", "ок", "ок, після обіду", "дякую", "thanks!", "rolled back", "fixed", "fixed, it was the cert", "on it",
     "хто сьогодні на чергуванні?", "which project?", "а яка версія?", "пофіксив, їде в 5.14.2 сьогодні", "👍", "😂",
     "having a look", "з мене пиво", "піднято, перевіряйте", "all green again", "who has rights to the gateway?",
     "яка версія сафарі? 17 чи 18", "only Austria or also Switzerland? it was the same file"],
)  # fmt: skip
def test_talk_is_no_sign(text):
    assert sign_of(text) is None


def said(number, author, seconds, category="info"):
    return Said(number, author, seconds, category)


class TestMeaning:
    """Newest first, as the chat's last messages are."""

    RUN: ClassVar[float] = 300

    def meant(self, sign, author, *, chain=(), recent=(), is_reply=False):
        found = meant_by(
            sign, author, chain=chain, recent=recent, is_reply=is_reply or bool(chain), run=self.RUN
        )
        return found if found in (None, OPEN) else [report.number for report in found.reports]

    def test_a_reply_is_about_what_it_replies_to(self):
        recent = [said(2, "b", 5, "bug")]

        assert self.meant(Sign.ECHO, "c", chain=[said(1, "a", 9999, "bug")], recent=recent) == [1]

    def test_a_reply_to_a_reply_is_about_the_report(self):
        chain = [said(3, "b", 5), said(2, "c", 9), said(1, "a", 60, "bug")]

        assert self.meant(Sign.DETAIL, "d", chain=chain) == [1]

    def test_a_reply_in_another_talk_is_not_about_the_last_report(self):
        recent = [said(2, "b", 5, "bug")]

        assert self.meant(Sign.ECHO, "c", chain=[said(1, "a", 60)], recent=recent) is None

    def test_anything_that_the_reporter_replies_adds(self):
        assert self.meant(Sign.WORDS, "a", chain=[said(1, "a", 60, "bug")]) == [1]

    def test_words_of_others_need_a_sign(self):
        assert self.meant(Sign.WORDS, "b", chain=[said(1, "a", 60, "bug")]) is None

    def test_an_answer_to_a_question_about_the_report_adds(self):
        chain = [said(2, "b", 5, "question"), said(1, "a", 60, "bug")]

        assert self.meant(Sign.WORDS, "c", chain=chain) == [1]

    def test_the_second_half_of_a_thought_adds(self):
        assert self.meant(Sign.WORDS, "a", recent=[said(1, "a", 20, "bug")]) == [1]

    def test_questions_between_do_not_end_a_run(self):
        recent = [said(2, "b", 10, "question"), said(1, "a", 40, "bug")]

        assert self.meant(Sign.WORDS, "a", recent=recent) == [1]

    def test_another_report_ends_a_run(self):
        recent = [said(2, "b", 10, "bug"), said(1, "a", 40, "bug")]

        assert self.meant(Sign.WORDS, "a", recent=recent) is None

    @pytest.mark.parametrize(("seconds", "expected"), [(300, [1]), (301, None)])
    def test_a_run_lasts_as_long_as_the_project_says(self, seconds, expected):
        assert self.meant(Sign.WORDS, "a", recent=[said(1, "a", seconds, "bug")]) == expected

    def test_an_echo_right_after_a_report_means_it(self):
        assert self.meant(Sign.ECHO, "b", recent=[said(1, "a", 60, "bug")]) == [1]

    def test_a_log_line_right_after_a_report_means_it(self):
        assert self.meant(Sign.LOG, "b", recent=[said(1, "a", 60, "bug")]) == [1]

    def test_an_echo_may_mean_each_report_of_the_last_minutes(self):
        recent = [said(2, "b", 10, "bug"), said(1, "a", 40, "bug")]

        assert self.meant(Sign.ECHO, "c", recent=recent) == [2, 1]

    def test_an_echo_after_much_talk_means_nothing(self):
        recent = [*(said(number, "b", 5) for number in range(2, 6)), said(1, "a", 60, "bug")]

        assert self.meant(Sign.ECHO, "c", recent=recent) is None

    def test_an_echo_long_after_a_report_means_nothing(self):
        assert self.meant(Sign.ECHO, "b", recent=[said(1, "a", 601, "bug")]) is None

    def test_a_detail_of_another_author_needs_a_reply(self):
        assert self.meant(Sign.DETAIL, "b", recent=[said(1, "a", 60, "bug")]) is None

    def test_nobody_without_a_name_is_the_same_author(self):
        assert self.meant(Sign.WORDS, "", recent=[said(1, "", 60, "bug")]) is None

    @pytest.mark.parametrize("author", ["a", "b"])
    def test_what_is_not_decided_yet_is_waited_for(self, author):
        assert self.meant(Sign.ECHO, author, recent=[said(1, "a", 60, None)]) is OPEN

    def test_undecided_talk_of_others_is_nothing_to_wait_for(self):
        assert self.meant(Sign.WORDS, "b", recent=[said(1, "a", 60, None)]) is None

    def test_a_reply_to_something_undecided_waits(self):
        assert self.meant(Sign.WORDS, "b", chain=[said(1, "a", 60, None)]) is OPEN


@pytest.fixture
def report(make_message):
    return make_message(OUTAGE, status="filed", category="bug", priority="high", author_id="1")


def status_after(message):
    classify([message])
    message.refresh_from_db()
    return message.status


def test_an_echo_after_a_report_waits_for_its_issue(report, make_message):
    assert status_after(make_message("+1", author_id="2")) == "follow_up"


def test_an_echo_with_nothing_before_it_is_noise(make_message):
    assert status_after(make_message("+1")) == "noise"


def test_a_reply_is_connected_by_its_report(report, make_message):
    late = report.sent_at + timedelta(days=3)
    reply = make_message(
        "у мене теж", author_id="2", sent_at=late, reply_to=report, reply_to_external_id="x"
    )

    assert find(reply).is_reply
    assert status_after(reply) in {"follow_up", "actionable"}


def test_a_photo_of_the_reporter_is_a_follow_up(report, make_message):
    assert status_after(make_message("", kind="photo", author_id="1")) == "follow_up"


@pytest.mark.parametrize("kind", ["sticker", "voice", "photo"])
def test_what_has_no_words_is_kept_and_judged_by_nobody(make_message, kind):
    message = make_message("", kind=kind, author_id="9")

    assert status_after(message) == "noise"
    assert (message.decided_by, message.classifications.count()) == ("no words", 0)


@pytest.mark.parametrize("words_come_first", [True, False])
def test_a_part_of_an_album_with_words_is_a_part_of_that_message(
    report, make_message, words_come_first
):
    texts = ["І ще кошик порожній", ""] if words_come_first else ["", "І ще кошик порожній"]
    rows = {text: make_message(text, kind="photo", album="7", author_id="1") for text in texts}

    assert find(rows[""]) is None
    assert list(rows[""].rest_of_album()) == [rows["І ще кошик порожній"]]


def test_pictures_of_an_album_wait_for_its_words_and_then_add_to_the_report(report, make_message):
    picture = make_message("", kind="photo", album="7", author_id="1")

    assert find(picture) is OPEN
    assert find(picture, is_last_word=True) is None
    Message.objects.filter(pk=picture.pk).update(created_at=picture.created_at - LOST_FOR * 2)
    assert [said.number for said in find(picture).reports] == [report.pk]


def test_thanks_after_a_report_are_noise(report, make_message):
    assert status_after(make_message("дякую!", author_id="2")) == "noise"


def test_another_topic_is_another_talk(report, make_message):
    assert status_after(make_message("+1", author_id="2", topic="7")) == "noise"


def test_a_bot_says_no_more_of_a_report(report, make_message):
    assert status_after(make_message("+1", author_id="1", is_from_bot=True)) == "noise"


def test_what_a_rule_ignores_adds_nothing(report, make_message, project):
    Rule.objects.create(project=project, name="quiet", contains="теж", is_ignored=True)

    assert status_after(make_message("у мене теж", author_id="2")) == "noise"


def test_a_locked_category_adds_nothing(report, make_message, django_user_model):
    message = make_message("+1", author_id="2", category="info", priority="low")
    Message.objects.filter(pk=message.pk).update(locked_fields=["category"])
    message.refresh_from_db()

    assert status_after(message) == "noise"


def test_a_person_may_say_that_a_follow_up_reports_something(
    report, make_message, django_user_model
):
    message = make_message("+1", author_id="2")
    status_after(message)

    reclassify(message, category="bug", by=django_user_model.objects.create(username="olena"))

    message.refresh_from_db()
    assert message.status == "actionable"


def test_an_answer_that_comes_before_its_question_waits(make_message):
    early = make_message("+1", author_id="2", reply_to_external_id="-100500:later")

    assert find(early) is OPEN


def test_an_old_answer_does_not_wait_for_a_question_that_nobody_stored(make_message):
    message = make_message("+1", author_id="2", reply_to_external_id="-100500:later")
    Message.objects.update(created_at=message.created_at - timedelta(minutes=2))

    assert find(message) is None


def test_an_unsure_report_may_still_become_one(report, make_message):
    Message.objects.filter(pk=report.pk).update(status="unsure", category="info")
    message = make_message("+1", author_id="2")

    assert find(message) is OPEN
    assert find(message, is_last_word=True) is None
