"""What a Redmine that answered too late has made twice: one stays."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from apps.exports.trackers.redmine import closing, relations
from apps.exports.trackers.redmine.api import RedmineApi
from tasktracker.lib.workflow import GiveUp


def end(api: RedmineApi, issues: Sequence[Mapping[str, Any]]) -> str:
    """Close all but the first; what a person should know of it. A copy that somebody made is theirs."""
    if len(issues) < 2:
        return ""
    first, *others = issues
    told = []
    for one in others:
        if one.get("author") != first.get("author"):
            continue
        number = int(one["id"])
        told.append(f"#{number}")
        try:
            relations.relate(api, number, int(first["id"]), "duplicate")
            closing.close(api, api.issue(number, include=closing.PARTS))
        except GiveUp as error:
            told[-1] += f" ({error})"
    if not told:
        return ""
    return _("Redmine made it more than once. Closed as duplicates: %(issues)s.") % {
        "issues": ", ".join(told)
    }
