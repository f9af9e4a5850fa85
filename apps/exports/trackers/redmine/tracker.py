"""Redmine: an issue that carries our key, looked for before it is made."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID, uuid5

from django.utils.translation import gettext as _

from apps.exports.trackers.asking import senseless
from apps.exports.trackers.base import (
    PRIORITIES,
    Changes,
    Choice,
    Doubtful,
    ExternalIssue,
    Filled,
    Finding,
    IssuePayload,
    Means,
    Preview,
    RemoteState,
    Request,
    Unasked,
)
from apps.exports.trackers.markdown import is_cut, is_web_address
from apps.exports.trackers.redmine import closing, marks, mirror, notes, relations, reports, twins
from apps.exports.trackers.redmine.api import (
    Broken,
    Invalid,
    RedmineApi,
    Strange,
    credentials,
    without_emoji,
)
from apps.exports.trackers.redmine.choices import check, choices
from apps.exports.trackers.redmine.config import RedmineConfig
from apps.exports.trackers.redmine.fields import (
    LONGEST_BODY,
    chosen_priority,
    fields_of,
    left_out,
    usual_priority,
    words_of,
)
from apps.exports.trackers.redmine.markup import MARKUPS
from apps.exports.trackers.redmine.statuses import Statuses, learned
from tasktracker.lib.workflow import GiveUp, TryLater


class Redmine:
    """A project of a Redmine, by the key or the password of somebody who may add issues there."""

    Config = RedmineConfig
    looks_first = True
    keeps_ids = True
    place = ("url",)

    def __init__(self, config: RedmineConfig, means: Means) -> None:
        self.config = config
        self.means = means
        self.markup = MARKUPS[config.text_format]
        headers = credentials(
            config.api_key.get_secret_value(),
            config.login,
            config.password.get_secret_value(),
            config.switch_user,
        )
        self.api = RedmineApi(config.url, headers, means, per_minute=config.calls_per_minute)

    def create(self, issue: IssuePayload, *, key: UUID) -> ExternalIssue:
        chosen = self._input(issue, key)
        if found := self.find(key):
            return found
        usual = "" if "priority_id" in chosen else usual_priority(issue, self.api)
        fields = {**chosen, "priority_id": usual} if usual else chosen
        try:
            return self._post(fields)
        except Doubtful as error:
            if found := self._made_after_all(key, error):
                return found
            plain = without_emoji(fields)
            if not isinstance(error, Broken) or plain == fields:
                raise
        return self._post(plain)  # a database may have no room for them

    def preview(self, issue: IssuePayload, *, key: UUID) -> Preview:
        """A priority that nobody chose is looked up when the issue is made."""
        sent = self._input(issue, key)
        told = [
            (_("Project"), "project", sent["project_id"]),
            (_("Tracker"), "tracker", sent.get("tracker_id")),
            (_("Status"), "status", sent.get("status_id")),
            (_("Priority"), PRIORITIES, sent.get("priority_id")),
            (_("Category"), "category", sent.get("category_id")),
            (_("Target version"), "version", sent.get("fixed_version_id")),
            (_("Assignee"), "assignee", sent.get("assigned_to_id")),
            (_("Due date"), "", sent.get("due_date")),
        ]
        fields = tuple(Filled(label, value, name) for label, name, value in told if value)
        return Preview(sent["subject"], sent["description"], {"issue": sent}, fields)

    def find(self, key: UUID) -> ExternalIssue | None:
        """The first one, when there are more: the others are closed."""
        found = marks.find(self.api, key, self.config.key_field)
        remark = twins.end(self.api, found)
        return marks.external(self.api, found[0], remark=remark) if found else None

    def complete(self, made: ExternalIssue, issue: IssuePayload, *, key: UUID) -> None:
        """The whole report as a file, where the description has no room for it."""
        if is_cut(issue, limit=LONGEST_BODY, markup=self.markup):
            reports.attach(self.api, marks.number_of(made), issue, key=key)

    def replace(self, issue: IssuePayload, *, key: UUID) -> ExternalIssue:
        """Everything that is ours; the history of an issue is Redmine's own, and nobody can change it."""
        issues = marks.find(self.api, key, self.config.key_field)
        if not issues:
            raise GiveUp(_("Redmine has no issue with our id."))
        found = marks.external(self.api, issues[0])
        number = marks.number_of(found)
        self.api.put(f"/issues/{number}.json", {"issue": words_of(issue, self.config, key)})
        reports.remove(self.api, number, key=key)
        journals = notes.journals_of(self.api, number)
        notes.take_back(self.api, journals, self.config.text_format)
        if any(notes.keeps_words(one) for one in journals):
            raise GiveUp(
                _(
                    "Redmine keeps earlier words in the history of %(issue)s: only its database can lose them."
                )
                % {"issue": found.id}
            )
        return found

    def check(self) -> list[Finding]:
        with _told_plainly():
            return check(self.api, self.config)

    def choices(self) -> Mapping[str, Sequence[Choice]]:
        with _told_plainly():
            offered = choices(self.api, self.config)
            known = learned(self.api)
        return {**offered, **{name: [Choice(*pair) for pair in known[name]] for name in known}}

    @cached_property
    def _statuses(self) -> Statuses:
        """As they are now, also for the next calls."""
        known = learned(self.api)
        self.means.learn(known)
        return Statuses(self.config, known)

    def note(self, made: ExternalIssue, text: str, *, key: UUID, note_id: str = "") -> str:
        return notes.write(
            self.api,
            self._ours(made, include=notes.PARTS),
            text,
            key=key,
            note_id=note_id,
            text_format=self.config.text_format,
        )

    def relate(self, made: ExternalIssue, other: ExternalIssue, kind: str, *, key: UUID) -> None:
        number = int(self._ours(made)["id"])
        relations.relate(self.api, number, marks.number_of(other), kind)

    def unrelate(self, made: ExternalIssue, other: ExternalIssue, *, key: UUID) -> None:
        number = int(self._ours(made)["id"])
        relations.unrelate(self.api, number, marks.number_of(other))

    def close(self, made: ExternalIssue, *, key: UUID) -> None:
        closing.close(self.api, self._ours(replace(made, key=key), include=closing.PARTS))

    def link(self, made: ExternalIssue, other: ExternalIssue, words: str, *, key: UUID) -> None:
        is_web = is_web_address(other.url)
        text = self.markup.link(other.url, words) if is_web else self.markup.escape(words)
        self.note(replace(made, key=key), text, key=uuid5(key, other.id))

    def changed(self, since: datetime) -> Changes:
        return mirror.changed(self.api, self.config, self._statuses, since)

    def states(self, made: Mapping[UUID, ExternalIssue]) -> Mapping[UUID, RemoteState | None]:
        return mirror.states(self.api, self.config, self._statuses, made)

    def receive(self, request: Request) -> Sequence[RemoteState]:
        statuses = Statuses(self.config, self.means.known)
        return mirror.receive(self.api.url, self.config, statuses, request)

    def _input(self, issue: IssuePayload, key: UUID) -> dict[str, Any]:
        if not self.config.project:
            raise Unasked(_("No project is chosen: choose one on the tracker's page."))
        priority = chosen_priority(issue, self.config)
        return fields_of(issue, self.config, key, priority=priority)

    def _ours(self, made: ExternalIssue, *, include: str = "") -> dict[str, Any]:
        """The issue of this number; raises GiveUp when it has not our key, for it may be a stranger's."""
        issue = self.api.issue(marks.number_of(made), include=include)
        key = marks.key_of(issue, self.config.key_field)
        if key is None or made.key not in (None, key):
            words = _("%(issue)s in Redmine is not the one that we made, or has lost our id.")
            raise GiveUp(words % {"issue": made.id})
        return issue

    def _post(self, fields: Mapping[str, Any]) -> ExternalIssue:
        try:
            issue = self.api.post("/issues.json", {"issue": fields}).get("issue")
        except Invalid as error:
            words = _(
                "A project that is called blank is one to which the account may not add issues."
            )
            raise Invalid(f"{error}. {words}") from error
        if not isinstance(issue, dict):
            raise Doubtful(senseless("Redmine"))
        return marks.external(self.api, issue, remark=left_out(fields, issue))

    def _made_after_all(self, key: UUID, error: Doubtful) -> ExternalIssue | None:
        try:
            return self.find(key)
        except (TryLater, GiveUp) as silence:
            raise Doubtful(str(error)) from silence


@contextmanager
def _told_plainly() -> Iterator[None]:
    """Who looks at the settings can mend the address; an export waits until Redmine is back."""
    try:
        yield
    except Strange as error:
        raise GiveUp(str(error)) from error
