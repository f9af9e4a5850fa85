"""Projects, sources, chats and dead letters in the admin."""

from apps.sources.admin import chats, dead_letters, projects, sources  # noqa: F401 - they register
