"""What there is to choose from, and what a check finds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from django.utils.translation import gettext as _

from apps.exports.trackers.base import FIELDS, PRIORITIES, Choice, Finding
from apps.exports.trackers.redmine.api import Missing, NotAllowed, RedmineApi
from apps.exports.trackers.redmine.config import RedmineConfig
from tasktracker.lib.workflow import GiveUp

_PARTS = "trackers,issue_categories,issue_custom_fields"


def choices(api: RedmineApi, config: RedmineConfig) -> Mapping[str, Sequence[Choice]]:
    projects = list(api.pages("/projects.json", "projects"))
    statuses = api.get("/issue_statuses.json").get("issue_statuses") or []
    priorities = _priorities(api)
    offered: dict[str, Sequence[Choice]] = {
        "project": _choices(projects),
        "status": _choices(statuses, is_sorted=True),
        "rejected_statuses": _choices(
            [one for one in statuses if one.get("is_closed")], is_sorted=True
        ),
        PRIORITIES: priorities,
        **{f"priority_{ours}": priorities for ours in ("critical", "high", "medium", "low")},
    }
    if config.project not in {str(one["id"]) for one in projects}:
        return offered
    project = api.get(f"/projects/{config.project}.json", include=_PARTS)["project"]
    known = list(_custom_fields(api, config, project))
    fields = _choices(known)
    return {
        **offered,
        "tracker": _choices(project.get("trackers") or (), is_sorted=True),
        "category": _choices(project.get("issue_categories") or ()),
        "version": _choices(
            one for one in _list(api, config, "versions") if one.get("status", "open") == "open"
        ),
        "assignee": [Choice("me", _("Ourselves")), *_choices(_members(api, config))],
        "key_field": _choices(one for one in known if _can_hold_a_key(one)),
        FIELDS: [one for one in fields if one.id != config.key_field],
    }


def check(api: RedmineApi, config: RedmineConfig) -> list[Finding]:
    user = api.get("/users/current.json")["user"]
    name = f"{user.get('firstname', '')} {user.get('lastname', '')}".strip()
    findings = [Finding(_("Redmine knows us as %(name)s.") % {"name": name})]
    try:
        findings.append(_about_project(api, config))
    except (Missing, NotAllowed):
        words = _("The chosen project is not there, or we may not see it.")
        findings.append(
            Finding(words, _("Choose another project, or make the account its member."))
        )
    return [*findings, _about_key_field(api, config, is_administrator=bool(user.get("admin")))]


def _about_project(api: RedmineApi, config: RedmineConfig) -> Finding:
    if not config.project:
        names = ", ".join(one["name"] for one in api.pages("/projects.json", "projects", most=1))
        remedy = _("Choose one of: %(projects)s.") % {"projects": names}
        if not names:
            remedy = _("The account sees no project: make it a member of one in Redmine.")
        return Finding(_("No project is chosen."), remedy)
    project = api.get(f"/projects/{config.project}.json", include="trackers")["project"]
    trackers = {str(one["id"]) for one in project.get("trackers") or ()}
    if not trackers or (config.tracker and config.tracker not in trackers):
        words = _("The project has no such tracker, or we may not see it.")
        return Finding(words, _("Choose another tracker, or let the account's role see it."))
    return Finding(_("Issues go to the project %(project)s.") % {"project": project["name"]})


def _about_key_field(api: RedmineApi, config: RedmineConfig, *, is_administrator: bool) -> Finding:
    """Proof: with a key that nobody has, Redmine must find nothing."""
    how = _(
        "In Redmine: Administration, Custom fields, New, Issues, Text; tick Used as a filter, For all projects "
        "and the trackers; then choose it here as the field for our id."
    )
    if not config.key_field:
        words = _("Our id stands invisibly in the description. A field of its own is safer.")
        if not is_administrator:
            seen = _(
                "This account is no administrator's: it is offered the field once an issue has it."
            )
            return Finding(f"{words} {how} {seen}")
        return Finding(f"{words} {how}")
    everything = _count(api, {})
    if everything and _count(api, {f"cf_{config.key_field}": str(uuid4())}):
        return Finding(_("Redmine does not filter by the field for our id."), how)
    if everything:
        return Finding(_("Redmine finds issues by the field for our id."))
    return Finding(_("Whether Redmine filters by the field for our id shows with the first issue."))


def _count(api: RedmineApi, query: Mapping[str, str]) -> int:
    return int(api.get("/issues.json", status_id="*", limit=1, **query).get("total_count") or 0)


def _priorities(api: RedmineApi) -> list[Choice]:
    known = api.get("/enumerations/issue_priorities.json").get("issue_priorities") or ()
    return _choices([one for one in known if one.get("active", True)], is_sorted=True)


def _list(api: RedmineApi, config: RedmineConfig, name: str) -> Iterable[dict[str, Any]]:
    """Of the project; empty where we may not look."""
    try:
        return list(api.pages(f"/projects/{config.project}/{name}.json", name))
    except (NotAllowed, Missing):
        return ()


def _members(api: RedmineApi, config: RedmineConfig) -> list[dict[str, Any]]:
    members = _list(api, config, "memberships")
    return [who for one in members if (who := one.get("user") or one.get("group"))]


def _custom_fields(
    api: RedmineApi, config: RedmineConfig, project: Mapping[str, Any]
) -> Iterable[dict[str, Any]]:
    """All are told to administrators only; others see the project's own, and what its issues have."""
    try:
        known = api.get("/custom_fields.json").get("custom_fields") or ()
    except GiveUp:
        query = {"project_id": config.project, "status_id": "*", "limit": 25}
        issues = api.get("/issues.json", **query).get("issues") or ()
        of_issues = [field for issue in issues for field in issue.get("custom_fields") or ()]
        return [*(project.get("issue_custom_fields") or ()), *of_issues]
    return [one for one in known if one.get("customized_type") == "issue"]


def _can_hold_a_key(field: Mapping[str, Any]) -> bool:
    """As far as Redmine says what it is: it does to administrators only."""
    is_text = field.get("field_format", "string") in ("string", "text")
    return is_text and bool(field.get("is_filter", True))


def _choices(found: Iterable[Mapping[str, Any]], *, is_sorted: bool = False) -> list[Choice]:
    """By name, unless Redmine's own order means something."""
    unique = {str(one["id"]): Choice(str(one["id"]), str(one["name"])) for one in found}
    if is_sorted:
        return list(unique.values())
    return sorted(unique.values(), key=lambda choice: choice.label.casefold())
