"""What a Redmine that answered too late has made twice: one stays."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from apps.exports.trackers.redmine import closing, relations
from apps.exports.trackers.redmine.api import RedmineApi
from tasktracker.lib.workflow import GiveUp

ALIKE = ("project", "subject", "description")  # of what we have made twice
TOGETHER = timedelta(hours=1)  # between the first and another one of ours
PARTS = f"{closing.PARTS},relations"


def end(api: RedmineApi, issues: Sequence[Mapping[str, Any]]) -> str:
    """Close what we have made besides the first; what a person should know of it.

    A copy that somebody made has our key too, and is theirs: also when our account is a person's.
    """
    first, *others = issues or [{}]
    closed, left = [], []
    for one in others:
        if one.get("author") != first.get("author"):
            continue
        number = int(one["id"])
        try:
            issue = api.issue(number, include=PARTS) if _is_alike(one, first) else None
            if issue is None or _is_copied(issue):
                left.append(f"#{number}")
                continue
            relations.relate(api, number, int(first["id"]), "duplicate")
            closing.close(api, issue)
            closed.append(f"#{number}")
        except GiveUp as error:
            closed.append(f"#{number} ({error})")
    return " ".join(filter(None, [_about_closed(closed), _about_left(left)]))


def _is_alike(one: Mapping[str, Any], first: Mapping[str, Any]) -> bool:
    if any(one.get(name) != first.get(name) for name in ALIKE):
        return False
    try:
        made, began = (datetime.fromisoformat(issue["created_on"]) for issue in (one, first))
        return abs(made - began) <= TOGETHER
    except (KeyError, TypeError, ValueError):
        return False


def _is_copied(issue: Mapping[str, Any]) -> bool:
    """Redmine's page relates a copy to what was copied."""
    return any(
        str(relation.get("relation_type")).startswith("copied")
        for relation in issue.get("relations") or ()
    )


def _about_closed(numbers: Sequence[str]) -> str:
    if not numbers:
        return ""
    return _("Redmine made it more than once. Closed as duplicates: %(issues)s.") % {
        "issues": ", ".join(numbers)
    }


def _about_left(numbers: Sequence[str]) -> str:
    if not numbers:
        return ""
    return _(
        "Redmine has our id on others as well: %(issues)s. Close there what nobody has copied on purpose."
    ) % {"issues": ", ".join(numbers)}
