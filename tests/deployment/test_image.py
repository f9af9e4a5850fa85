"""The Dockerfile cannot be built here; what it says is checked instead."""

import json
import re
import shlex
from pathlib import Path

from tasktracker.devstack.processes import PROCESSES

ROOT = Path(__file__).parents[2]


def instructions(text: str) -> list[tuple[str, str]]:
    """The Dockerfile's instructions, continued lines joined."""
    lines = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE)
    joined = re.sub(r"\\\n\s*", " ", lines)
    return [
        (word.upper(), rest.strip())
        for word, _space, rest in (line.partition(" ") for line in joined.splitlines() if line)
    ]


DOCKERFILE = instructions((ROOT / "Dockerfile").read_text())
STARTS = [position for position, (word, _rest) in enumerate(DOCKERFILE) if word == "FROM"]
FINAL = DOCKERFILE[STARTS[-1] :]


def test_the_image_is_built_in_three_stages():
    assert [DOCKERFILE[start][1].split(" AS ")[1] for start in STARTS] == [
        "deps",
        "app",
        "production",
    ]


def test_the_image_does_not_run_as_root():
    (user,) = [rest for word, rest in FINAL if word == "USER"]

    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert all(word not in {"RUN", "COPY"} for word, _ in FINAL[FINAL.index(("USER", user)) :])


def test_the_image_starts_the_web_process():
    (command,) = [rest for word, rest in FINAL if word == "CMD"]

    assert json.loads(command) == shlex.split(PROCESSES[0].command)


def test_the_image_has_a_health_check():
    (check,) = [rest for word, rest in FINAL if word == "HEALTHCHECK"]

    assert check.endswith('CMD ["python", "deploy/healthcheck.py", "web"]')


def test_the_image_holds_no_secret():
    named = " ".join(rest for word, rest in DOCKERFILE if word in {"ENV", "ARG"})

    assert not re.search(r"SECRET|PASSWORD|KEYS|TOKEN", named)


def test_the_image_is_built_with_the_tools_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    version = re.search(r"UV_VERSION := (\S+)", makefile)

    assert version is not None
    assert ("ARG", f"UV_VERSION={version[1]}") in DOCKERFILE


def test_the_build_sees_only_what_it_copies():
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    sources = {
        rest.split()[0].split("/")[0]
        for word, rest in DOCKERFILE
        if word == "COPY" and not rest.startswith("--from")
    }

    assert "*" in lines
    assert {line[1:] for line in lines if line.startswith("!")} == sources
    assert all((ROOT / source).exists() for source in sources)
