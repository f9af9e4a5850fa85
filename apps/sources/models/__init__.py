"""The nouns of this app: projects with their words, sources and chats, people who are not read, and what could not be read."""

from apps.sources.models.author import Author, Erasure
from apps.sources.models.chat import Chat, ChatAlias, Topic, chat_settled
from apps.sources.models.dead_letter import DeadLetter
from apps.sources.models.gap import Gap
from apps.sources.models.glossary_term import GLOSSARY_LIMIT, GlossaryTerm
from apps.sources.models.history_import import COUNTS, HistoryImport
from apps.sources.models.project import Project, project_checked, validate_timezone
from apps.sources.models.source import Source, new_webhook_secret
from apps.sources.models.webhook import Webhook, base_url_of

__all__ = [
    "COUNTS",
    "GLOSSARY_LIMIT",
    "Author",
    "Chat",
    "ChatAlias",
    "DeadLetter",
    "Erasure",
    "Gap",
    "GlossaryTerm",
    "HistoryImport",
    "Project",
    "Source",
    "Topic",
    "Webhook",
    "base_url_of",
    "chat_settled",
    "new_webhook_secret",
    "project_checked",
    "validate_timezone",
]
