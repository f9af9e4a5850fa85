"""Every page of the admin opens, for everybody who may open it, in both languages."""

import logging
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import unfold
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from rest_framework.authtoken.models import TokenProxy

from apps.exports.models import ExportPolicy, TaskExport, Tracker
from apps.issues.models import DayAnalysis, Issue
from apps.messages.models import Message, ModelVersion, Rule
from apps.sources.models import (
    Author,
    Chat,
    DeadLetter,
    Gap,
    GlossaryTerm,
    HistoryImport,
    Project,
    Source,
)

LANGUAGES = ["uk", "en"]
MODELS = [
    Project,
    Source,
    Chat,
    DeadLetter,
    Gap,
    HistoryImport,
    GlossaryTerm,
    Author,
    Message,
    Rule,
    ModelVersion,
    Issue,
    DayAnalysis,
    Tracker,
    TaskExport,
    ExportPolicy,
    User,
    Group,
    TokenProxy,
]
ROLES = ["administrator", "operator", "viewer"]
PAGES = ["changelist", "add", "change", "history", "delete"]

OUR_TEMPLATES = Path(settings.BASE_DIR, "templates", "admin")
THEIR_TEMPLATES = [Path(module.__file__ or "").parent / "templates" for module in (unfold, admin)]


@cache
def names_in(folder: Path) -> set[str]:
    """Every name that the variables of these templates look up."""
    names: set[str] = set()
    for path in folder.rglob("*.html"):
        for expression in re.findall(
            r"\{\{(.+?)\}\}|\{% (?:if|for|with)(.+?)%\}", path.read_text()
        ):
            names.update(re.findall(r"[a-z_]+", " ".join(expression)))
    return names


@pytest.fixture
def missing_variables() -> Iterator[set[str]]:
    """Names of our templates that Django did not find while it made the pages of a test."""
    # Unfold and Django leave out many names of their own; only ours are ours to give.
    ours = names_in(OUR_TEMPLATES).difference(*map(names_in, THEIR_TEMPLATES)) - {"look"}
    missing: set[str] = set()

    def note(record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and str(record.args[0]) in ours:
            missing.add(str(record.args[0]))
        return False

    logger = logging.getLogger("django.template")
    level = logger.level
    logger.addFilter(note)
    logger.setLevel(logging.DEBUG)
    yield missing
    logger.setLevel(level)
    logger.removeFilter(note)


def address(model: Any, page: str, row: Any) -> str:
    options = model._meta
    name = f"admin:{options.app_label}_{options.model_name}_{page}"
    return reverse(name, args=[] if page in ("changelist", "add") else [row.pk])


def may_open(user: Any, model: Any, page: str, row: Any) -> bool:
    model_admin = admin.site._registry[model]

    class Request:
        pass

    request: Any = Request()
    request.user = user
    if page == "add":
        return bool(model_admin.has_add_permission(request))
    if page == "delete":
        return bool(model_admin.has_delete_permission(request, row))
    return bool(model_admin.has_view_or_change_permission(request, row))


def test_every_registered_model_is_visited():
    assert set(admin.site._registry) == set(MODELS)


@pytest.mark.parametrize("model", MODELS)
def test_every_page_of_a_model_opens(
    model: Any,
    all_rows: dict[type, Any],
    people: dict[str, User],
    client_of: Callable[[str], Client],
    missing_variables: set[str],
    subtests: pytest.Subtests,
):
    row = all_rows[model]
    for role, language in product(ROLES, LANGUAGES):
        client = client_of(role)
        client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
        for page in PAGES:
            with subtests.test(role=role, language=language, page=page):
                response = client.get(address(model, page, row))

                allowed = may_open(people[role], model, page, row)
                assert response.status_code == (200 if allowed else 403)
                if allowed:
                    check_content(response.content.decode(), language)
    assert missing_variables == set()


def check_content(content: str, language: str) -> None:
    assert f'lang="{language}"' in content
    assert "<script>alert(1)" not in content
    assert "very-secret-token" not in content
    assert 'href="https://evil.example' not in content
    assert 'href="javascript:' not in content


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("role", ROLES)
def test_the_other_pages_open(
    role: str,
    language: str,
    rows: dict[type, Any],
    client_of: Callable[[str], Client],
    missing_variables: set[str],
):
    client = client_of(role)
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    addresses = [
        reverse("admin:index"),
        reverse("admin:password_change"),
        reverse("admin:jsi18n"),
        reverse("admin:search") + "?s=i",
        reverse("admin:exports_taskexport_outbox"),
        reverse("admin:exports_taskexport_preview", args=[rows[Issue].pk]),
        *(reverse("admin:app_list", args=[label]) for label in ("sources", "issues", "exports")),
    ]
    if role != "viewer":
        addresses.append(f"{reverse('admin:issues_issue_merge')}?ids={rows[Issue].pk}")

    for page in addresses:
        response = client.get(page)

        assert response.status_code == 200, page
        assert "<script>alert(1)" not in response.content.decode()
    assert missing_variables == set()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.django_db
def test_the_login_page_opens_in_the_language_of_the_browser(client: Client, language: str):
    response = client.get(reverse("admin:login"), headers={"accept-language": language})

    assert response.status_code == 200
    assert f'lang="{language}"' in response.content.decode()


def test_logging_in_leads_to_the_overview(client: Client, people: dict[str, User]):
    people["viewer"].set_password("long enough to be kept")
    people["viewer"].save()
    response = client.post(
        reverse("admin:login"), {"username": "viewer", "password": "long enough to be kept"}
    )

    assert response.headers["Location"] == reverse("admin:index")


def test_one_entry_of_the_sidebar_is_the_current_one(operator: Client):
    for query, entry in (("?status__exact=new", "Review"), ("", "Issues")):
        page = operator.get(reverse("admin:issues_issue_changelist") + query)
        current = [
            str(item["title"])
            for group in page.context["sidebar_navigation"]
            for item in group["items"]
            if item["active"]
        ]
        assert current == [entry]


def test_the_language_switch_changes_the_page(operator: Client):
    index = reverse("admin:index")
    operator.post(reverse("set_language"), {"language": "uk", "next": index})

    assert 'lang="uk"' in operator.get(index).content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "?status__exact=new",
        "?q=alert&o=-3.1",
        "?priority__exact=critical&category__exact=bug",
        "?status__in=new,approved,in_progress&priority__exact=high",
        "?reported_at_from=2026-01-01&reported_at_to=2026-12-31",
        "?reported_at__year=2026",
        "?p=99999",
        "?status__exact=nonsense",
    ],
)
def test_lists_of_issues_open_with_filters(operator: Client, rows: dict[type, Any], query: str):
    response = operator.get(reverse("admin:issues_issue_changelist") + query, follow=True)

    assert response.status_code == 200


