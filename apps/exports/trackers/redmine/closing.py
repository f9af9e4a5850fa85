"""Ending an issue there, because another tracker has it."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.exports.trackers.redmine.api import RedmineApi
from tasktracker.lib.workflow import GiveUp

PARTS = "allowed_statuses"  # of an issue that is to be closed


def close(api: RedmineApi, issue: Mapping[str, Any]) -> None:
    number = int(issue["id"])
    statuses = api.get("/issue_statuses.json").get("issue_statuses") or ()
    closed = [one["id"] for one in statuses if one.get("is_closed")]
    if issue["status"]["id"] in closed:
        return
    # Before 5.0 Redmine does not say which statuses may come next.
    allowed = [one["id"] for one in issue.get("allowed_statuses") or statuses]
    for chosen in (one for one in closed if one in allowed):
        api.put(f"/issues/{number}.json", {"issue": {"status_id": chosen}})
        if _status(api, number) == chosen:
            return
    raise GiveUp(_("Redmine's workflow does not let the account close the issue."))


def _status(api: RedmineApi, number: int) -> Any:
    return api.get(f"/issues/{number}.json")["issue"]["status"]["id"]
