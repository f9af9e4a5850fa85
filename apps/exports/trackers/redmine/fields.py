"""What a new issue has there, and what Redmine left out of it without a word."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from apps.exports.trackers.base import IssuePayload
from apps.exports.trackers.markdown import body_of, title_of
from apps.exports.trackers.redmine.api import RedmineApi
from apps.exports.trackers.redmine.config import RedmineConfig
from apps.exports.trackers.redmine.marks import value_of, with_mark
from apps.exports.trackers.redmine.markup import MARKUPS

LONGEST_TITLE = 255
LONGEST_BODY = 15_000  # characters; some databases keep 64 KiB, and a line ends in two bytes there

#: By the name in a request: the name in an answer.
_ANSWERED = {
    "project_id": "project",
    "tracker_id": "tracker",
    "status_id": "status",
    "priority_id": "priority",
    "category_id": "category",
    "fixed_version_id": "fixed_version",
    "assigned_to_id": "assigned_to",
}


def words_of(issue: IssuePayload, config: RedmineConfig, key: UUID) -> dict[str, str]:
    markup = MARKUPS[config.text_format]
    body = body_of(issue, limit=LONGEST_BODY, markup=markup)
    return {
        "subject": title_of(issue, limit=LONGEST_TITLE),
        "description": with_mark(body, key, config.text_format),
    }


def fields_of(
    issue: IssuePayload, config: RedmineConfig, key: UUID, *, priority: str
) -> dict[str, Any]:
    """The request for a new issue; what nobody chose is not in it."""
    wanted = {
        "project_id": config.project,
        "tracker_id": config.tracker,
        "status_id": config.status,
        "category_id": config.category,
        "fixed_version_id": config.version,
        "assigned_to_id": issue.wishes.assignee or config.assignee,
        "priority_id": priority,
        **words_of(issue, config, key),
        "custom_fields": _custom_fields(issue, config, key),
    }
    if issue.due_on:
        # A due date before the start, which is today unless it is said, is refused.
        started_on = min(issue.due_on, issue.reported_at.date())
        wanted |= {"due_date": issue.due_on.isoformat(), "start_date": started_on.isoformat()}
    return {name: value for name, value in wanted.items() if value not in ("", [])}


def left_out(fields: Mapping[str, Any], issue: Mapping[str, Any]) -> str:
    """A sentence about what was asked for and is not there; empty when nothing is missing."""
    missing = []
    for name, answered in _ANSWERED.items():
        wanted, has = str(fields.get(name, "")), issue.get(answered) or {}
        if wanted.isdecimal() and str(has.get("id", "")) != wanted:
            missing.append(_name(name))
    if fields.get("due_date") and issue.get("due_date") != fields["due_date"]:
        missing.append(_("due date"))
    missing += [
        _("custom field %(number)s") % {"number": field["id"]}
        for field in fields.get("custom_fields", ())
        if value_of(issue, str(field["id"])) != field["value"]
    ]
    if not missing:
        return ""
    return _(
        "Redmine left out, without a word: %(fields)s. The account may not set it, or the tracker does not have it."
    ) % {"fields": ", ".join(missing)}


def _name(field: str) -> str:
    return {
        "project_id": _("project"),
        "tracker_id": _("tracker"),
        "status_id": _("status"),
        "priority_id": _("priority"),
        "category_id": _("category"),
        "fixed_version_id": _("target version"),
        "assigned_to_id": _("assignee"),
    }[field]


def chosen_priority(issue: IssuePayload, config: RedmineConfig) -> str:
    """By the project's policy, else by the tracker's settings; empty when nobody chose one."""
    return issue.wishes.priority or getattr(config, f"priority_{issue.priority}", "")


def usual_priority(issue: IssuePayload, api: RedmineApi) -> str:
    """By its place beside the usual one."""
    known = api.get("/enumerations/issue_priorities.json").get("issue_priorities") or []
    known = [one for one in known if one.get("active", True)]
    if not known or issue.priority not in ("critical", "high", "medium", "low"):
        return ""
    usual = next((place for place, one in enumerate(known) if one.get("is_default")), None)
    if usual is None:
        usual = (len(known) - 1) // 2
    place = {"critical": len(known) - 1, "high": min(usual + 1, len(known) - 1), "medium": usual}
    return str(known[place.get(issue.priority, 0)]["id"])


def _custom_fields(issue: IssuePayload, config: RedmineConfig, key: UUID) -> list[dict[str, Any]]:
    values: dict[str, Any] = {**config.custom_fields, **issue.wishes.fields}
    if config.key_field:
        values[config.key_field] = str(key)
    return [{"id": number, "value": value} for number, value in values.items()]
