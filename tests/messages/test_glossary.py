"""A project's glossary: what its messages are read with."""

import pytest

from apps.messages.entities.base import Term
from apps.messages.glossary import glossary_of
from apps.sources.models import GlossaryTerm, Project

pytestmark = pytest.mark.django_db


def test_a_changed_term_counts_from_the_next_message_on():
    project = Project.objects.create(name="Shop", slug="shop")
    term = GlossaryTerm.objects.create(project=project, name="Лавка", aliases="лавк*, lavka")

    assert glossary_of(project.pk) == (Term("Лавка", "projects", ("лавк*", "lavka")),)

    term.aliases = "крам*"
    term.save()
    assert glossary_of(project.pk) == (Term("Лавка", "projects", ("крам*",)),)


def test_a_project_reads_only_its_own_terms():
    project, other = (Project.objects.create(name=name, slug=name) for name in ("a", "b"))
    GlossaryTerm.objects.create(project=other, name="Лавка")

    assert glossary_of(project.pk) == ()
