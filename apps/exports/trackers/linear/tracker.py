"""Linear: an issue whose id there is our own, so that a repeat finds what it made."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator

from apps.exports.trackers.asking import fits_a_header, senseless
from apps.exports.trackers.base import (
    OFFERED,
    PRIORITIES,
    Choice,
    Doubtful,
    ExternalIssue,
    Filled,
    Finding,
    IssuePayload,
    Means,
    Preview,
    Unasked,
)
from apps.exports.trackers.linear.api import LinearApi, external
from apps.exports.trackers.linear.mirror import Mirroring
from apps.exports.trackers.linear.moving import Moving
from apps.exports.trackers.linear.news import Telling
from apps.exports.trackers.linear.oauth import Connecting
from apps.exports.trackers.linear.operations import AT_ONCE
from apps.exports.trackers.linear.report import Reporting
from apps.exports.trackers.markdown import body_of, is_cut, is_web_address, one_line, title_of
from tasktracker.lib.workflow import GiveUp, TryLater

LONGEST_TITLE = 250
LONGEST_BODY = 50_000
MOST_LINKS = 10
THEIRS = ("No priority", "Urgent", "High", "Medium", "Low")  # by their numbers
OURS = {"critical": 1, "high": 2, "medium": 3, "low": 4}


class Linear(Telling, Mirroring, Moving, Reporting, Connecting):
    """A team of Linear, by an API key of somebody who may create issues there."""

    at_once = AT_ONCE  # that `create_many` takes
    place = ("api_key", "team")

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid")

        api_key: Annotated[SecretStr, AfterValidator(fits_a_header)] = Field(
            SecretStr(""),
            title=gettext_noop("API key"),
            description=gettext_noop(
                "In Linear: Settings, Security & access, New API key. Save, and its teams are offered."
            ),
        )
        client_id: str = Field(
            "",
            title=gettext_noop("Client ID"),
            description=gettext_noop(
                "Instead of a key: of an OAuth application in Linear's settings. Save, and connect it."
            ),
        )
        client_secret: SecretStr = Field(SecretStr(""), title=gettext_noop("Client secret"))
        team: str = Field(
            "",
            title=gettext_noop("Team"),
            description=gettext_noop("Save, and what the team has is offered as well."),
            json_schema_extra=OFFERED,
        )
        project: str = Field("", title=gettext_noop("Project"), json_schema_extra=OFFERED)
        state: str = Field(
            "",
            title=gettext_noop("Status"),
            description=gettext_noop("Empty: where the team's new issues begin."),
            json_schema_extra=OFFERED,
        )
        assignee: str = Field("", title=gettext_noop("Assignee"), json_schema_extra=OFFERED)
        labels: list[str] = Field(
            default=[], title=gettext_noop("Labels"), json_schema_extra=OFFERED
        )

        @model_validator(mode="after")
        def _can_come_in(self) -> Self:
            has_application = self.client_id and self.client_secret.get_secret_value()
            if not self.api_key.get_secret_value() and not has_application:
                raise ValueError(_("Give an API key, or the ID and the secret of an application."))
            return self

    def __init__(self, config: Config, means: Means) -> None:
        self.config = config
        self.team, self.begins = config.team, config.state
        self.means = means
        self.client_id, self.client_secret = config.client_id, config.client_secret
        self.api = LinearApi(
            means, key=config.api_key.get_secret_value(), client_id=config.client_id
        )

    def create(self, issue: IssuePayload, *, key: UUID) -> ExternalIssue:
        wanted = self._input(issue, key)
        try:
            return self._made("Create", input=wanted)
        except (Doubtful, GiveUp) as error:
            # A key that is there already is refused in words that nobody has promised.
            return self._made_after_all([key], error)[key]

    def create_many(self, issues: Mapping[UUID, IssuePayload]) -> Mapping[UUID, ExternalIssue]:
        """All in one transaction there, so that one that Linear refuses keeps the others out as well."""
        wanted = [self._input(issue, key) for key, issue in issues.items()]
        try:
            made = self.api.change("CreateMany", input={"issues": wanted})
        except (Doubtful, GiveUp) as error:
            return self._made_after_all(list(issues), error)
        return {UUID(issue["id"]): external(issue) for issue in made["issues"]}

    def preview(self, issue: IssuePayload, *, key: UUID) -> Preview:
        sent = self._input(issue, key)
        told = [
            (_("Team"), "team", [sent["teamId"]]),
            (_("Project"), "project", [sent.get("projectId")]),
            (_("Status"), "state", [sent.get("stateId")]),
            (_("Assignee"), "assignee", [sent.get("assigneeId")]),
            (_("Priority"), "", [THEIRS[sent["priority"]]]),
            (_("Labels"), "labels", sent.get("labelIds", [])),
            (_("Due date"), "", [sent.get("dueDate")]),
        ]
        fields = (Filled(label, one, name) for label, name, ids in told for one in ids if one)
        return Preview(sent["title"], sent.get("description", ""), sent, tuple(fields))

    def find(self, key: UUID) -> ExternalIssue | None:
        return self._found([key]).get(key)

    def complete(self, made: ExternalIssue, issue: IssuePayload, *, key: UUID) -> None:
        """Link the messages, and all their words where the description has not all.

        Linear keeps one attachment per address.
        """
        links = {one.url: one for one in issue.quotes if is_web_address(one.url)}
        for url, message in list(links.items())[:MOST_LINKS]:
            title = one_line(message.chat, limit=LONGEST_TITLE) or _("Message")
            self.api.ask("Attach", input={"issueId": str(key), "url": url, "title": title})
        if is_cut(issue, limit=LONGEST_BODY):
            self.attach_report(issue, key=key)

    def replace(self, issue: IssuePayload, *, key: UUID) -> ExternalIssue:
        """Only the words: what people have chosen there since is theirs."""
        made = self._made("Replace", id=str(key), input=_words(issue))
        self.remove_report(key)
        return made

    def check(self) -> list[Finding]:
        account = self.api.ask("Account")
        viewer, organization = account["viewer"], account["organization"]
        teams = {team["id"]: team["name"] for team in self.api.pages("Teams", "teams")}
        findings = [
            Finding(
                _("Linear knows us as %(name)s in %(organization)s.")
                % {"name": viewer["name"], "organization": organization["name"]}
            )
        ]
        if self.config.team in teams:
            words = _("Issues go to the team %(team)s.") % {"team": teams[self.config.team]}
            return [*findings, Finding(words)]
        if self.config.team:
            missing = Finding(_("The chosen team is not there."), _("Choose another team."))
        else:
            known = {"teams": ", ".join(sorted(teams.values())) or "–"}
            missing = Finding(_("No team is chosen."), _("Choose one of: %(teams)s.") % known)
        return [*findings, missing]

    def choices(self) -> Mapping[str, Sequence[Choice]]:
        teams = self.api.pages("Teams", "teams")
        offered: dict[str, Sequence[Choice]] = {
            "team": [Choice(team["id"], f"{team['name']} ({team['key']})") for team in teams],
            PRIORITIES: [Choice(str(number), name) for number, name in enumerate(THEIRS)],
        }
        if self.config.team not in {team["id"] for team in teams}:
            return offered
        members = self._of_team("TeamMembers", "members")
        labels = [
            *self._of_team("TeamLabels", "labels"),
            *self.api.pages("Labels", "organization", "labels"),
        ]
        return {
            **offered,
            "project": _choices(self._of_team("TeamProjects", "projects")),
            "state": _choices(self._of_team("TeamStates", "states")),
            "assignee": _choices([one for one in members if one["active"]]),
            # A group of labels cannot be put on an issue.
            "labels": _choices([one for one in labels if not one["isGroup"]]),
        }

    def _of_team(self, operation: str, name: str) -> list[Mapping[str, Any]]:
        return self.api.pages(operation, "team", name, id=self.config.team)

    def _input(self, issue: IssuePayload, key: UUID) -> dict[str, Any]:
        self._check_team()
        chosen = self.config
        priority = int(issue.wishes.priority or OURS.get(issue.priority, 0))
        wanted = {
            "id": str(key),
            "teamId": chosen.team,
            **_words(issue),
            "priority": priority,
            "projectId": chosen.project,
            "stateId": chosen.state,
            "assigneeId": issue.wishes.assignee or chosen.assignee,
            "labelIds": list(dict.fromkeys([*chosen.labels, *issue.wishes.labels])),
            "dueDate": issue.due_on.isoformat() if issue.due_on else "",
        }
        return {name: value for name, value in wanted.items() if value not in ("", [])}

    def _check_team(self) -> None:
        if not self.team:
            raise Unasked(_("No team is chosen: choose one on the tracker's page."))

    def _made(self, operation: str, **variables: Any) -> ExternalIssue:
        issue = self.api.change(operation, **variables)["issue"]
        if not issue:
            raise Doubtful(senseless("Linear"))
        return external(issue)

    def _found(self, keys: Sequence[UUID]) -> dict[UUID, ExternalIssue]:
        nodes = self.api.ask("Find", ids=[str(key) for key in keys])["issues"]["nodes"]
        return {UUID(node["id"]): external(node) for node in nodes}

    def _made_after_all(
        self, keys: Sequence[UUID], error: Doubtful | GiveUp
    ) -> dict[UUID, ExternalIssue]:
        """What is there under these keys, whatever the error says; else the error."""
        try:
            found = self._found(keys)
        except TryLater as silence:
            raise Doubtful(str(error)) from silence
        except GiveUp:
            raise error from None
        # After a doubt the rest may still come; after a refusal it surely does not.
        if not found or (isinstance(error, Doubtful) and len(found) < len(keys)):
            raise error
        return found


def _words(issue: IssuePayload) -> dict[str, str]:
    return {
        "title": title_of(issue, limit=LONGEST_TITLE),
        "description": body_of(issue, limit=LONGEST_BODY),
    }


def _choices(nodes: Sequence[Mapping[str, Any]]) -> list[Choice]:
    unique = {node["id"]: Choice(node["id"], node["name"]) for node in nodes}
    return sorted(unique.values(), key=lambda choice: choice.label.casefold())
