"""One row of everything that the admin shows, written by somebody who means harm, and three people."""

from collections.abc import Callable
from datetime import date, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.authtoken.models import TokenProxy

from apps.exports.models import ExportPolicy, TaskExport, Tracker
from apps.issues.analysis import analyse
from apps.issues.models import Change, Evidence, Issue, Match, Opinion
from apps.messages.corrections import note
from apps.messages.models import Classification, Message, ModelVersion, Rule
from apps.sources.models import (
    Author,
    Chat,
    DeadLetter,
    Gap,
    GlossaryTerm,
    HistoryImport,
    Project,
    Source,
)
from tests.admin.rule_pages import OUTAGE
from tests.lib.jetstream import empty_the_stream, take_all

HOSTILE = "<script>alert(1)</script> {{ 7|add:7 }} https://evil.example/x ' \" \u202e%s"


@pytest.fixture
def groups(db: None) -> dict[str, Group]:
    """As the migration made them; a flushed database gets them again."""
    if not Group.objects.exists():
        for migration in ("0002_groups", "0003_groups_of_understanding"):
            import_module(f"tasktracker.migrations.{migration}").make_groups(apps, None)
    return {group.name: group for group in Group.objects.all()}


@pytest.fixture
def people(groups: dict[str, Group], project: Project) -> dict[str, User]:
    people = {"administrator": User.objects.create_superuser("administrator")}
    for name in ("operator", "viewer"):
        person = User.objects.create_user(name, is_staff=True)
        person.groups.add(groups[name.capitalize()])
        project.members.add(person)
        people[name] = person
    return people


@pytest.fixture
def client_of(people: dict[str, User]) -> Callable[[str], Client]:
    def log_in(name: str) -> Client:
        client = Client()
        client.force_login(people[name])
        return client

    return log_in


@pytest.fixture
def operator(client_of: Callable[[str], Client]) -> Client:
    return client_of("operator")


@pytest.fixture
def viewer(client_of: Callable[[str], Client]) -> Client:
    return client_of("viewer")


@pytest.fixture
def administrator(client_of: Callable[[str], Client]) -> Client:
    return client_of("administrator")


@pytest.fixture
def make_rows() -> Callable[[Project], dict[type, Any]]:
    """One row of each model of a project, by model."""

    def make(project: Project) -> dict[type, Any]:
        source = Source.objects.create(
            project=project,
            kind="telegram",
            name=HOSTILE[:60],
            config={"bot_token": "12345:very-secret-token"},
            last_error=HOSTILE,
        )
        chat = Chat.objects.create(source=source, external_id="-1001", title=HOSTILE)
        letter = DeadLetter.objects.create(
            source=source, subject=f"chat.{source.pk}", payload=HOSTILE.encode(), reason=HOSTILE
        )
        gap = Gap.objects.create(
            source=source, chat=chat, since="2026-03-02T09:00:00Z", until="2026-03-02T19:00:00Z"
        )
        upload = HistoryImport.objects.create(
            source=source,
            original_name=HOSTILE,
            status=HistoryImport.Status.FAILED,
            last_error=HOSTILE,
            problems=[HOSTILE],
            counts={"read": 3, "published": 2, "invalid": 1},
        )
        message = make_message(chat, "1")
        answer = make_message(chat, "2", reply_to=message)
        older = make_issue(project, make_message(chat, "3"))
        issue = make_issue(project, message)
        Evidence.objects.create(
            issue=issue,
            message=answer,
            level=Evidence.Level.JUDGED,
            score=0.91,
            threshold=0.8,
            explanation={
                "cosine": 0.7,
                "fuzzy": 0.5,
                "words": [HOSTILE],
                "shared": {"versions": ["2.1"], HOSTILE: [HOSTILE]},
                "conflicts": {"platform": [["ios"], ["android"]]},
            },
        )
        match = Match.objects.create(
            message=message,
            issue=older,
            level=Evidence.Level.SEMANTIC,
            score=0.6,
            threshold=0.8,
            outcome=Match.Outcome.SUGGESTED,
            explanation={"cosine": 0.6},
        )
        Opinion.objects.create(
            match=match,
            issue=issue,
            status=Opinion.Status.DIFFERENT,
            confidence=0.9,
            model=HOSTILE,
            reason=HOSTILE,
            last_error=HOSTILE,
        )
        Classification.objects.create(
            message=message,
            classifier=HOSTILE[:60],
            version="1",
            category="bug",
            priority="high",
            confidence=0.8,
        )
        for kind in Change.Kind.values:
            issue.record(kind, reason=HOSTILE, field="title", before=HOSTILE, after="new")
        tracker = Tracker.objects.create(project=project, kind="json", name=HOSTILE[:60])
        export = TaskExport.objects.create(
            issue=issue,
            tracker=tracker,
            status=TaskExport.Status.FAILED,
            last_error=HOSTILE,
            external_url="javascript:alert(1)",
        )
        policy = ExportPolicy.objects.create(
            project=project,
            tracker=tracker,
            title_template=HOSTILE,
            body_template=HOSTILE,
            extra_labels=[HOSTILE],
            priorities={"high": HOSTILE},
        )
        term = GlossaryTerm.objects.create(
            project=project, name=HOSTILE[:90], aliases=HOSTILE, meaning=HOSTILE
        )
        rule = Rule.objects.create(
            project=project,
            name=HOSTILE[:90],
            contains=HOSTILE,
            pattern="(a+)+$",
            chat=chat,
            author=HOSTILE[:90],
            category="bug",
            tag=HOSTILE[:50],
            timeouts=1,
        )
        author = Author.objects.create(source=source, external_id="7", name=HOSTILE)
        rows = (project, source, chat, author, letter, message, issue, tracker, export, term, rule)
        analysis = analyse(project, date(2026, 3, 2))
        analysis.llm_text = analysis.last_error = HOSTILE
        analysis.save()
        return {type(row): row for row in (*rows, policy, gap, upload, analysis)}

    return make


