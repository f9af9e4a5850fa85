"""The nouns of this app: messages with what was answered about them, rules, commands, and what was learned."""

from apps.messages.models.classification import AnswersOfDay, Classification
from apps.messages.models.command import ChatCommand
from apps.messages.models.early_deletion import EarlyDeletion
from apps.messages.models.embedding import Embedding, read_vector, vectors_of
from apps.messages.models.learning import Correction, ModelVersion
from apps.messages.models.message import (
    ACTIONABLE_CATEGORIES,
    WORDING,
    Category,
    Message,
    Priority,
)
from apps.messages.models.rule import Rule

__all__ = [
    "ACTIONABLE_CATEGORIES",
    "WORDING",
    "AnswersOfDay",
    "Category",
    "ChatCommand",
    "Classification",
    "Correction",
    "EarlyDeletion",
    "Embedding",
    "Message",
    "ModelVersion",
    "Priority",
    "Rule",
    "read_vector",
    "vectors_of",
]
