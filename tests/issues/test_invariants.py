"""Whatever people and workers do, in whichever order, these stay true of issues and their reports."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from hypothesis import HealthCheck, settings, strategies
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from apps.issues import decisions
from apps.issues.conversation import follow_up
from apps.issues.models import Evidence, Issue, Relation
from apps.issues.triage import file
from apps.messages.models import Message
from apps.sources.envelope import ChatReference, Envelope
from apps.sources.models import Chat, Project, Source
from tasktracker.lib.workflow import LostRace, TryLater, WrongTransition
from tests.conftest import MONDAY

TEXTS = [
    "Прод лежить, 502 на всіх сторінках, клієнти не можуть оплатити",
    "prod is down, 502 on every page, customers cannot pay",
    "лежимо",
    "Export of the payroll report to Excel fails with error 500",
    "Import of the payroll report from Excel fails with error 500",
    "Кур'єрський додаток вилітає, коли відкриваю карту замовлень на андроїді",
    "листи з кодом не приходять на пошту ukr.net з самого ранку",
]
some = strategies.integers(min_value=0, max_value=1000)


class Team(RuleBasedStateMachine):
    """One project. Numbers choose among what there is at that moment."""

    def __init__(self) -> None:
        super().__init__()
        self.frame = transaction.atomic()
        self.frame.__enter__()
        project = Project.objects.create(name="Invariants", slug="invariants")
        source = Source.objects.create(project=project, kind="file_import", name="Chat")
        self.chat = Chat.objects.create(source=source, external_id="1")
        self.person = get_user_model().objects.create(username="operator-of-invariants")
        self.said = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.frame.__exit__(None, None, None)

    # What happens

    @rule(text=strategies.sampled_from(TEXTS), author=strategies.sampled_from("abc"))
    def report(self, text, author):
        file([self._say(text, author)])

    @precondition(lambda self: self.said)
    @rule(which=some)
    def echo(self, which):
        to = self._pick(Message.objects.filter(is_superseded=False), which)
        message = self._say("+1", "d", reply_to=to, category="info", status="follow_up")
        try:
            follow_up(message)
        except TryLater:
            message.move_to(Message.Status.NOISE)

    @precondition(lambda self: Evidence.objects.exists())
    @rule(which=some, text=strategies.sampled_from(TEXTS))
    def edit(self, which, text):
        before = self._pick(Evidence.objects.all(), which)
        if before is None:
            return
        old = before.message
        Message.objects.filter(pk=old.pk).update(is_superseded=True)
        file([self._say(text, old.author_id, external_id=old.external_id, edit=old.edit + 1)])

    @precondition(lambda self: self.said)
    @rule(which=some)
    def deliver_again(self, which):
        message = self._pick(Message.objects.filter(status="filed", category="bug"), which)
        if message is None:
            return
        message.status = Message.Status.ACTIONABLE  # as the worker that was too slow has read it
        with pytest.raises(LostRace):
            file([message])

    @precondition(lambda self: Issue.objects.count() > 1)
    @rule(one=some, other=some)
    def merge(self, one, other):
        self._decide(decisions.merge, one, other, "into")

    @precondition(lambda self: Issue.objects.filter(status="duplicate").exists())
    @rule(which=some)
    def undo(self, which):
        issue = self._pick(Issue.objects.filter(status="duplicate"), which)
        decisions.undo_merge(issue, by=self.person)

    @precondition(lambda self: Issue.objects.count() > 1)
    @rule(one=some, other=some)
    def tell_apart(self, one, other):
        self._decide(decisions.not_duplicate, one, other, "other")

    @precondition(lambda self: Evidence.objects.exists())
    @rule(which=some)
    def split(self, which):
        try:
            with transaction.atomic():
                decisions.split(self._pick(Evidence.objects.all(), which).message, by=self.person)
        except decisions.CannotSplit:
            pass

    @precondition(lambda self: Issue.objects.exists())
    @rule(which=some, status=strategies.sampled_from(["approved", "rejected", "done", "new"]))
    def move(self, which, status):
        issue = self._pick(Issue.objects.exclude(status="duplicate"), which)
        try:
            with transaction.atomic():
                decisions.change_status(issue, status, by=self.person)
        except WrongTransition:
            pass

    # What stays true

    @invariant()
    def nothing_is_lost(self):
        reports = Message.objects.filter(category="bug", is_superseded=False)
        assert set(reports.values_list("pk", flat=True)) <= set(
            Evidence.objects.values_list("message_id", flat=True)
        )

    @invariant()
    def what_was_edited_is_evidence_once(self):
        forms = [row.message.external_id for row in Evidence.objects.select_related("message")]
        assert len(forms) == len(set(forms))

    @invariant()
    def a_duplicate_leads_to_an_issue_that_is_none(self):
        for issue in Issue.objects.filter(status="duplicate").select_related("duplicate_of"):
            assert issue.duplicate_of is not None
            assert issue.duplicate_of.status != Issue.Status.DUPLICATE
            assert not issue.evidence.exists()
        assert not Issue.objects.exclude(status="duplicate").exclude(duplicate_of=None).exists()

    @invariant()
    def what_was_told_apart_is_never_together(self):
        issue_of = dict(Evidence.objects.values_list("message_id", "issue_id"))
        for relation in Relation.objects.filter(kind=Relation.Kind.APART):
            ours = {issue_of[pk] for pk in relation.messages if pk in issue_of}
            theirs = {issue_of[pk] for pk in relation.other_messages if pk in issue_of}
            assert not ours & theirs

    # How

    def _say(self, text, author, *, reply_to=None, status="actionable", category="bug", **values):
        self.said += 1
        envelope = Envelope(
            source_id=self.chat.source_id,
            external_id=values.pop("external_id", f"m{self.said}"),
            chat=ChatReference(external_id="1"),
            author_id=author,
            text=text,
            sent_at=MONDAY + timedelta(minutes=self.said),
            **values,
        )
        message = Message.from_envelope(envelope, self.chat)
        message.status, message.category, message.priority = status, category, "medium"
        message.confidence, message.due_at, message.reply_to = 0.9, None, reply_to
        message.save()
        return message

    def _decide(self, verb, one, other, name):
        first, second = (self._pick(Issue.objects.all(), number) for number in (one, other))
        try:
            with transaction.atomic():
                verb(first, by=self.person, **{name: second})
        except (ValueError, WrongTransition):  # a sentence that says why not
            pass

    @staticmethod
    def _pick(rows, number):
        found = list(rows.order_by("pk"))
        return found[number % len(found)] if found else None


@pytest.mark.django_db
def test_no_order_of_events_breaks_what_must_stay_true():
    run_state_machine_as_test(
        Team,
        settings=settings(
            max_examples=25,
            stateful_step_count=14,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
