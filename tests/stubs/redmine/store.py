"""What a Redmine holds, and how it answers each address."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Answer = tuple[int, Any]
KEY = "c0ffee" * 6 + "c0de"
KEY_FIELD = "7"
STATUSES = [
    {"id": 1, "name": "New", "is_closed": False},
    {"id": 2, "name": "In Progress", "is_closed": False},
    {"id": 5, "name": "Closed", "is_closed": True},
]
PRIORITIES = [
    {"id": number, "name": name, "is_default": name == "Normal", "active": True}
    for number, name in enumerate(("Low", "Normal", "High", "Urgent"), start=1)
]
BEGINNING = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Store:
    """One project whose issues have a field for our key."""

    def __init__(self) -> None:
        self.issues: dict[int, dict[str, Any]] = {}
        self.creations: list[str] = []  # every key that was made, in order
        self.sent: list[dict[str, Any]] = []  # what was asked for, with each of them
        self.uploads: dict[str, str] = {}
        self.trackers = [{"id": 1, "name": "Bug", "default_status": STATUSES[0]}]
        self.hidden: set[int] = set()  # issues of a project that was archived
        self.drops: set[str] = set()  # fields that the account may not set
        self.ignores_filters = False
        self.loses_files = False
        self.has_short_letters = False  # a database without room for emoji
        self._ticks = 0

    def answer(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        if headers.get("X-Redmine-API-Key") != KEY:
            return 401, b""
        parts = urlsplit(target)
        query = dict(parse_qsl(parts.path and parts.query))
        value: Any = json.loads(body) if headers.get("Content-Type") == "application/json" else body
        path = parts.path.removesuffix(".json")
        routes: dict[tuple[str, str], Callable[[], Answer]] = {
            ("GET", "/users/current"): lambda: (200, {"user": {"firstname": "Task"}}),
            ("GET", "/issue_statuses"): lambda: (200, {"issue_statuses": STATUSES}),
            ("GET", "/enumerations/issue_priorities"): lambda: (
                200,
                {"issue_priorities": PRIORITIES},
            ),
            ("GET", "/trackers"): lambda: (200, {"trackers": self.trackers}),
            ("GET", "/issues"): lambda: self._list(query),
            ("GET", "/search"): lambda: self._search(query),
            ("POST", "/issues"): lambda: self._create(value["issue"]),
            ("POST", "/uploads"): lambda: self._upload(query, value),
        }
        if (method, path) in routes:
            return routes[method, path]()
        issue = self.issues.get(int(path.rpartition("/")[2])) if path[-1].isdecimal() else None
        if issue is None:
            return 404, b""
        if issue["id"] in self.hidden:
            return 403, b""
        return (200, {"issue": issue}) if method == "GET" else self._update(issue, value["issue"])

    def key_of(self, issue: Mapping[str, Any]) -> str:
        for field in issue["custom_fields"]:
            if str(field["id"]) == KEY_FIELD:
                return str(field["value"])
        return ""

    def _list(self, query: Mapping[str, str]) -> Answer:
        found = [one for number, one in self.issues.items() if number not in self.hidden]
        if query.get("status_id", "o") == "o":
            found = [one for one in found if not one["status"]["is_closed"]]
        wanted = query.get(f"cf_{KEY_FIELD}")
        if wanted and not self.ignores_filters:
            found = [one for one in found if wanted == "*" or self.key_of(one) == wanted]
        if numbers := query.get("issue_id"):
            found = [one for one in found if str(one["id"]) in numbers.split(",")]
        offset, limit = int(query.get("offset", 0)), min(int(query.get("limit", 25)), 100)
        page = found[offset : offset + limit]
        return 200, {"issues": page, "total_count": len(found), "offset": offset, "limit": limit}

    def _search(self, query: Mapping[str, str]) -> Answer:
        found = [one for one in self.issues.values() if query["q"] in one["description"]]
        return 200, {"results": [{"id": one["id"], "type": "issue"} for one in found]}

    def _create(self, wanted: dict[str, Any]) -> Answer:
        if not wanted.get("subject"):
            return 422, {"errors": ["Subject cannot be blank"]}
        if self._has_no_room_for(wanted):
            return 500, b"<html>Internal error</html>"
        number = len(self.creations) + 1
        priority = wanted.get("priority_id", "2")
        issue = {
            "id": number,
            "project": {"id": int(wanted["project_id"]), "name": "Payments"},
            "tracker": {"id": int(wanted.get("tracker_id", 1))},
            "status": STATUSES[0],
            "priority": {"id": int("2" if "priority_id" in self.drops else priority)},
            "subject": wanted["subject"],
            "description": wanted.get("description", ""),
            "due_date": wanted.get("due_date"),
            "custom_fields": []
            if "custom_fields" in self.drops
            else wanted.get("custom_fields", []),
            "attachments": [],
            "journals": [],
            "relations": [],
            "created_on": (now := self._now()),
            "updated_on": now,
        }
        self.issues[number] = issue
        self.sent.append(wanted)
        fields = {str(one["id"]): one["value"] for one in wanted.get("custom_fields", ())}
        self.creations.append(str(fields.get(KEY_FIELD, "")))
        return 201, {"issue": issue}

    def _has_no_room_for(self, wanted: dict[str, Any]) -> bool:
        letters = json.dumps(wanted, ensure_ascii=False)
        return self.has_short_letters and any(ord(one) > 0xFFFF for one in letters)

    def _update(self, issue: dict[str, Any], wanted: dict[str, Any]) -> Answer:
        if self._has_no_room_for(wanted):
            return 500, b"<html>Internal error</html>"
        for name in ("subject", "description"):
            issue[name] = wanted.get(name, issue[name])
        for upload in wanted.get("uploads", ()):
            if not self.loses_files:
                issue["attachments"].append({"id": 1, "filename": upload["filename"]})
        if notes := wanted.get("notes"):
            issue["journals"].append({"id": len(issue["journals"]) + 1, "notes": notes})
        issue["updated_on"] = self._now()
        return 204, b""

    def _upload(self, query: Mapping[str, str], value: Any) -> Answer:
        if not isinstance(value, bytes):
            return 406, b""
        token = f"1.{len(self.uploads)}"
        self.uploads[token] = query["filename"]
        return 201, {"upload": {"id": 1, "token": token}}

    def _now(self) -> str:
        self._ticks += 1
        return f"{BEGINNING + timedelta(seconds=self._ticks):%Y-%m-%dT%H:%M:%SZ}"
