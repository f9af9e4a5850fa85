"""JSON lines: a bad line is named and the others are read."""

import io
import json

import pytest

from apps.sources.adapters.base import Skipped
from apps.sources.adapters.files.adapter import FileImport


def read(*lines):
    data = b"\n".join(
        line if isinstance(line, bytes) else json.dumps(line, ensure_ascii=False).encode()
        for line in lines
    )
    return list(FileImport(FileImport.Config(), source_id=7).read(io.BytesIO(data)))


def test_a_full_line_becomes_an_envelope():
    (envelope,) = read(
        {
            "id": 5,
            "text": "привіт",
            "author": "Олена",
            "author_id": 7,
            "sent_at": "2026-03-02T10:00:00+02:00",
            "chat": "Dev",
            "chat_id": -100,
            "reply_to": 4,
        }
    )

    assert (envelope.external_id, envelope.reply_to) == ("-100:5", "-100:4")
    assert (envelope.author_id, envelope.author_name, envelope.text) == ("7", "Олена", "привіт")
    assert envelope.sent_at.isoformat() == "2026-03-02T10:00:00+02:00"
    assert (envelope.chat.title, envelope.is_history) == ("Dev", True)


def test_text_is_enough_and_the_same_line_keeps_its_id():
    first = read({"text": "ok"}, {"text": "ok"}, {"text": "no"})
    again = read({"text": "ok"}, {"text": "ok"}, {"text": "no"})

    ids = [envelope.external_id for envelope in first]
    assert len(set(ids)) == 3
    assert ids == [envelope.external_id for envelope in again]


@pytest.mark.parametrize(
    "line",
    [b"{", b"[1]", b"null", b"\xff", b'{"id": 1}', b'{"text": 5.5e}', b'{"text": "a", "date": "x"}',
     b"[" * 100_000],
)  # fmt: skip
def test_a_bad_line_is_named_and_the_rest_is_read(line):
    first, bad, last = read({"text": "a"}, line, {"text": "b"})

    assert isinstance(bad, Skipped)
    assert (bad.why, bad.where, bool(bad.reason)) == ("invalid", "line 2", True)
    assert (first.text, last.text) == ("a", "b")


def test_a_bad_first_line_does_not_hide_the_format():
    bad, good = read(b"{oops", {"text": "b"})

    assert (bad.where, good.text) == ("line 1", "b")


def test_empty_lines_and_a_byte_order_mark_are_nothing():
    (envelope,) = read(b'\xef\xbb\xbf{"text": "a"}', b"", b"  ", b"")

    assert envelope.text == "a"


def test_a_last_line_that_is_cut_off_is_a_bad_line():
    good, bad = read({"text": "a"}, b'{"text": "b')

    assert (good.text, bad.where) == ("a", "line 2")


def test_the_names_of_the_api_are_read_too():
    (envelope,) = read({"content": "down", "timestamp": "2026-03-02T09:00:00Z"})

    assert (envelope.text, envelope.sent_at.year) == ("down", 2026)
