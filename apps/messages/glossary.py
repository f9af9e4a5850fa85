"""A project's own words, as the plain terms that entities, rules and prompts take."""

from apps.messages.entities.base import Term
from apps.messages.entities.word_forms import spellings_of
from apps.sources.models import GLOSSARY_LIMIT, GlossaryTerm
from tasktracker.lib import spellings

#: As SQL: each message asks several times, and to build the query takes longer than to answer it.
_TERMS = "SELECT * FROM sources_glossaryterm WHERE project_id = %s ORDER BY kind, name LIMIT %s"


def glossary_of(project_id: int) -> tuple[Term, ...]:
    """Read anew each time: one small query, so that a changed term counts from the next message on.

    What is costly to build from the terms is cached by their content.
    """
    rows = GlossaryTerm.objects.raw(_TERMS, [project_id, GLOSSARY_LIMIT])
    return tuple(Term(row.name, row.kind, row.spellings) for row in rows)


def own_spellings(project_id: int) -> spellings.Spellings:
    """The project's words, each with one spelling: for what is compared when a report is filed.

    Fingerprints and vectors are stored and must not depend on words that people change; they know the
    shipped list alone.
    """
    terms = glossary_of(project_id)
    return spellings.spellings_of(tuple((term.name, spellings_of(term)) for term in terms))
