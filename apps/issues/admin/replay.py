"""The page that decides again how the reports of an issue were filed. It writes nothing."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.utils.translation import gettext as _

from apps.issues.models import Issue
from apps.issues.replay import Replayed, replay
from apps.sources.models import Project

MOST = 20  # reports on one page; the command replays them all
COLOURS = {"reproduced": "success", "differs": "danger", "not_compared": "success"}


def replayed(request: HttpRequest, issue_id: int) -> dict[str, Any]:
    """Context of the page, only about an issue of the user's projects."""
    if not request.user.has_perm("issues.view_issue"):
        raise PermissionDenied
    rows = Issue.objects.filter(project__in=Project.visible_to(request.user))
    issue = rows.select_related("project").filter(pk=issue_id).first()
    if issue is None:
        raise Http404
    # Embedding takes longer than a person waits; a vector that is missing is told as a cause.
    found = replay(issue, limit=MOST + 1, may_embed=False)
    shown = found[:MOST]
    return {
        "title": _("Would it be decided so again?"),
        "issue": issue,
        "replayed": [(one, COLOURS.get(one.state, "")) for one in shown],
        "differing": sum(one.state == "differs" for one in shown),
        "compared": sum(_is_compared(one) for one in shown),
        "most": MOST if len(found) > MOST else 0,
    }


def _is_compared(one: Replayed) -> bool:
    return one.state in {"reproduced", "differs"}
