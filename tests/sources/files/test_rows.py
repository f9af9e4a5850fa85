"""Tables and JSON lines: by the paths of an operator or by the usual names, and never all at once in memory."""

import io
import json
import tracemalloc

import pytest
from pydantic import ValidationError

from apps.sources.adapters.base import Skipped, Unreadable
from apps.sources.adapters.files import rows
from apps.sources.adapters.files.adapter import FileImport
from apps.sources.adapters.files.csv_rows import is_csv


def read(content, encoding="utf-8", **config):
    file = io.BytesIO(content.encode(encoding))
    return list(FileImport(FileImport.Config(**config), source_id=7).read(file))


TABLE = "id{0}text{0}author{0}sent_at\n5{0}привіт, світе{0}Олена{0}2026-03-02T09:00:00Z\n"


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251"])
def test_a_table_is_read_however_it_was_saved(delimiter, encoding):
    (envelope,) = read(TABLE.format(delimiter), encoding)

    assert (envelope.external_id, envelope.text) == ("file:5", "привіт, світе")
    assert (envelope.author_name, envelope.is_history) == ("Олена", True)
    assert envelope.sent_at.isoformat() == "2026-03-02T09:00:00+00:00"


def test_a_cell_may_have_lines_quotes_and_delimiters():
    (first, second) = read('Text,Author\r\n"one, ""two""\r\nthree",Olena\r\nfour,\r\n')

    assert first.text == 'one, "two"\r\nthree'
    assert (second.text, second.author_name) == ("four", "")


def test_a_bad_row_is_named_and_the_rest_is_read():
    first, many, nothing, last = read("text,id\na,1\nb,2,3\n,4\n\nc,5\n")

    assert (first.text, last.text) == ("a", "c")
    assert isinstance(many, Skipped)
    assert (many.where, many.reason) == ("line 3", "it has more cells than there are columns")
    assert (nothing.where, nothing.why) == ("line 4", "invalid")


@pytest.mark.parametrize("head", [b"\x89PNG\r\n\x1a\n\x01", b"\xff\xd8\x01,a\r\x02,b\n"])
def test_what_nobody_typed_is_no_table(head):
    assert not is_csv(io.BytesIO(head + b"a,b\rc" * 100))


@pytest.mark.parametrize("head", [b"\r\n", b"\n\n \n"])
def test_a_table_may_begin_with_empty_lines(head):
    assert is_csv(io.BytesIO(head + b"text,author\r\na,b\r\n"))


def test_a_quote_that_never_ends_takes_little_with_it():
    parts = read('text,id\n"a,1\n' + f"{'b' * 1000},2\n" * 300 + "c,3\n")

    assert isinstance(parts[0], Skipped)
    assert parts[-1].text == "c"


@pytest.mark.parametrize(
    "table",
    [
        pytest.param("text,author\rone,Olena\rtwo,Ivan\r", id="an old Mac's lines"),
        pytest.param(
            "sep=;\r\ntext;author\r\none;Olena\r\ntwo;Ivan\r\n", id="Excel's own first line"
        ),
        pytest.param(
            'text,"author\nof it",author\none,x,Olena\ntwo,,Ivan\n', id="a name of two lines"
        ),
    ],
)
def test_a_table_is_read_as_other_programs_write_it(table):
    first, second = read(table)

    assert [(one.text, one.author_name) for one in (first, second)] == [
        ("one", "Olena"),
        ("two", "Ivan"),
    ]


def test_old_mac_lines_are_whole_beyond_what_is_read_at_once():
    parts = read("text\r" + f"{'слово ' * 200}\r" * 2000)

    assert len({part.text for part in parts}) == 1


def test_a_cell_that_is_too_long_is_told_in_words_of_ours():
    long, short = read(f'text,id\n"{"x" * 200_000}",1\nb,2\n')

    assert long.reason == "a cell is longer than 131072 characters, or its quote does not end"
    assert short.text == "b"