@pytest.fixture
def rows(make_rows: Callable[..., dict[type, Any]], project: Project) -> dict[type, Any]:
    return make_rows(project)


@pytest.fixture
def all_rows(
    rows: dict[type, Any], people: dict[str, User], groups: dict[str, Group]
) -> dict[type, Any]:
    """Also the accounts, which only administrators see."""
    token = TokenProxy.objects.create(user=people["operator"])
    message = rows[Message]
    note(message, {"category": ("info", "bug"), "title": ("", HOSTILE)}, by=people["operator"])
    return {
        **rows,
        User: people["viewer"],
        Group: groups["Viewer"],
        TokenProxy: token,
        ModelVersion: make_version(message),
    }


@pytest.fixture
def stream() -> Callable[[], list[Any]]:
    """An empty stream; call it for what has come in since."""

    empty_the_stream()
    return take_all


def page_of(client: Client, issue: Issue) -> str:
    page = client.get(reverse("admin:issues_issue_change", args=[issue.pk]))
    return str(page.content.decode())


def decide(client: Client, issue: Issue, verb: str, **data: Any) -> Any:
    return client.post(
        reverse("admin:issues_issue_decide", args=[issue.pk, verb]), data, follow=True
    )


def act(client: Client, action: str, rows: list[Any], **data: Any) -> Any:
    options = rows[0]._meta
    address = reverse(f"admin:{options.app_label}_{options.model_name}_changelist")
    chosen = {"action": action, "_selected_action": [row.pk for row in rows]}
    return client.post(address, {**chosen, **data}, follow=True)


def make_version(message: Message) -> ModelVersion:
    """A version that was compared and not promoted."""
    row = {"precision": 0.9, "recall": 0.8, "f1": 0.85, "messages": 12}
    after = {"macro_f1": 0.8, "issue_recall": 0.7, "messages": 12, "categories": {"bug": row}}
    told = {"right": "bug", "before": "bug", "after": "info"}
    return ModelVersion.objects.create(
        status=ModelVersion.Status.CANDIDATE,
        version="2-0badc0de",
        last_error=HOSTILE,
        figures={"before": {"macro_f1": 0.89961}, "after": after, "failed": ["macro_f1"]},
        report={
            "changes": [{"message": message.pk, **told}, {"text": HOSTILE, **told}],
            "worse": 2,
        },
        weights=b"weights",
    )


def make_message(chat: Chat, number: str, **changes: Any) -> Message:
    values: dict[str, Any] = {
        "project": chat.source.project,
        "source": chat.source,
        "chat": chat,
        "external_id": f"-1001:{number}",
        "author": HOSTILE,
        "text": HOSTILE + "\nsecond line",
        "raw": {HOSTILE: HOSTILE},
        "sent_at": "2026-03-02T09:00:00Z",
        "status": Message.Status.NOISE,
        "category": "info",
        "priority": "low",
        "confidence": 0.5,
    }
    return Message.objects.create(**{**values, **changes})


def make_issue(project: Project, message: Message, **changes: Any) -> Issue:
    values: dict[str, Any] = {
        "project": project,
        "title": HOSTILE,
        "description": HOSTILE,
        "category": "bug",
        "priority": "high",
        "confidence": 0.9,
        "entities": {"technologies": [{"surface": HOSTILE, "normal": "x"}]},
        "reported_at": "2026-03-02T09:00:00Z",
    }
    issue = Issue.objects.create(**{**values, **changes})
    Evidence.objects.create(issue=issue, message=message, level=Evidence.Level.OPENED)
    return issue


@pytest.fixture
def make_rule(project):
    def make(**values):
        return Rule.objects.create(**{"name": "Rule", "project": project, **values})

    return make


@pytest.fixture
def values(project):
    return {
        "project": project.pk,
        "name": "Outage",
        "position": "10",
        "is_active": "on",
        "contains": "прод лежить",
        "category": "question",
    }


@pytest.fixture
def recent(make_message):
    """Messages of the last hours."""

    def make(text=OUTAGE, **changes):
        decided = {"category": "bug", "priority": "high", "status": "actionable"}
        message = make_message(text, **{**decided, **changes})
        Message.objects.filter(pk=message.pk).update(sent_at=timezone.now() - timedelta(hours=1))
        return message

    return make
