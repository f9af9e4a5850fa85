"""The documents name every variable and command there is, and no link is broken."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PASSWORDS = ("POSTGRES_PASSWORD", "NATS_PASSWORD", "VALKEY_PASSWORD")
COMMANDS = sorted(
    path.stem
    for folder in ("apps", "tasktracker")
    for path in (ROOT / folder).glob("**/management/commands/*.py")
    if path.stem != "__init__"
)


class SettingReads(ast.NodeVisitor):
    """Every variable that a module takes from the environment, with its default where it is plain."""

    def __init__(self) -> None:
        self.found: dict[str, object] = {}

    def visit_Call(self, node: ast.Call) -> None:
        words = ast.unparse(node.func)
        if re.fullmatch(r"env(\.\w+)?|kept_secret|os\.environ\.get", words) and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                self.found.setdefault(name.value, _default(node))
        self.generic_visit(node)


def _default(node: ast.Call) -> object:
    for keyword in node.keywords:
        if keyword.arg == "default":
            try:
                return ast.literal_eval(keyword.value)
            except ValueError:
                return None
    return None


def variables() -> dict[str, object]:
    reads = SettingReads()
    for path in [
        *(ROOT / "tasktracker/settings").glob("*.py"),
        ROOT / "tasktracker/devstack/folder.py",
        ROOT / "tasktracker/management/commands/up.py",
    ]:
        reads.visit(ast.parse(path.read_text()))
    return reads.found


VARIABLES = variables()


@pytest.mark.parametrize("name", [*VARIABLES, *PASSWORDS])
def test_every_variable_is_in_the_example(name: str):
    assert re.search(rf"^#?{name}=", (ROOT / ".env.example").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", [*VARIABLES, *PASSWORDS])
def test_every_variable_is_documented_with_its_default(name: str):
    pages = (ROOT / "docs/configuration.md").read_text()
    row = re.search(rf"^\| `{name}` \|([^|]*)\|", pages, re.MULTILINE)

    assert row is not None
    default = VARIABLES.get(name)
    if isinstance(default, list):
        default = ",".join(default)
    if default is not None and default != "":
        assert f"`{default}`" in row[1].replace("`true`", "`True`").replace("`false`", "`False`")


def test_the_example_names_nothing_that_nobody_reads():
    named = set(re.findall(r"^#?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert named <= {*VARIABLES, *PASSWORDS, "COMPOSE_PROFILES"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str):
    assert re.search(rf"^#+ .*`{command}\b", (ROOT / "docs/commands.md").read_text(), re.MULTILINE)


def test_links_between_documents_lead_somewhere():
    broken = [
        f"{page.relative_to(ROOT)} -> {target}"
        for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
        if "://" not in target and not (page.parent / target).exists()
    ]

    assert broken == []


def test_production_settings_pass_the_deployment_check_with_what_is_required():
    required = re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    values = {
        "SECRET_KEY": "correct-horse-battery-staple-0123456789-abcdefghij-KLMNOP",
        "FIELD_ENCRYPTION_KEYS": "u6Tn7nM1Tn5oVwqJrX0wC5b8m3tHq8J2k1yY3Zl0m9A=",
        "ALLOWED_HOSTS": "tasktracker.example.com",
    }
    assert set(required) == {*values, *PASSWORDS}

    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "check", "--deploy", "--fail-level=WARNING"],
        env={
            **values,
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "tasktracker.settings.production",
            "DATABASE_URL": os.environ["DATABASE_URL"],
            "DATA_DIR": os.environ["DATA_DIR"],
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
