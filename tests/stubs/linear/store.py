"""What a workspace of Linear holds, and how it answers each field of the schema."""

import re
import uuid
from dataclasses import dataclass, field
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
class Issue:
    id: str
    identifier: str
    url: str
    title: str
    team: str
    description: str | None = None
    priority: float = 0
    dueDate: str | None = None
    labelIds: list[str] = field(default_factory=list)
    chosen: dict[str, Any] = field(default_factory=dict)
    attachments: dict[str, str] = field(default_factory=dict)


@dataclass
class Team:
    """A team, whose lists ignore how many are asked for."""

    id: str
    key: str
    name: str
    kept: dict[str, list[Any]]

    def states(self, info: Any, first: int = 50) -> Nodes:
        return Nodes(self.kept["states"])

    def labels(self, info: Any, first: int = 50) -> Nodes:
        return Nodes(self.kept["labels"])

    def members(self, info: Any, first: int = 50) -> Nodes:
        return Nodes(self.kept["members"])

    def projects(self, info: Any, first: int = 50) -> Nodes:
        return Nodes(self.kept["projects"])


@dataclass
class Organization:
    id: str
    name: str
    urlKey: str
    kept: list[Named]

    def labels(self, info: Any, first: int = 50) -> Nodes:
        return Nodes(self.kept)


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
                "states": [Named("s-triage", "Triage"), Named("s-todo", "Todo", "unstarted")],
                "labels": [Named("l-bug", "Bug")],
                "members": [User("u-olena", "Олена"), User("u-gone", "Gone", active=False)],
                "projects": [Named("p-1", "Payments")],
            },
        )
        empty: dict[str, list[Any]] = {"states": [], "labels": [], "members": [], "projects": []}
        self.other = Team("t-other", "OTH", "Other", empty)

    def teams(self, info: Any, first: int = 50) -> Nodes:
        return Nodes([self.core, self.other])

    def team(self, info: Any, id: str) -> Team:  # noqa: A002
        for team in (self.core, self.other):
            if team.id == id:
                return team
        raise refused("Entity not found: Team", "Could not find referenced Team.")

    def issues_(self, filter: dict[str, Any] | None = None) -> Nodes:  # noqa: A002
        wanted = ((filter or {}).get("id") or {}).get("eq")
        return Nodes([one for one in self.issues.values() if wanted in (None, one.id)])

    def issueCreate(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        key = input.get("id") or str(uuid.uuid4())
        if uuid.UUID(key).version != 4:
            raise refused("Argument Validation Error", "id must be a UUID.")
        if key in self.issues:
            raise refused("Argument Validation Error", "An issue with that id already exists.")
        team = self.team(info, input["teamId"])
        if not (input.get("title") or "").strip():
            raise refused("Argument Validation Error", "title should not be empty.")
        identifier = f"{team.key}-{len(self.creations) + 1}"
        self.issues[key] = Issue(
            id=key,
            identifier=identifier,
            url=address(identifier, input["title"]),
            title=input["title"],
            team=team.id,
            description=input.get("description"),
            priority=input.get("priority") or 0,
            dueDate=input.get("dueDate"),
            labelIds=input.get("labelIds") or [],
            chosen={name: input.get(name) for name in ("projectId", "stateId", "assigneeId")},
        )
        self.creations.append(key)
        return {"success": True, "issue": self.issues[key]}

    def issueUpdate(self, info: Any, id: str, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        issue = self.issues.get(id)
        if issue is None:
            raise refused("Entity not found: Issue", "Could not find referenced Issue.")
        issue.title = input.get("title", issue.title)
        issue.description = input.get("description", issue.description)
        issue.url = address(issue.identifier, issue.title)
        return {"success": True, "issue": issue}

    def attachmentCreate(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002
        issue = self.issues.get(input["issueId"])
        if issue is None:
            raise refused("Entity not found: Issue", "Could not find referenced Issue.")
        issue.attachments[input["url"]] = input["title"]
        made = {"id": str(uuid.uuid4()), "title": input["title"], "url": input["url"]}
        return {"success": True, "attachment": made}
