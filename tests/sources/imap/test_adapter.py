"""What recorded mails become: text without quotes and signatures, threads, files, robots."""

import time

import pytest

from apps.sources.adapters.base import Unreadable
from apps.sources.adapters.imap.adapter import Imap
from tests.sources.conftest import FIXTURES

STORED_AT = "2026-03-02T12:00:00+00:00"


def payload(content, **changes):
    return {
        "folder": "INBOX",
        "uidvalidity": 7,
        "uid": 12,
        "size": len(content),
        "stored_at": STORED_AT,
        "mail": content.decode("utf-8", "surrogateescape"),
        **changes,
    }


def read(content, **changes):
    adapter = Imap(Imap.Config(username="support@smachno.example"), source_id=5)
    (envelope,) = adapter.envelopes(payload(content, **changes))
    return envelope


def recorded(name):
    return read((FIXTURES / "imap" / f"{name}.eml").read_bytes())


def mail(body="Прод лежить", **headers):
    values = {"From": "a@b.example", "Subject": "S", "Message_ID": "<1@b.example>", **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in values.items() if value]
    return "\r\n".join([*lines, "", body]).encode()


def test_an_answer_from_outlook_is_its_own_words_without_the_chain_below():
    envelope = recorded("outlook_reply")

    assert envelope.text == (
        "Доброго дня!\n\n"
        "Після оновлення не працює експорт:\n\n"
        "1. Відкриваю звіти (https://crm.smachno.example/reports?id=5)\n"
        "2. Тисну «Завантажити» – помилка 500"
    )
    assert (envelope.author_id, envelope.author_name) == ("iryna@client.example", "Коваль, Ірина")
    assert envelope.topic == "first-1@client.example"
    assert envelope.reply_to == "answer-2@smachno.example"
    assert envelope.sent_at.isoformat() == "2026-03-02T09:31:12+02:00"
    assert envelope.raw["subject"] == "RE: Експорт"
    assert "Уточніть, будь ласка" not in envelope.raw["text"]  # another person's words


def test_an_answer_from_gmail():
    envelope = recorded("gmail_reply")

    assert envelope.text.startswith("Так, тепер і в мене.")
    assert envelope.text.endswith("Скріншот додам пізніше.")
    assert (envelope.author_name, envelope.topic) == ("Олена Бондар", "taras-7@smachno.example")


def test_an_answer_from_apple_mail_between_the_lines():
    envelope = recorded("apple_reply")

    assert envelope.text == ("Still broken on iOS 18, see below.\n\n18.2, and the app is 4.1.0.")


@pytest.mark.parametrize(
    ("name", "text", "author"),
    [
        ("windows_1251", "Не друкує чеки\n\nПринтер їсть папір, а чек порожній. Код помилки Е-17.",
         "Склад"),
        ("koi8_u", "Сайт недоступний\n\nСайт їдальні не відкривається з ґаджетів, помилка 403.",
         "Юрій"),
        ("wrong_charset", "Платіж\n\nПлатіж списано двічі, а замовлення немає.", "a@client.example"),
    ],
)  # fmt: skip
def test_alphabets_are_read_as_they_are_not_as_they_are_declared(name, text, author):
    envelope = recorded(name)

    assert (envelope.text, envelope.author_name) == (text, author)


def test_a_mailing_list_is_a_chat_of_its_own():
    envelope = recorded("mailing_list")

    assert envelope.chat.external_id == "list:dev.lists.smachno.example"
    assert (envelope.chat.title, envelope.chat.kind) == ("Developers of Smachno", "group")
    assert envelope.text == (
        "[dev] Build is red\n\n"
        "The build of main is red since this morning: the tests of payments fail.\n\n"
        "On Monday Olena wrote nothing about it, so I ask here."
    )
    assert not envelope.is_from_bot


@pytest.mark.parametrize("name", ["bounce", "auto_reply"])
def test_what_no_person_has_sent_is_from_a_bot(name):
    envelope = recorded(name)

    assert envelope.is_from_bot
    assert "payment page" not in envelope.text


@pytest.mark.parametrize(
    ("headers", "is_bot"),
    [
        ({}, False),
        ({"Auto_Submitted": "no"}, False),
        ({"Precedence": "bulk"}, True),
        ({"X_Autoreply": "yes"}, True),
        ({"From": "No-Reply <no-reply@b.example>"}, True),
        ({"From": "noreply+17@b.example"}, True),
        ({"From": "Norep Lyman <norep@b.example>"}, False),
        ({"Return_Path": "<>"}, True),
    ],
)
def test_a_robot_is_known_by_its_headers(headers, is_bot):
    assert read(mail(**headers)).is_from_bot == is_bot


def test_files_are_kept_by_name():
    envelope = recorded("attachment")

    assert envelope.files == ("Знімок екрана.png", "Чек № 17.pdf")
    assert envelope.text == "Receipt\n\nThe receipt is wrong, see the files."


