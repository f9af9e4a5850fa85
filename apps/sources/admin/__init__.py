"""Projects, glossaries, sources, chats, people who are not read and dead letters in the admin."""

from apps.sources.admin import (  # noqa: F401 - they register
    authors,
    chats,
    dead_letters,
    glossary,
    projects,
    sources,
)