def test_a_search_finds_part_of_a_word_by_text_or_author(operator: Client, rows: dict[type, Any]):
    inbox = reverse("admin:chat_messages_message_changelist")
    Message.objects.update(author="Олена Петренко", text="Не відкривається Каталог")

    assert f"/message/{rows[Message].pk}/" in operator.get(inbox + "?q=каталог").content.decode()
    assert f"/message/{rows[Message].pk}/" in operator.get(inbox + "?q=петрен").content.decode()
    assert f"/message/{rows[Message].pk}/" not in operator.get(inbox + "?q=кошик").content.decode()


@pytest.mark.parametrize("name", ["issues_issue", "chat_messages_message"])
def test_live_lists_carry_the_hook_of_the_script(
    operator: Client, rows: dict[type, Any], name: str
):
    content = operator.get(reverse(f"admin:{name}_changelist")).content.decode()

    assert "data-live-list" in content
    assert 'id="changelist-form"' in content


@pytest.mark.parametrize("model", [Message, Issue])
def test_scripts_find_their_texts_where_something_is_deleted(
    administrator: Client, all_rows: dict[type, Any], model: Any
):
    row = all_rows[model]
    chosen = {"action": "delete_selected", "_selected_action": [row.pk]}

    for page in (
        administrator.get(address(model, "delete", row)),
        administrator.post(address(model, "changelist", row), chosen),
    ):
        content = page.content.decode()
        assert content.index(reverse("admin:jsi18n")) < content.index("admin/js/")


def test_a_group_is_deleted_with_its_name_only(administrator: Client, groups: dict[str, Group]):
    page = administrator.get(reverse("admin:auth_group_delete", args=[groups["Viewer"].pk]))

    assert "Viewer" in page.content.decode()
    assert "Group_permissions object" not in page.content.decode()


def test_the_count_of_a_list_needs_no_case(operator: Client, rows: dict[type, Any]):
    content = operator.get(reverse("admin:sources_glossaryterm_changelist")).content.decode()

    assert "Glossary: 1" in content


def test_the_page_to_print_has_an_icon(operator: Client, rows: dict[type, Any]):
    address = reverse("admin:issues_dayanalysis_print", args=[rows[DayAnalysis].pk])

    assert 'rel="icon"' in operator.get(address).content.decode()
