"""The whole report as a file, where the description has no room for it."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from apps.exports.trackers.base import IssuePayload
from apps.exports.trackers.markdown import report_of
from apps.exports.trackers.redmine.api import RedmineApi
from tasktracker.lib.workflow import GiveUp


def attach(api: RedmineApi, number: int, issue: IssuePayload, *, key: UUID) -> None:
    """Once; a token that Redmine does not like fails nothing there, so it is looked at afterwards."""
    if find(api, number, key):
        return
    name = _name(key)
    token = api.upload(name, report_of(issue).encode())
    upload = {"token": token, "filename": name, "content_type": "text/plain"}
    api.put(f"/issues/{number}.json", {"issue": {"uploads": [upload]}})
    if not find(api, number, key):
        raise GiveUp(_("Redmine took the report and did not attach it to the issue."))


def remove(api: RedmineApi, number: int, *, key: UUID) -> None:
    for one in find(api, number, key):
        api.delete(f"/attachments/{one['id']}.json")


def find(api: RedmineApi, number: int, key: UUID) -> list[dict[str, Any]]:
    issue = api.get(f"/issues/{number}.json", include="attachments")["issue"]
    return [one for one in issue.get("attachments") or () if one.get("filename") == _name(key)]


def _name(key: UUID) -> str:
    """A person may have a report too."""
    return f"report-{key}.txt"
