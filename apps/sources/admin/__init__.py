"""Projects, glossaries, sources, chats, people, imports, gaps and dead letters in the admin."""

from apps.sources.admin import (  # noqa: F401 - they register
    authors,
    chats,
    dead_letters,
    gaps,
    glossary,
    imports,
    projects,
    sources,
)
