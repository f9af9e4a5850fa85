"""What a workspace of Linear holds, and how it answers each field of the schema."""

import copy
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from graphql import GraphQLError


@dataclass
class User:
    id: str
    name: str
    email: str = "bot@example.com"
    active: bool = True


@dataclass
class Named:
    id: str
    name: str
    type: str = "backlog"
    isGroup: bool = False


@dataclass
class Nodes:
    nodes: list[Any]


@dataclass
class Page:
    nodes: list[Any]
    pageInfo: dict[str, Any]


def page_of(found: list[Any], first: int, after: str | None) -> Page:
    """A part of a list; the cursor is where the next one begins."""
    start = int(after or 0)
    end = start + first
    return Page(found[start:end], {"hasNextPage": end < len(found), "endCursor": str(end)})


@dataclass
class Issue:
    id: str
    identifier: str
    url: str
    title: str
    team: "Team"
    description: str | None = None
    priority: float = 0
    dueDate: str | None = None
    labelIds: list[str] = field(default_factory=list)
    chosen: dict[str, Any] = field(default_factory=dict)
    attachments: dict[str, str] = field(default_factory=dict)
    state: Named = field(default_factory=lambda: Named("s-triage", "Triage", "triage"))
    assignee: User | None = None
    updatedAt: str = field(default_factory=lambda: now())
    archivedAt: str | None = None
    trashed: bool | None = None
    related: list[Any] = field(default_factory=list)

    def relations(self, info: Any, first: int = 50, after: str | None = None) -> Page:
        return page_of(self.related, first, after)


@dataclass
class Team:
    id: str
    key: str
    name: str
    kept: dict[str, list[Any]]

    def states(self, info: Any, first: int = 50, after: str | None = None) -> Page:
        return page_of(self.kept["states"], first, after)

    def labels(self, info: Any, first: int = 50, after: str | None = None) -> Page:
        return page_of(self.kept["labels"], first, after)

    def members(self, info: Any, first: int = 50, after: str | None = None) -> Page:
        return page_of(self.kept["members"], first, after)

    def projects(self, info: Any, first: int = 50, after: str | None = None) -> Page:
        return page_of(self.kept["projects"], first, after)


@dataclass
class Organization:
    id: str
    name: str
    urlKey: str
    kept: list[Named]
    previousUrlKeys: list[str] = field(default_factory=list)

    def labels(self, info: Any, first: int = 50, after: str | None = None) -> Page:
        return page_of(self.kept, first, after)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(words: str) -> datetime:
    return datetime.fromisoformat(words)


def refused(
    message: str, words: str, kind: str = "invalid input", code: str = "INPUT_ERROR"
) -> GraphQLError:
    """An error as Linear writes one."""
    extensions = {"type": kind, "code": code, "userError": True, "userPresentableMessage": words}
    return GraphQLError(message, extensions=extensions)


def address(identifier: str, title: str) -> str:
    """An issue's, which ends in the words of its title."""
    slug = "-".join(re.findall(r"\w+", title.lower()))
    return f"https://linear.app/kvit/issue/{identifier}/{slug}"


