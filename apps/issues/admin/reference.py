"""Which issue a person means by what they typed or pasted."""

import re
from typing import Any
from urllib.parse import urlsplit

from django.db.models import QuerySet

from apps.issues.models import Issue

LONGEST = 500
#: What nobody sees and chats put around what is copied: marks of direction, spaces without width.
_UNSEEN = re.compile("[\0\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_NUMBER = re.compile(r"#?(\d{1,18})")
#: Addresses of ours: the issue's page in the admin, and the task in the API.
_OURS = re.compile(r"/(?:issues/issue|api/tasks)/(\d{1,18})(?:/|$)")


def find_issue(text: str, visible: QuerySet[Issue], *, host: str) -> Issue | None:
    """By 12, #12, the address of its page at our host, or the number or address of its task in a tracker.

    What was merged leads to the issue that took it.
    """
    said = _UNSEEN.sub("", text[:LONGEST]).strip()
    if not said:
        return None
    number = _NUMBER.fullmatch(said)
    if number is not None:
        return _standing(visible.filter(pk=number.group(1)).first(), visible)
    found = _in_a_tracker(said, visible)
    ours = _OURS.search(_path_at(host, said))
    if found is None and ours is not None:
        found = visible.filter(pk=ours.group(1)).first()
    return _standing(found, visible)


def _path_at(host: str, said: str) -> str:
    """The path of an address of ours, with or without the host; another host's numbers mean nothing here."""
    try:
        address = urlsplit(f"//{said}" if said.startswith(f"{host}/") else said)
    except ValueError:
        return ""
    is_ours = address.netloc in ("", host) and address.scheme in ("", "http", "https")
    return address.path if is_ours and address.path.startswith("/") else ""


def _in_a_tracker(said: str, visible: QuerySet[Issue]) -> Issue | None:
    # The next app, not imported here.
    exports: Any = Issue._meta.get_field("exports").related_model
    known = exports._default_manager.filter(issue__in=visible)
    for field, value in (("external_url", said.rstrip("/")), ("external_id", said)):
        row = known.filter(**{f"{field}__in": [value, said]}).order_by("-pk").first()
        if row is not None:
            return visible.filter(pk=row.issue_id).first()
    return None


def _standing(issue: Issue | None, visible: QuerySet[Issue]) -> Issue | None:
    if issue is None or issue.duplicate_of_id is None:
        return issue
    return visible.filter(pk=issue.duplicate_of_id).first()
