import io
import os
import subprocess
import sys

from tasktracker.devstack.child import Child
from tasktracker.devstack.log import Log


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_stand_aligned_behind_the_names_of_their_processes():
    stream = io.StringIO()
    log = Log(["web", "worker-llm"], stream)

    log.line("web", "one")
    log.line("worker-llm", "two")
    log.say("three\nfour")

    assert stream.getvalue().splitlines() == [
        "web        | one",
        "worker-llm | two",
        "up         | three",
        "up         | four",
    ]


def test_terminal_gets_a_colour_per_process():
    stream = Terminal()
    log = Log(["web", "beat"], stream)

    log.line("web", "x")
    log.line("beat", "x")

    first, second = stream.getvalue().splitlines()
    assert first.startswith("\x1b[")
    assert first.split("m")[0] != second.split("m")[0]


def test_both_outputs_of_a_child_are_copied_whatever_their_bytes_are():
    stream = io.StringIO()
    program = "import sys; sys.stdout.buffer.write(b'\\xff \\xd1\\x97\\n'); sys.stdout.flush(); sys.exit('bad')"
    child = Child(
        "web", [sys.executable, "-c", program], environment=dict(os.environ), output=subprocess.PIPE
    )

    Log(["web"], stream).follow(child).join(timeout=20)

    assert stream.getvalue().splitlines() == ["web | \ufffd ї", "web | bad"]
    child.kill()


def test_lines_of_processes_wait_while_a_progress_bar_has_the_terminal():
    stream = Terminal()
    log = Log(["web"], stream)

    with log.holding_processes():
        log.line("web", "later")
        log.say("now")
        assert "now" in stream.getvalue()
        assert "later" not in stream.getvalue()

    assert stream.getvalue().endswith("later\n")


def test_reader_that_went_away_is_noticed():
    stream = io.StringIO()
    log = Log(["web"], stream)
    stream.close()

    log.say("anybody?")

    assert log.is_broken
