"""What is masked, what is left alone, and that all of it comes back."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasktracker.lib import pii

TOKEN = "8123456789:AAHk3f-9dQ2xLmPz_7vRtYw1sBnCe4uGi0o"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7-x\n-----END RSA PRIVATE KEY-----"

MASKED = [
    ("подзвони +380671234567 зараз", "подзвони [PHONE_1] зараз"),
    ("тел. +38 (067) 123-45-67", "тел. [PHONE_1]"),
    ("мій 067 123 45 67, пиши", "мій [PHONE_1], пиши"),
    ("0671234567", "[PHONE_1]"),
    ("380 67 123 45 67", "[PHONE_1]"),
    ("80671234567", "[PHONE_1]"),
    ("call +44 20 7946 0958.", "call [PHONE_1]."),
    ("call 0044 20 7946 0958", "call [PHONE_1]"),
    ("пишіть на olena.k@smachno.com.ua.", "пишіть на [EMAIL_1]."),
    ("from <o'brien+x@mail.example>", "from <[EMAIL_1]>"),
    ("з 203.0.113.7 лізуть", "з [IP_1] лізуть"),
    ("http://10.1.2.3:8080/x", "http://[IP_1]:8080/x"),
    ("ping 2001:db8::ff00:42:8329", "ping [IP_1]"),
    ("картка 4111 1111 1111 1111", "картка [CARD_1]"),
    ("5555555555554444", "[CARD_1]"),
    ("amex 3782 822463 10005", "amex [CARD_1]"),
    ("на UA213223130000026007233566001", "на [IBAN_1]"),
    ("UA21 3223 1300 0002 6007 2335 6600 1", "[IBAN_1]"),
    ("DE89 3704 0044 0532 0130 00 ok", "[IBAN_1] ok"),
    ("ІПН 1234567890", "ІПН [TAX_1]"),
    ("клієнт 3184710691", "клієнт [TAX_1]"),
    ("Authorization: Bearer abcDEF123456.xyz", "Authorization: Bearer [SECRET_1]"),
    (f"ось {JWT} і все", "ось [SECRET_1] і все"),
    ("OPENAI sk-proj-abcdEFGH1234567890xyz", "OPENAI [SECRET_1]"),
    ("ghp_abcdefghijklmnopqrstuvwxyz0123456789", "[SECRET_1]"),
    ("AKIAIOSFODNN7EXAMPLE", "[SECRET_1]"),
    (f"бот {TOKEN}", "бот [SECRET_1]"),
    (f"ключ:\n{KEY}\nось", "ключ:\n[SECRET_1]\nось"),
    ("password=hunter2", "password=[SECRET_1]"),
    ('"api_key": "Zx81-kk2"', '"api_key": "[SECRET_1]"'),
    ("пароль: Qwerty123!", "пароль: [SECRET_1]"),
    ("postgres://app:s3cr3t@db:5432/x", "postgres://app:[SECRET_1]@db:5432/x"),
    ("d41d8cd98f00b204e9800998ecf8427e", "[SECRET_1]"),
    ("Zk8vQ2xLmPz7vRtYw1sBnCe4uGi0oHk3f9dAqW5", "[SECRET_1]"),
]

LEFT_ALONE = [
    "версія 1.2.3.4 і 10.0.19041.1",
    "Chrome/120.0.0.0 падає",
    "v2.14.3 -> 2.15.0-rc1",
    "PAY-1234, #56789, PR 1029384756",
    "замовлення 1234567890123456",
    "замовлення №3184710691",
    "order 0123456789",
    "сума 1 250 000,50 грн, або $12500.99",
    "2026-11-21 14:05:33.123456",
    "21.11.2026 о 14:05",
    "epoch 1772442000 і 1772442000123",
    "chat -1001234567890",
    "127.0.0.1:8000 і 0.0.0.0, ::1",
    "password is wrong, пароль: не підходить",
    "забув пароль - скинь будь ласка",
    "token: expired",
    "std::vector, Foo::Bar, 12:30:45",
    "@olena глянь @team",
    "550e8400-e29b-41d4-a716-446655440000",
    "AbstractSingletonProxyFactoryBeanConfigurationManager",
    "/usr/local/lib/python3.11/site-packages/django/core/handlers/base.py",
    "com.example.payments.internal.PaymentServiceImpl2Test",
    "502 на всіх сторінках, 1000 rps, p99 350ms, 10 000 000 рядків",
    "sk-1, gh_p, Bearer у заголовку",
    "4111 1111 1111 1112",
    "UA213223130000026007233566002",
]


@pytest.mark.parametrize(("text", "expected"), MASKED, ids=[text[:30] for text, _ in MASKED])
def test_what_must_not_leave_is_masked(text, expected):
    assert pii.mask(text)[0] == expected


@pytest.mark.parametrize("text", LEFT_ALONE)
def test_versions_tickets_amounts_and_dates_stay(text):
    assert pii.mask(text) == (text, {})


def test_the_same_value_gets_the_same_placeholder():
    masked, originals = pii.mask("a@b.com, c@d.com, a@b.com")

    assert masked == "[EMAIL_1], [EMAIL_2], [EMAIL_1]"
    assert originals == {"[EMAIL_1]": "a@b.com", "[EMAIL_2]": "c@d.com"}


def test_texts_of_one_prompt_share_their_placeholders():
    masker = pii.Masker()

    assert (masker.mask("від a@b.com"), masker.mask("a@b.com!")) == ("від [EMAIL_1]", "[EMAIL_1]!")


def test_a_placeholder_written_in_the_chat_does_not_borrow_a_value():
    masker = pii.Masker()
    masked = masker.mask("a@b.com каже [EMAIL_1]")

    assert masked == "[EMAIL_1] каже [TEXT_1]"
    assert masker.unmask(masked) == "a@b.com каже [EMAIL_1]"


PIECES = st.sampled_from([text for text, _ in MASKED] + LEFT_ALONE + ["[PHONE_1]", "[TEXT_1]"])


@given(st.lists(st.one_of(PIECES, st.text(max_size=40)), max_size=6))
@settings(max_examples=200, deadline=None)
def test_whatever_was_masked_comes_back(pieces):
    text = " ".join(pieces)
    masker = pii.Masker()

    assert masker.unmask(masker.mask(text)) == text


@given(st.lists(PIECES, max_size=4))
@settings(max_examples=100, deadline=None)
def test_no_original_is_left_in_the_masked_text(pieces):
    masked, originals = pii.mask("\n".join(pieces))
    # The same digits may be somebody's tax number in one line and an order's in the next.
    changed = "\n".join(line for line in masked.splitlines() if line not in LEFT_ALONE)

    for placeholder, value in originals.items():
        if not placeholder.startswith("[TEXT"):
            assert len(value) < 6 or not re.search(rf"(?<!\w){re.escape(value)}(?!\w)", changed)


UGLY = [
    "1", "1 ", "1.", "1.1.1.", "a.", "a@", "a@a.", "-----BEGIN PRIVATE KEY-----", "-----BEGIN ",
    "password=", "password: ", "eyJaaaaaaaaa.", "://a:", "AA11", "AA11 ", "0:", ":", "f", "Aa1", "+", "(", "[A_",
    "+380", "0 0", "sk-", "Bearer ", "a'", "- ", "1-", "1234 ", "ІПН ", "3184710691 ",
]  # fmt: skip


@pytest.mark.parametrize("piece", UGLY)
def test_long_ugly_text_takes_linear_time(piece):
    def seconds(length: int) -> float:
        text = (piece * length)[:length]
        started = time.process_time()
        pii.find(text)
        return time.process_time() - started

    assert min(seconds(40_000) for _ in range(2)) < 1.0  # quadratic time would be minutes
