"""The nouns of this app: issues with their evidence and history, and what was said of pairs."""

from apps.issues.models.day_analysis import DayAnalysis
from apps.issues.models.draft import Draft
from apps.issues.models.evidence import Evidence, Filing, Match
from apps.issues.models.issue import Change, Issue, Person
from apps.issues.models.opinion import Opinion
from apps.issues.models.relation import Relation
from apps.issues.models.report_vector import ReportVector
from apps.issues.models.status_reply import StatusReply

__all__ = [
    "Change",
    "DayAnalysis",
    "Draft",
    "Evidence",
    "Filing",
    "Issue",
    "Match",
    "Opinion",
    "Person",
    "Relation",
    "ReportVector",
    "StatusReply",
]
