"""The nouns of this app: trackers, what goes there and how, and how often they were called."""

from apps.exports.models.calls import AnswerTimes, CallCount
from apps.exports.models.mirroring import Mirroring
from apps.exports.models.policy import SAME_LABEL, SAME_PERSON, ExportPolicy
from apps.exports.models.stand_in import StandIn
from apps.exports.models.task_export import (
    ELSEWHERE,
    LEASE,
    NOT_WANTED,
    QUIET,
    WAITS_FOR_ANSWER,
    TaskExport,
)
from apps.exports.models.tracker import BREAK_AFTER, Rests, Tracker
from apps.exports.models.update import ExportUpdate
from apps.exports.models.webhook_delivery import WebhookDelivery

__all__ = [
    "BREAK_AFTER",
    "ELSEWHERE",
    "LEASE",
    "NOT_WANTED",
    "QUIET",
    "SAME_LABEL",
    "SAME_PERSON",
    "WAITS_FOR_ANSWER",
    "AnswerTimes",
    "CallCount",
    "ExportPolicy",
    "ExportUpdate",
    "Mirroring",
    "Rests",
    "StandIn",
    "TaskExport",
    "Tracker",
    "WebhookDelivery",
]
