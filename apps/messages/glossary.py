"""A project's own words, as the plain terms that entities, rules and prompts take."""

from apps.messages.entities.base import Term
from apps.sources.models import GLOSSARY_LIMIT, GlossaryTerm


def glossary_of(project_id: int) -> tuple[Term, ...]:
    """Read anew each time: one small query, so that a changed term counts from the next message on.

    What is costly to build from the terms is cached by their content.
    """
    rows = GlossaryTerm.objects.filter(project=project_id).order_by("kind", "name")[:GLOSSARY_LIMIT]
    return tuple(Term(row.name, row.kind, row.spellings) for row in rows)
