"""How two issues of one Redmine belong together."""

from typing import Any

from apps.exports.trackers.redmine.api import Invalid, RedmineApi

KINDS = {"duplicate": "duplicates", "related": "relates"}


def relate(api: RedmineApi, number: int, other: int, kind: str) -> None:
    if _find(api, number, other, kind):
        return
    relation = {"issue_to_id": other, "relation_type": KINDS.get(kind, "relates")}
    try:
        api.post(f"/issues/{number}/relations.json", {"relation": relation})
    except Invalid:
        # Somebody may have been faster.
        if not _find(api, number, other, kind):
            raise


def unrelate(api: RedmineApi, number: int, other: int) -> None:
    """What people there have related stays so."""
    for kind in KINDS:
        for relation in _find(api, number, other, kind):
            if _is_ours(api, number, other, kind):
                api.delete(f"/relations/{relation['id']}.json")


def _is_ours(api: RedmineApi, number: int, other: int, kind: str) -> bool:
    """Only the history knows who related them last."""
    journals = api.get(f"/issues/{number}.json", include="journals")["issue"].get("journals")
    made = ("relation", KINDS[kind], str(other))
    makers = [
        journal["user"]["id"]
        for journal in journals or ()
        for one in journal.get("details") or ()
        if (one.get("property"), one.get("name"), one.get("new_value")) == made
    ]
    return makers[-1:] == [api.get("/users/current.json")["user"]["id"]]


def _find(api: RedmineApi, number: int, other: int, kind: str) -> list[dict[str, Any]]:
    """Those of this kind from the one to the other; being related has no direction."""
    issue = api.get(f"/issues/{number}.json", include="relations")["issue"]
    ways = [(number, other)] if kind == "duplicate" else [(number, other), (other, number)]
    return [
        one
        for one in issue.get("relations") or ()
        if one.get("relation_type") == KINDS.get(kind, "relates")
        and (one.get("issue_id"), one.get("issue_to_id")) in ways
    ]