def test_a_mail_without_an_id_and_with_a_wrong_date_is_known_by_its_bytes():
    envelope = recorded("without_id")
    content = (FIXTURES / "imap" / "without_id.eml").read_bytes()

    assert envelope.external_id == read(content, uidvalidity=8, uid=1).external_id
    assert envelope.external_id.startswith("sha256:")
    assert envelope.sent_at.isoformat() == STORED_AT


def test_a_subject_alone_is_a_message():
    assert recorded("empty_body").text == "The site is down!!!"


def test_what_is_passed_on_is_said():
    envelope = recorded("forward")

    assert "Гляньте, будь ласка." in envelope.text
    assert "Checkout does not accept Visa cards." in envelope.text


def test_a_mail_of_the_folder_is_in_the_chat_of_the_folder():
    first, other = read(mail()), read(mail(), folder="Баги")

    assert (first.chat.external_id, first.chat.title) == ("INBOX", "support@smachno.example")
    assert other.chat.title == "support@smachno.example / Баги"
    assert first.topic == first.external_id == "1@b.example"


def test_an_id_that_is_too_long_stays_the_same_id():
    long = f"<{'x' * 500}@b.example>"
    first = read(mail(Message_ID=long))
    answer = read(mail(Message_ID="<2@b.example>", In_Reply_To=long))

    assert len(first.external_id) <= 200
    assert answer.reply_to == answer.topic == first.external_id


@pytest.mark.parametrize(
    ("date", "wanted"),
    [
        ("", STORED_AT),
        ("Mon, 2 Mar 2026 08:00:00", "2026-03-02T08:00:00+00:00"),
        ("Mon, 2 Mar 2099 08:00:00 +0200", STORED_AT),
        ("Thu, 1 Jan 1970 00:00:00 +0000", STORED_AT),
        ("Mon, 99 Foo 2026", STORED_AT),
    ],
)
def test_a_clock_that_is_wrong_is_not_believed(date, wanted):
    assert read(mail(Date=date)).sent_at.isoformat() == wanted


def test_a_huge_mail_is_cut_and_read():
    body = "рядок тексту\r\n" * 100_000
    nested = "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n" * 500
    huge = read(mail(body)[:1_000_000])

    assert len(huge.text) == 20_000
    assert read(mail(nested, Content_Type="multipart/mixed; boundary=x")).text == "S"


@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe", b"hello", b"\r\n\r\nbody", b"{}"])
def test_what_is_no_mail_is_unreadable(content):
    with pytest.raises(Unreadable):
        read(content)


@pytest.mark.parametrize("changes", [{"mail": 5}, {"stored_at": "x"}, {"folder": ""}])
def test_a_payload_that_is_none_is_unreadable(changes):
    with pytest.raises(Unreadable):
        read(mail(), **changes)


@pytest.mark.parametrize(
    "headers",
    [
        {"From": "=?utf-8?B?////?= <x"},
        {"From": ", , ,"},
        {"From": "\udcff\udcfe <\udcff@b.example>"},
        {"Subject": "=?no-such?Q?=D0=9F?="},
        {"Subject": "=?utf-8?B?abc?="},
        {"References": "<a <b> c"},
        {"List_Id": "<>"},
        {"Content_Type": "text/plain; charset*=x'y'%ff"},
        {"Content_Type": "multipart/mixed"},
        {"Content_Type": "text/html; charset=idna"},
        {"Content_Transfer_Encoding": "base64"},
        {"Content_Disposition": "attachment; filename*0*=x"},
    ],
    ids=str,
)
def test_malformed_headers_never_break_a_mail(headers):
    values = {"From": "a@b.example", "Subject": "S", "Message-ID": "<1@b.example>"}
    values |= {name.replace("_", "-"): value for name, value in headers.items()}
    text = "".join(f"{name}: {value}\r\n" for name, value in values.items()) + "\r\nbody"

    assert read(text.encode("utf-8", "surrogateescape")).source_id == 5


@pytest.mark.parametrize(
    "content",
    [
        mail(From="a" * 900_000),
        mail(Content_Type='text/plain; a="' + ";" * 900_000),
        mail(
            ('--b\r\nContent-Type: text/plain; a="' + ";" * 4000 + "\r\n\r\nhello\r\n") * 200,
            Content_Type="multipart/mixed; boundary=b",
        ),
    ],
    ids=["an address", "parameters", "many parts"],
)
def test_hostile_headers_take_no_time(content):
    started = time.process_time()
    read(content)

    assert time.process_time() - started < 5


@pytest.mark.parametrize("subtype", ["x-amp-html", "calendar"])
def test_only_plain_text_and_html_are_words(subtype):
    part = "--b\r\nContent-Type: text/{}\r\n\r\n{}\r\n"
    body = part.format(subtype, "BEGIN") + part.format("html", "<p>Прод лежить</p>") + "--b--"

    assert read(mail(body, Content_Type="multipart/alternative; boundary=b")).raw["text"] == (
        "Прод лежить"
    )
