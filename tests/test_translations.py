"""The Ukrainian catalogue is whole, and pages in Ukrainian have no English left."""

import ast
import gettext
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.template.loader import get_template
from django.test import Client
from django.urls import reverse
from django.utils import translation

from apps.exports.trackers import TRACKERS
from apps.messages.entities.extract import KINDS
from apps.sources.adapters import ADAPTERS
from apps.sources.admin.plugin_form import form_for
from apps.sources.envelope import ChatKind
from apps.sources.models import Project
from tasktracker.lib.plugins import PlugIn

CATALOGUE = Path(settings.BASE_DIR, "locale", "uk", "LC_MESSAGES", "django.po")
FORMS = 4  # one, few, many, fractions
PLACEHOLDER = re.compile(r"%\(\w+\)(?:\.\d+)?[a-z]|%s|\{\w*(?::\w+)?\}")
#: Names that stay as they are in every language; the last three are our groups and the reader.
NAMES = {"Task Tracker", "English", "API", "esc", "Operator", "Viewer", "administrator"}


class Entry(NamedTuple):
    sources: list[str]  # with the plural form, if there is one
    translations: list[str]
    context: str = ""


def entries() -> list[Entry]:
    """Every text of the catalogue but its header."""
    found = []
    for block in CATALOGUE.read_text(encoding="utf-8").split("\n\n")[1:]:
        texts: dict[str, str] = {}
        keyword = ""
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            if not line.startswith('"'):
                keyword, line = line.split(" ", 1)
                texts[keyword] = ""
            texts[keyword] += ast.literal_eval(line)
        if not texts:  # an obsolete one, which has a test of its own
            continue
        found.append(
            Entry(
                [text for name, text in texts.items() if name.startswith("msgid")],
                [text for name, text in texts.items() if name.startswith("msgstr")],
                texts.get("msgctxt", ""),
            )
        )
    return found


def known_texts() -> set[str]:
    return {entry.sources[0] for entry in entries()}


def test_every_text_is_translated_in_all_its_forms() -> None:
    wanted = {True: FORMS, False: 1}
    lacking = [
        entry.sources[0]
        for entry in entries()
        if len(entry.translations) != wanted[len(entry.sources) > 1]
        or not all(text.strip() for text in entry.translations)
    ]

    assert entries()
    assert lacking == []


def test_nothing_is_fuzzy_or_obsolete() -> None:
    lines = CATALOGUE.read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if line.startswith("#~")] == []
    assert [line for line in lines if line.startswith("#,") and "fuzzy" in line] == []


def test_translations_keep_every_placeholder() -> None:
    wrong = [
        (entry.sources[0], text)
        for entry in entries()
        for text in entry.translations
        if sorted(PLACEHOLDER.findall(text)) != sorted(PLACEHOLDER.findall(entry.sources[0]))
    ]

    assert wrong == []


def test_compiled_catalogue_is_up_to_date() -> None:
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        compiled: dict[Any, str] = dict(gettext.GNUTranslations(file)._catalog)
    del compiled[""]

    written: dict[Any, str] = {}
    for entry in entries():
        # As gettext joins them.
        source = f"{entry.context}\x04{entry.sources[0]}" if entry.context else entry.sources[0]
        if len(entry.sources) > 1:
            written |= {(source, form): text for form, text in enumerate(entry.translations)}
        else:
            written[source] = entry.translations[0]
    assert compiled == written


@pytest.mark.parametrize("registry", [ADAPTERS, TRACKERS], ids=["sources", "trackers"])
def test_settings_of_plug_ins_have_ukrainian_labels(registry: dict[str, PlugIn]) -> None:
    with translation.override("en"):
        labels = {str(plug_in.label) for plug_in in registry.values()}
        for field in form_for(registry, None).declared_fields.values():
            labels.add(str(field.label))
            labels.update(str(label) for _value, label in getattr(field, "choices", []))

    assert labels
    assert labels <= known_texts()


def test_stored_words_have_ukrainian_ones() -> None:
    assert {*get_args(ChatKind), *KINDS, "chat", "text", "rules", "local"} <= known_texts()


class VisibleText(HTMLParser):
    """What a person reads: texts, and the attributes that are shown or read aloud."""

    SILENT = frozenset({"script", "style", "template", "noscript", "option"})
    SHOWN = frozenset({"title", "placeholder", "aria-label", "alt"})

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.texts += [value.strip() for name, value in attrs if name in self.SHOWN and value]
        is_icon = any("material-symbols" in (value or "") for _name, value in attrs)
        if tag in self.SILENT or (is_icon and tag == "span"):
            self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data: str) -> None:
        if not self.inside:
            self.texts.append(" ".join(data.split()))


def english_in(page: str) -> Iterator[str]:
    reader = VisibleText()
    reader.feed(page)
    for text in reader.texts:
        is_latin = re.search(r"[A-Za-z]{3}", text) and not re.search(r"[А-яЄІЇєії]", text)
        if is_latin and text not in NAMES:
            yield text


@pytest.fixture
def reader(project: Project) -> Client:
    client = Client(headers={"accept-language": "uk"})
    client.force_login(User.objects.create_superuser("administrator"))
    return client


@pytest.mark.parametrize(
    "name",
    [
        "team",
        "admin:index",
        "admin:password_change",
        "admin:issues_issue_changelist",
        "admin:issues_issue_add",
        "admin:chat_messages_message_changelist",
        "admin:exports_taskexport_changelist",
        "admin:exports_tracker_changelist",
        "admin:exports_tracker_add",
        "admin:sources_project_add",
        "admin:sources_source_changelist",
        "admin:sources_source_add",
        "admin:sources_chat_changelist",
        "admin:sources_deadletter_changelist",
        "admin:auth_user_changelist",
        "admin:auth_user_add",
        "admin:authtoken_tokenproxy_changelist",
        "admin:authtoken_tokenproxy_add",
    ],
)
def test_page_in_ukrainian_has_no_english(name: str, reader: Client) -> None:
    page = reader.get(reverse(name))

    assert page.status_code == 200
    assert 'lang="uk"' in page.text
    assert list(english_in(page.text)) == []


@pytest.mark.parametrize("address", ["/admin/login/", "/login/"])
def test_login_in_ukrainian_has_no_english(address: str, db: None) -> None:
    page = Client(headers={"accept-language": "uk"}).get(address)

    assert page.status_code == 200
    assert list(english_in(page.text)) == []


def test_page_that_is_not_there_says_so_in_ukrainian(db: None) -> None:
    page = Client(headers={"accept-language": "uk"}).get("/nothing-is-here/")

    assert page.status_code == 404
    assert "Такої сторінки немає" in page.text
    assert list(english_in(page.text)) == []


@pytest.mark.parametrize("code", ["400", "403", "403_csrf", "404", "500"])
def test_page_of_an_error_needs_no_request(code: str) -> None:
    with translation.override("uk"):
        page = get_template(f"{code}.html").render()

    assert 'lang="uk"' in page
    assert list(english_in(page)) == []


def test_scripts_of_the_admin_speak_ukrainian(reader: Client) -> None:
    texts = reader.get(reverse("admin:jsi18n")).text

    assert json.dumps("(натисніть, щоб очистити)") in texts


def test_no_text_is_hidden_from_gettext_in_an_f_string():
    hidden = [
        f"{path}:{call.lineno}"
        for folder in ("apps", "tasktracker")
        for path in Path(settings.BASE_DIR, folder).rglob("*.py")
        for string in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(string, ast.JoinedStr)
        for call in ast.walk(string)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in ("_", "gettext", "gettext_lazy", "ngettext")
    ]

    assert hidden == []
