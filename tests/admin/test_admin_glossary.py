"""The glossary: who edits it, and what it refuses."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from apps.sources.models import GLOSSARY_LIMIT, GlossaryTerm, Project

ADD = "admin:sources_glossaryterm_add"


def inline(project: Project, *rows: dict[str, Any], initial: int = 0) -> dict[str, Any]:
    values: dict[str, Any] = {
        "name": project.name,
        "slug": project.slug,
        "language": "uk",
        "timezone": "Europe/Kyiv",
        "policy": "cascade",
        "exported_quotes": "replace",
        "duplicate_window_hours": 24,
        "open_issue_days": 30,
        "closed_issue_days": 14,
        "run_minutes": 5,
        "raise_priority_from": 3,
        "is_active": "on",
        "glossary-TOTAL_FORMS": len(rows),
        "glossary-INITIAL_FORMS": initial,
    }
    for number, row in enumerate(rows):
        values |= {f"glossary-{number}-{name}": value for name, value in row.items()}
    return values


def test_an_operator_adds_a_term(operator: Client, project: Project):
    values = {"project": project.pk, "kind": "projects", "name": "Білінг", "aliases": "білінг*, "}
    operator.post(reverse(ADD), values)

    assert GlossaryTerm.objects.get().spellings == ("білінг*",)


def test_a_viewer_only_looks(viewer: Client, project: Project):
    term = GlossaryTerm.objects.create(project=project, name="Білінг")
    page = reverse("admin:sources_glossaryterm_change", args=[term.pk])

    assert viewer.get(page).status_code == 200
    assert viewer.post(page, {"name": "Mine"}).status_code == 403
    assert viewer.get(reverse(ADD)).status_code == 403


@pytest.mark.parametrize(
    "aliases",
    [
        "*",
        "a*",
        "ab*",
        "я",
        "* *",
        "білінг, , каса",
        ",",
        "!?",
        "бі*лінг",
        "білінг**",
        "нова *",
        ", білінг",
    ],
)
def test_an_alias_that_finds_nothing_or_everything_is_refused(
    operator: Client, project: Project, aliases: str
):
    values = {"project": project.pk, "kind": "projects", "name": "Білінг", "aliases": aliases}
    response = operator.post(reverse(ADD), values)

    assert response.status_code == 200
    assert response.context["errors"]
    assert not GlossaryTerm.objects.exists()


@pytest.mark.parametrize("aliases", ["", "білінг*", "нова пошт*, НП", "@olena_mrch", "C++,.NET"])
def test_other_aliases_are_taken(project: Project, aliases: str):
    GlossaryTerm(project=project, name="Білінг", aliases=aliases).full_clean()


@pytest.mark.parametrize("written", ["хаб\nНП", "хаб,\r\nНП", "хаб\n\n НП\n", "хаб, НП,"])
def test_a_line_each_is_as_good_as_commas(project: Project, written: str):
    term = GlossaryTerm(project=project, name="Courier hub", aliases=written)
    term.full_clean()

    assert term.spellings == ("хаб", "НП")


@pytest.mark.parametrize("name", ["*", "---", "білінг*", "1", "123", "a", "\u202ea\u200b"])
def test_a_name_is_a_word(project: Project, name: str):
    with pytest.raises(ValidationError):
        GlossaryTerm(project=project, name=name).full_clean()


@pytest.mark.parametrize("name", ["1С", "C#", "Go"])
def test_a_short_name_is_taken(project: Project, name: str):
    GlossaryTerm(project=project, name=name).full_clean()


@pytest.mark.parametrize(
    ("name", "aliases"),
    [("білінг", ""), ("BILLING", ""), ("Інше", "Billing"), ("Каса", "біл*, оплат*")],
)
@pytest.mark.parametrize("kind", ["projects", "technologies"])
def test_no_two_terms_are_written_alike(project: Project, name: str, aliases: str, kind: str):
    GlossaryTerm.objects.create(project=project, name="Білінг", aliases="billing, біл*")

    with pytest.raises(ValidationError, match="Білінг"):
        GlossaryTerm(project=project, name=name, aliases=aliases, kind=kind).full_clean()


def test_another_project_writes_as_it_likes(project: Project, other_project: Project):
    GlossaryTerm.objects.create(project=other_project, name="Білінг")

    GlossaryTerm(project=project, name="Білінг").full_clean()


def test_a_term_is_not_compared_with_itself(project: Project):
    term = GlossaryTerm.objects.create(project=project, name="Білінг", aliases="білінг*")

    term.full_clean()


def test_terms_that_are_added_together_are_not_written_alike(
    administrator: Client, project: Project
):
    page = reverse("admin:sources_project_change", args=[project.pk])
    rows = [{"name": name, "kind": "projects", "project": project.pk} for name in ("Каса", "каса")]

    response = administrator.post(page, inline(project, *rows))

    assert "belongs to the term" in response.content.decode()
    assert not GlossaryTerm.objects.exists()


def test_what_nobody_sees_is_not_kept(project: Project):
    term = GlossaryTerm(project=project, name="\u202eБілінг\x07", aliases="\u200fоплата")
    term.full_clean()

    assert (term.name, term.aliases) == ("Білінг", "оплата")


def test_a_project_has_a_limited_number_of_terms(project: Project):
    terms = (GlossaryTerm(project=project, name=f"term {n}") for n in range(GLOSSARY_LIMIT))
    GlossaryTerm.objects.bulk_create(terms)

    with pytest.raises(ValidationError, match="500"):
        GlossaryTerm(project=project, name="one more").full_clean()
    GlossaryTerm.objects.first().full_clean()  # an old one may still change


@pytest.mark.parametrize(("free", "added"), [(2, True), (1, False)])
def test_terms_that_are_added_together_stay_within_the_limit(
    administrator: Client, project: Project, free: int, added: bool
):
    terms = (GlossaryTerm(project=project, name=f"term {n}") for n in range(GLOSSARY_LIMIT - free))
    GlossaryTerm.objects.bulk_create(terms)
    page = reverse("admin:sources_project_change", args=[project.pk])
    rows = [{"name": name, "kind": "projects", "project": project.pk} for name in ("Каса", "Склад")]

    response = administrator.post(page, inline(project, *rows))

    assert GlossaryTerm.objects.filter(name__in=["Каса", "Склад"]).count() == (2 if added else 0)
    assert added or "at most 500 terms" in response.content.decode()


def test_the_projects_page_edits_its_terms(administrator: Client, project: Project):
    page = reverse("admin:sources_project_change", args=[project.pk])
    term = {"name": "Каса", "kind": "projects", "aliases": "кас*", "project": project.pk}

    assert "glossary-TOTAL_FORMS" in administrator.get(page).content.decode()
    administrator.post(page, inline(project, term))
    assert GlossaryTerm.objects.get().name == "Каса"

    administrator.post(page, inline(project, {**term, "name": "Склад", "aliases": "*"}))
    assert not GlossaryTerm.objects.filter(name="Склад").exists()


def test_a_long_glossary_is_edited_page_by_page(administrator: Client, project: Project):
    terms = (GlossaryTerm(project=project, name=f"term {n:03}") for n in range(GLOSSARY_LIMIT))
    GlossaryTerm.objects.bulk_create(terms)
    page = reverse("admin:sources_project_change", args=[project.pk])

    content = administrator.get(page).content.decode()

    assert "term 000" in content
    assert "term 450" not in content


def test_a_member_does_not_see_the_terms_of_another_team(
    client_of: Callable[[str], Client], people: dict[str, User], other_project: Project
):
    GlossaryTerm.objects.create(project=other_project, name="kvit-secret")
    page = client_of("operator").get(reverse("admin:sources_glossaryterm_changelist"))

    assert "kvit-secret" not in page.content.decode()
