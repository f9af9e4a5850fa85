"""Our key on an issue: in a custom field, and unseen in the description; and how it is found again."""

import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from apps.exports.trackers.base import ExternalIssue
from apps.exports.trackers.redmine.api import LONG_PAGE, NotAllowed, RedmineApi

#: By the text format, none of which shows it.
_MARKS = {"markdown": "[//]: # (tasktracker:{key})", "textile": "<!-- tasktracker:{key} -->"}
LAST = 100  # of our own issues, where Redmine does not let us search

_MARK = re.compile(r"tasktracker:([0-9a-f-]{36})")
_SIGNATURE = re.compile(
    r"^(?:\[//\]: # \(tasktracker:([0-9a-f-]{36})\)|<!-- tasktracker:([0-9a-f-]{36}) -->)\s*\Z",
    re.M,
)


def with_mark(text: str, key: UUID, text_format: str) -> str:
    return f"{text}\n\n{_MARKS[text_format].format(key=key)}".lstrip()


def key_of(issue: Mapping[str, Any], field: str) -> UUID | None:
    """Ours, where the issue has it: in the field, else at the end of the description."""
    if field and (key := _uuid(value_of(issue, field))):
        return key
    return next(reversed(keys_in(issue.get("description"))), None)


def keys_in(text: str | None) -> list[UUID]:
    return [key for words in _MARK.findall(text or "") if (key := _uuid(words))]


def signed(text: str | None) -> UUID | None:
    """The key of a text that is ours: who quotes us copies the mark, and not as the last line."""
    found = _SIGNATURE.search(text or "")
    return _uuid(found[1] or found[2]) if found else None


def _uuid(words: Any) -> UUID | None:
    try:
        return UUID(str(words))
    except ValueError:
        return None


def value_of(issue: Mapping[str, Any], field: str) -> Any:
    """Of a custom field; None when the issue has none such, or hides it from us."""
    for one in issue.get("custom_fields") or ():
        if str(one.get("id")) == field:
            return one.get("value")
    return None


def find(api: RedmineApi, key: UUID, field: str) -> list[dict[str, Any]]:
    """The issues that have the key, the first one made first.

    Every hit is looked at: Redmine passes over filters that it does not know.
    """
    if field:
        query: dict[str, Any] = {"status_id": "*", f"cf_{field}": str(key), "sort": "id"}
        if own := _own(filter(None, api.issues(**query)), key, field):
            return own
    return _own(_marked(api, key), key, field)


def _marked(api: RedmineApi, key: UUID) -> Iterable[dict[str, Any]]:
    """Issues whose description may have the mark: by the search, else the last that we made."""
    try:
        results = api.get("/search.json", q=str(key), issues=1, limit=10).get("results") or ()
    except NotAllowed:
        last: dict[str, Any] = {"author_id": "me", "status_id": "*", "sort": "id:desc"}
        found: list[dict[str, Any]] = []
        for offset in range(0, LAST, LONG_PAGE):
            page = api.issues(**last, offset=offset)
            found += filter(None, page)
            if len(page) < LONG_PAGE:
                break
        return found
    ids = sorted({int(one["id"]) for one in results if str(one.get("type")).startswith("issue")})
    if not ids:
        return ()
    chosen = ",".join(map(str, ids))
    return list(filter(None, api.issues(issue_id=chosen, status_id="*")))


def _own(issues: Iterable[dict[str, Any]], key: UUID, field: str) -> list[dict[str, Any]]:
    own = [issue for issue in issues if key_of(issue, field) == key]
    return sorted(own, key=lambda issue: int(issue["id"]))


def external(api: RedmineApi, issue: Mapping[str, Any], remark: str = "") -> ExternalIssue:
    number = int(issue["id"])
    return ExternalIssue(id=f"#{number}", url=f"{api.url}/issues/{number}", remark=remark)


def number_of(made: ExternalIssue) -> int:
    return int(made.id.lstrip("#"))
