"""Linear: an issue whose id there is our own, so that a repeat finds what it made."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from apps.exports.trackers.base import (
    OFFERED,
    Choice,
    Doubtful,
    ExternalIssue,
    Finding,
    IssuePayload,
    Means,
)
from apps.exports.trackers.linear.api import LinearApi
from apps.exports.trackers.markdown import body_of, is_web_address, one_line, title_of
from tasktracker.lib.workflow import GiveUp, TryLater

LONGEST_TITLE = 250
LONGEST_BODY = 50_000
MOST_LINKS = 10
PRIORITIES = {"critical": 1, "high": 2, "medium": 3, "low": 4}  # 0 is "no priority"


class Linear:
    """A team of Linear, by an API key of somebody who may create issues there."""

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid")

        api_key: SecretStr = Field(
            title=gettext_noop("API key"),
            description=gettext_noop(
                "In Linear: Settings, Security & access, New API key. Save, and its teams are offered."
            ),
        )
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

        @field_validator("api_key")
        @classmethod
        def _fits_a_header(cls, key: SecretStr) -> SecretStr:
            words = key.get_secret_value()
            if not words or not words.isascii() or not words.isprintable() or " " in words:
                raise ValueError(_("A key has only Latin letters, digits and signs."))
            return key

    def __init__(self, config: Config, means: Means) -> None:
        self.config = config
        self.api = LinearApi(config.api_key.get_secret_value(), means)

    def create(self, issue: IssuePayload, *, key: UUID) -> ExternalIssue:
        if not self.config.team:
            raise GiveUp(_("No team is chosen: choose one on the tracker's page."))
        try:
            made = self.api.ask("Create", input=self._input(issue, key))["issueCreate"]
        except (Doubtful, GiveUp) as error:
            # A key that is there already is refused in words that nobody has promised.
            return self._made_after_all(key, error)
        if not made["success"] or not made["issue"]:
            return self._made_after_all(key, Doubtful("Linear: no success, and no error"))
        return _external(made["issue"])

    def find(self, key: UUID) -> ExternalIssue | None:
        nodes = self.api.ask("Find", id=str(key))["issues"]["nodes"]
        return _external(nodes[0]) if nodes else None

    def complete(self, made: ExternalIssue, issue: IssuePayload, *, key: UUID) -> None:
        """Link the messages; Linear keeps one attachment per address."""
        links = {one.url: one for one in issue.quotes if is_web_address(one.url)}
        for url, message in list(links.items())[:MOST_LINKS]:
            title = one_line(message.chat, limit=LONGEST_TITLE) or _("Message")
            self.api.ask("Attach", input={"issueId": str(key), "url": url, "title": title})

    def replace(self, issue: IssuePayload, *, key: UUID) -> ExternalIssue:
        """Only the words: what people have chosen there since is theirs."""
        changed = self.api.ask("Replace", id=str(key), input=_words(issue))["issueUpdate"]
        if not changed["success"] or not changed["issue"]:
            raise Doubtful("Linear: no success, and no error")
        return _external(changed["issue"])

    def check(self) -> list[Finding]:
        account = self.api.ask("Account")
        viewer, organization = account["viewer"], account["organization"]
        teams = {team["id"]: team["name"] for team in account["teams"]["nodes"]}
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
        teams = self.api.ask("Account")["teams"]["nodes"]
        offered: dict[str, Sequence[Choice]] = {
            "team": [Choice(team["id"], f"{team['name']} ({team['key']})") for team in teams]
        }
        if self.config.team not in {team["id"] for team in teams}:
            return offered
        details = self.api.ask("Team", id=self.config.team)
        team, labels = details["team"], details["organization"]["labels"]["nodes"]
        return {
            **offered,
            "project": _choices(team["projects"]["nodes"]),
            "state": _choices(team["states"]["nodes"]),
            "assignee": _choices([one for one in team["members"]["nodes"] if one["active"]]),
            # A group of labels cannot be put on an issue.
            "labels": _choices(
                [one for one in [*team["labels"]["nodes"], *labels] if not one["isGroup"]]
            ),
        }

    def _input(self, issue: IssuePayload, key: UUID) -> dict[str, Any]:
        chosen = self.config
        wanted = {
            "id": str(key),
            "teamId": chosen.team,
            **_words(issue),
            "priority": PRIORITIES.get(issue.priority, 0),
            "projectId": chosen.project,
            "stateId": chosen.state,
            "assigneeId": chosen.assignee,
            "labelIds": chosen.labels,
            "dueDate": issue.due_on.isoformat() if issue.due_on else "",
        }
        return {name: value for name, value in wanted.items() if value not in ("", [])}

    def _made_after_all(self, key: UUID, error: Doubtful | GiveUp) -> ExternalIssue:
        """What is there under this key, whatever the error says; else the error."""
        try:
            found = self.find(key)
        except TryLater as silence:
            raise Doubtful(str(error)) from silence
        except GiveUp:
            raise error from None
        if found is None:
            raise error
        return found


def _words(issue: IssuePayload) -> dict[str, str]:
    return {
        "title": title_of(issue, limit=LONGEST_TITLE),
        "description": body_of(issue, limit=LONGEST_BODY),
    }


def _external(issue: Mapping[str, Any]) -> ExternalIssue:
    """Without the words of the title in which the address ends: it leads there as well."""
    identifier = issue["identifier"]
    address, mark, _slug = issue["url"].partition(f"/{identifier}/")
    return ExternalIssue(id=identifier, url=f"{address}{mark}".removesuffix("/"))


def _choices(nodes: Sequence[Mapping[str, Any]]) -> list[Choice]:
    unique = {node["id"]: Choice(node["id"], node["name"]) for node in nodes}
    return sorted(unique.values(), key=lambda choice: choice.label.casefold())