@pytest.mark.parametrize(
    ("content", "remedy"),
    [
        (b"PK\x03\x04" + bytes(range(256)), "save the table as CSV"),
        ("text\tauthor\nПрод\tОлена\n".encode("utf-16"), "save it as CSV UTF-8"),
        (b'[{"text": "a"}, {"text": "b"}]', "its objects a line each"),
        (b'\xef\xbb\xbf[\n  {\n "text": "a"}\n]', "its objects a line each"),
    ],
)
def test_a_file_of_another_form_is_told_with_what_to_do(content, remedy):
    file = io.BytesIO(content)
    (told,) = FileImport(FileImport.Config(), source_id=7).read(file)

    assert (told.why, remedy in told.reason) == ("invalid", True)


def test_a_row_without_a_text_says_which_columns_there_are():
    (told,) = read("Назва,Хто\nщось,Олена\n")

    assert told.reason.endswith("What there is: “Назва”, “Хто”.")
    assert "щось" not in told.reason


def test_paths_say_what_is_what_in_a_table_and_in_json():
    paths = {"text": '["What happened"]', "author": "who", "chat": "room", "message": "n"}
    (cell,) = read("n,What happened,who,room\n1,502,31,dev\n", **paths)
    (line,) = read(json.dumps({"n": 1, "What happened": "502", "who": 31, "room": "dev"}), **paths)

    assert (cell.external_id, cell.text, cell.author_id) == ("dev:1", "502", "31")
    assert cell.external_id == line.external_id


@pytest.mark.parametrize(
    ("written", "config", "read_as"),
    [
        ("02.03.2026 11:00", {"time_zone": "Europe/Kyiv"}, "2026-03-02T11:00:00+02:00"),
        ("2.3.2026", {}, "2026-03-02T00:00:00+00:00"),
        ("2026-03-02 11:00", {"time_zone": "Europe/Kyiv"}, "2026-03-02T11:00:00+02:00"),
        ("1772442000", {}, "2026-03-02T09:00:00+00:00"),
        ("03/02/2026 09:00 AM", {"time_format": "%m/%d/%Y %I:%M %p"}, "2026-03-02T09:00:00+00:00"),
    ],
)
def test_times_are_read_as_programs_write_them(written, config, read_as):
    (envelope,) = read(f"text;date\nx;{written}\n", **config)

    assert envelope.sent_at.isoformat() == read_as


@pytest.mark.parametrize("written", ["yesterday", "31.02.2026", "32.01.2026 10:00"])
def test_a_time_that_is_none_is_said(written):
    (bad,) = read(f"text;date\nx;{written}\n")

    assert (bad.why, bad.where) == ("invalid", "line 2")


def test_a_row_without_an_id_keeps_the_one_that_is_made():
    table = "text,author\nok,Olena\nok,Olena\nno,Olena\n"

    ids = [envelope.external_id for envelope in read(table)]
    assert len(set(ids)) == 3
    assert ids == [envelope.external_id for envelope in read(table)]


def test_rows_without_an_id_are_not_remembered_for_ever(monkeypatch):
    monkeypatch.setattr(rows, "MANY", 100)
    seen = rows._Seen()
    assert [seen.count(str(n)) for n in range(1000)] == [1] * 1000
    assert len(seen._counts) == 100
    assert (seen.count("999"), seen.count("0")) == (2, 1)


def test_a_large_table_needs_little_memory():
    data = b"text,id\n" + b"".join(b"%s,%d\n" % (b"m" * 1000, n) for n in range(3_000))
    parts = FileImport(FileImport.Config(), source_id=7).read(io.BytesIO(data))
    tracemalloc.start()
    count = sum(1 for _ in parts)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert (count, peak < 1_000_000) == (3_000, True)


@pytest.mark.parametrize(
    "config",
    [{"time_zone": "Mars/Base"}, {"time_zone": "../etc"}, {"author": "a b"}, {"txt": "text"}],
)
def test_settings_that_cannot_work_are_refused(config):
    with pytest.raises(ValidationError):
        FileImport.Config(**config)


def test_a_preview_says_what_each_row_becomes():
    adapter = FileImport(FileImport.Config(), source_id=7)
    good, bad = adapter.preview("text,author\nok,Olena\na,b,c\n")

    assert (good.envelope.text, good.values["author_name"].state) == ("ok", "found")
    assert bad.reason.startswith("line 3: ")
    with pytest.raises(Unreadable):
        adapter.preview("neither")
