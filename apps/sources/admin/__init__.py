"""Projects, glossaries, sources, chats and dead letters in the admin."""

from apps.sources.admin import (  # noqa: F401 - they register
    chats,
    dead_letters,
    glossary,
    projects,
    sources,
)