class Store:
    """The resolvers of Query and Mutation over a workspace in memory."""

    def __init__(self) -> None:
        self.issues: dict[str, Issue] = {}
        self.creations: list[str] = []  # every id that was made, in order
        self.comments: dict[str, dict[str, str]] = {}
        self.edits: list[str] = []  # ids of comments, one per writing
        self.files: dict[str, dict[str, Any]] = {}  # by the path to which they are put
        self.attached: dict[str, dict[str, str]] = {}
        self.hooks: list[dict[str, Any]] = []
        self.url = ""  # of this server
        self.viewer = User("u-bot", "Task Tracker")
        self.organization = Organization(
            "o-1",
            "Kvit Bank",
            "kvit",
            [Named("l-all", "Everywhere"), Named("l-group", "Type", isGroup=True)],
        )
        self.core = Team(
            "t-core",
            "COR",
            "Core",
            {
                "states": [
                    Named("s-triage", "Triage"),
                    Named("s-todo", "Todo", "unstarted"),
                    Named("s-off", "Canceled", "canceled"),
                ],
                "labels": [Named("l-bug", "Bug")],
                "members": [User("u-olena", "Олена"), User("u-gone", "Gone", active=False)],
                "projects": [Named("p-1", "Payments")],
            },
        )
        empty: dict[str, list[Any]] = {"states": [], "labels": [], "members": [], "projects": []}
        self.other = Team("t-other", "OTH", "Other", empty)
        self.visible = [self.core, self.other]

    def teams(self, info: Any, first: int = 50, after: str | None = None) -> Page:
        return page_of(self.visible, first, after)

    def team(self, info: Any, id: str) -> Team:  # noqa: A002
        for team in self.visible:
            if team.id == id:
                return team
        raise refused("Entity not found: Team", "Could not find referenced Team.")

    def issue(self, info: Any, id: str) -> Issue:  # noqa: A002
        """By its id, or by what people call it."""
        for issue in self.issues.values():
            if id in (issue.id, issue.identifier):
                return issue
        raise refused("Entity not found: Issue", "Could not find referenced Issue.")

    def issues_(
        self,
        filter: dict[str, Any] | None = None,  # noqa: A002
        sort: Any = None,
        first: int = 50,
        after: str | None = None,
    ) -> Page:
        wanted = filter or {}
        ids, since = wanted.get("id"), (wanted.get("updatedAt") or {}).get("gte", "")
        found = [
            issue
            for issue in self.issues.values()
            if (ids is None or issue.id in (ids.get("in") or [ids.get("eq")]))
            and ("team" not in wanted or issue.team.id == wanted["team"]["id"]["eq"])
            and (not since or moment(issue.updatedAt) >= moment(since))
        ]
        if sort:
            found.sort(key=lambda issue: moment(issue.updatedAt))
        return page_of(found, first, after)

    def issueBatchCreate(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        """All or none of them."""
        before, made = copy.copy(self.issues), len(self.creations)
        try:
            issues = [self.issueCreate(info, one)["issue"] for one in input["issues"]]
        except GraphQLError:
            self.issues, self.creations = before, self.creations[:made]
            raise
        return {"success": True, "issues": issues}

    def issueCreate(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        key = input.get("id") or str(uuid.uuid4())
        if uuid.UUID(key).version != 4:
            raise refused("Argument Validation Error", "id must be a UUID.")
        if key in self.issues:
            raise refused("Argument Validation Error", "An issue with that id already exists.")
        team = self.team(info, input["teamId"])
        if not (input.get("title") or "").strip():
            raise refused("Argument Validation Error", "title should not be empty.")
        states = {state.id: state for state in team.kept["states"]}
        chosen = input.get("stateId")
        if chosen and chosen not in states:
            raise refused("Entity not found: WorkflowState", "Could not find the status.")
        identifier = f"{team.key}-{len(self.creations) + 1}"
        self.issues[key] = Issue(
            id=key,
            identifier=identifier,
            url=address(identifier, input["title"]),
            title=input["title"],
            team=team,
            description=input.get("description"),
            priority=input.get("priority") or 0,
            dueDate=input.get("dueDate"),
            labelIds=input.get("labelIds") or [],
            **({"state": states[chosen]} if chosen else {}),
            chosen={name: input.get(name) for name in ("projectId", "stateId", "assigneeId")},
        )
        self.creations.append(key)
        return {"success": True, "issue": self.issues[key]}

    def issueUpdate(self, info: Any, id: str, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        issue = self.issue(info, id)
        issue.title = input.get("title", issue.title)
        issue.description = input.get("description", issue.description)
        issue.url = address(issue.identifier, issue.title)
        if "stateId" in input:
            states = {state.id: state for state in self.core.kept["states"]}
            issue.state = states[input["stateId"]]
        return {"success": True, "issue": issue}

    def attachmentCreate(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        issue = self.issue(info, input["issueId"])
        issue.attachments[input["url"]] = input["title"]
        made = {
            "id": input.get("id") or str(uuid.uuid4()),
            "title": input["title"],
            "url": input["url"],
        }
        self.attached[made["id"]] = made
        return {"success": True, "attachment": made}

    def attachments(self, info: Any, filter: dict[str, Any], first: int = 50) -> Nodes:  # noqa: A002
        found = self.attached.get(filter["id"]["eq"])
        return Nodes([found] if found else [])

    def attachmentDelete(self, info: Any, id: str) -> dict[str, Any]:  # noqa: A002
        gone = self.attached.pop(id)
        for issue in self.issues.values():
            issue.attachments.pop(gone["url"], None)
        return {"success": True}

    def fileUploadDangerouslyDelete(self, info: Any, assetUrl: str) -> dict[str, Any]:
        self.files.pop(assetUrl.removeprefix("https://uploads.linear.app"))
        return {"success": True}

    def fileUpload(self, info: Any, contentType: str, filename: str, size: int) -> dict[str, Any]:
        path = f"/upload/{len(self.files)}"
        self.files[path] = {"type": contentType, "size": size, "content": None, "headers": {}}
        file = {
            "uploadUrl": f"{self.url}{path}?signature=s",
            "assetUrl": f"https://uploads.linear.app{path}",
            "contentType": contentType,
            "filename": filename,
            "size": size,
            "headers": [
                {"key": "content-type", "value": contentType},
                {"key": "x-goog-content-length-range", "value": f"{size},{size}"},
            ],
        }
        return {"success": True, "uploadFile": file}

    def commentCreate(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        if input["id"] in self.comments:
            raise refused("Argument Validation Error", "A comment with that id already exists.")
        issue = self.issue(info, input["issueId"])
        self.comments[input["id"]] = {"id": input["id"], "issue": issue.id, "body": input["body"]}
        self.edits.append(input["id"])
        return {"success": True, "comment": self.comments[input["id"]]}

    def commentUpdate(self, info: Any, id: str, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        if id not in self.comments:
            raise refused("Entity not found: Comment", "Could not find referenced Comment.")
        self.comments[id]["body"] = input["body"]
        self.edits.append(id)
        return {"success": True, "comment": self.comments[id]}

    def comments_(self, filter: dict[str, Any], first: int = 50) -> Nodes:  # noqa: A002
        found = self.comments.get(filter["id"]["eq"])
        return Nodes([found] if found else [])

    def issueRelationCreate(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        one, two = (self.issue(info, input[name]) for name in ("issueId", "relatedIssueId"))
        if any(input["id"] == known["id"] for known in one.related):
            raise refused("Argument Validation Error", "A relation with that id already exists.")
        made = {"id": input["id"], "type": input["type"], "issue": one, "relatedIssue": two}
        one.related.append(made)
        if made["type"] == "duplicate":
            one.state = Named("s-duplicate", "Duplicate", "duplicate")
        return {"success": True, "issueRelation": made}

    def issueRelationDelete(self, info: Any, id: str) -> dict[str, Any]:  # noqa: A002
        for issue in self.issues.values():
            for known in issue.related:
                if known["id"] == id:
                    issue.related.remove(known)
                    return {"success": True}
        raise refused("Entity not found: IssueRelation", "Could not find the relation.")

    def webhooks(self, info: Any, first: int = 50, after: str | None = None) -> Page:
        return page_of(self.hooks, first, after)

    def webhookCreate(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        made = {"id": str(uuid.uuid4()), **input, "team": self.team(info, input["teamId"])}
        self.hooks.append(made)
        return {"success": True, "webhook": made}

    def webhookUpdate(self, info: Any, id: str, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        (known,) = (one for one in self.hooks if one["id"] == id)
        known.update(input)
        return {"success": True, "webhook": known}

    def webhookDelete(self, info: Any, id: str) -> dict[str, Any]:  # noqa: A002
        self.hooks = [one for one in self.hooks if one["id"] != id]
        return {"success": True}
