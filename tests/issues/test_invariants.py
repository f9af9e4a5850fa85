"""Whatever people and workers do, in whichever order, these stay true of issues and their reports."""

import os
from datetime import timedelta
from typing import NamedTuple

import pytest
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Q
from hypothesis import HealthCheck, settings, strategies
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from apps.issues import conversation, decisions
from apps.issues.models import Evidence, Issue
from apps.issues.triage import file
from apps.messages.models import Message
from apps.sources.envelope import ChatReference, Envelope
from apps.sources.models import Chat, Project, Source
from tasktracker.lib.workflow import LostRace, TryLater, WrongTransition
from tests.conftest import MONDAY

TEXTS = [
    "Прод лежить, 502 на всіх сторінках, клієнти не можуть оплатити",
    "prod is down, 502 on every page, customers cannot pay",
    "Export of the payroll report to Excel fails with error 500",
    "Import of the payroll report from Excel fails with error 500",
]
ORDERS = int(os.environ.get("INVARIANT_ORDERS", "8"))  # of thirty events each
some = strategies.integers(min_value=0, max_value=1000)
texts = strategies.sampled_from(TEXTS)


class Said(NamedTuple):
    """One report of each of two sides that somebody told apart, in the wordings of that moment.

    An issue without reports stands for itself, by a number below zero.
    """

    one: int
    other: int


class Team(RuleBasedStateMachine):
    """One project. Numbers choose among what there is at that moment.

    What it remembers itself is what the product is held to: who was told apart, and what each merge
    has brought to where it lies.
    """

    def __init__(self) -> None:
        super().__init__()
        self.frame = transaction.atomic()
        self.frame.__enter__()
        project = Project.objects.create(name="Invariants", slug="invariants")
        source = Source.objects.create(project=project, kind="file_import", name="Chat")
        self.chat = Chat.objects.create(source=source, external_id="1")
        self.person = get_user_model().objects.create(username="operator-of-invariants")
        self.count = 0
        self.form_of: dict[int, str] = {}  # what all wordings of a message have in common
        self.apart: set[Said] = set()
        self.detached: set[str] = set()
        #: The merges that brought a report to where it lies, the last one last.
        self.came_by: dict[str, list[int]] = {}

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.frame.__exit__(None, None, None)

    # What is said in the chat

    @rule(text=texts, author=strategies.sampled_from("abc"))
    def report(self, text, author):
        self._file(self._say(text, author))

    @precondition(lambda self: self.apart)
    @rule(which=some)
    def report_again_what_was_told_apart(self, which):
        """In the same words, which the other side says by now, and its own issue is closed."""
        said = self._pick(self._apart(), which)
        if said is None or min(said) < 0:
            return
        text = Message.objects.get(pk=said.one).text
        before = self._report(self.form_of[said.other])
        if before is not None:
            self._file(self._edited(before, text))
        self._change_status(Issue.objects.get(pk=self._place(said.one)), "done")
        self._file(self._say(text, "e"))

    @precondition(lambda self: self.count)
    @rule(which=some)
    def echo(self, which):
        to = self._pick(Message.objects.filter(is_superseded=False), which)
        self._follow_up(self._say("+1", "d", reply_to=to, category="info", status="follow_up"))

    @precondition(lambda self: self.detached)
    @rule(which=some)
    def edit_what_was_detached(self, which):
        form = self._pick(sorted(self.detached), which)
        old = Message.objects.get(external_id=form, is_superseded=False)
        self._follow_up(self._edited(old, "+1", category="info", status="follow_up"))

    @precondition(lambda self: self.count)
    @rule(which=some, text=texts)
    def edit(self, which, text):
        before = self._pick(Evidence.objects.exclude(level__in=Evidence.FOLLOW_UPS), which)
        if before is not None:
            self._file(self._edited(before.message, text))

    @precondition(lambda self: self.came_by)
    @rule(which=some, text=texts)
    def edit_what_a_merge_brought(self, which, text):
        form = self._pick(sorted(self.came_by), which)
        before = self._report(form)
        if before is not None:
            self._file(self._edited(before, text))

    @precondition(lambda self: self.count)
    @rule(which=some)
    def deliver_again(self, which):
        message = self._pick(Message.objects.filter(status="filed", category="bug"), which)
        if message is None:
            return
        message.status = Message.Status.ACTIONABLE  # as the worker that was too slow has read it
        with pytest.raises(LostRace):
            file([message])

    # What people decide

    @precondition(lambda self: self.count > 1)
    @rule(one=some, other=some)
    def merge(self, one, other):
        issue, into = self._two(one, other)
        if into is not None:
            self._merge(issue, into)

    @precondition(lambda self: self.apart)
    @rule(which=some, is_turned=strategies.booleans())
    def merge_what_was_told_apart(self, which, is_turned):
        said = self._pick(self._apart(), which)
        if said is not None:
            pair = [Issue.objects.get(pk=self._place(number)) for number in said]
            self._merge(*(reversed(pair) if is_turned else pair))

    @precondition(lambda self: self.came_by)
    @rule(which=some)
    def undo(self, which):
        issue = self._pick(Issue.objects.filter(status="duplicate"), which)
        if issue is None:
            return
        into, lay = issue.duplicate_of, self._places()
        brought = {form for form, merges in self.came_by.items() if issue.pk in merges}
        decisions.undo_merge(issue, by=self.person)
        given = set(self._moved(lay))
        assert brought <= given
        echoes = Evidence.objects.filter(level__in=Evidence.FOLLOW_UPS)
        # They go where their report goes.
        assert given - brought <= set(echoes.values_list("message__external_id", flat=True))
        for form in given:
            merges = self.came_by.pop(form, [])
            if issue.pk in merges:
                self.came_by[form] = merges[: merges.index(issue.pk)]
        self._tell_apart(self._members(issue), self._members(into))

    @precondition(lambda self: self.count > 1)
    @rule(one=some, other=some)
    def tell_apart(self, one, other):
        issue, into = self._two(one, other)
        if into is None:
            return
        decisions.not_duplicate(issue, other=into, by=self.person)
        self._tell_apart(self._members(issue), self._members(into))

    @precondition(lambda self: self.count > 1)
    @rule(one=some, other=some)
    def relate(self, one, other):
        first, second = self._two(one, other)
        if second is not None:
            decisions.related(first, other=second, by=self.person)

    @precondition(lambda self: self.apart)
    @rule(which=some)
    def take_back(self, which):
        said = self._pick(self._apart(), which)
        if said is None:
            return
        self._take_back(*(Issue.objects.get(pk=self._place(number)) for number in said))

    @precondition(lambda self: self.count)
    @rule(which=some)
    def split(self, which):
        self._split(self._pick(Evidence.objects.all(), which))

    @precondition(lambda self: self.came_by)
    @rule(which=some)
    def split_and_merge_again_what_a_merge_brought(self, which):
        form = self._pick(sorted(self.came_by), which)
        evidence = Evidence.objects.select_related("issue").get(message__external_id=form)
        issue = self._split(evidence)
        if issue is not None:
            self._take_back(issue, evidence.issue)
            self._merge(issue, evidence.issue)

    @precondition(lambda self: self.count)
    @rule(which=some)
    def detach(self, which):
        evidence = self._pick(Evidence.objects.filter(level__in=Evidence.FOLLOW_UPS), which)
        if evidence is None:
            return
        message, issue, lay = evidence.message, evidence.issue, self._places()
        conversation.detach(message, by=self.person)
        self.detached.add(message.external_id)
        self._forget_how_they_came(lay)
        self._tell_apart([message.pk], self._members(issue))

    @precondition(lambda self: self.count)
    @rule(which=some, status=strategies.sampled_from(["approved", "rejected", "done", "new"]))
    def move(self, which, status):
        self._change_status(self._pick(Issue.objects.exclude(status="duplicate"), which), status)

    # What stays true

    @invariant()
    def nothing_is_lost(self):
        reports = Message.objects.filter(category="bug", is_superseded=False)
        assert set(reports.values_list("pk", flat=True)) <= set(
            Evidence.objects.values_list("message_id", flat=True)
        )

    @invariant()
    def what_was_edited_is_evidence_once(self):
        forms = list(Evidence.objects.values_list("message__external_id", flat=True))
        assert len(forms) == len(set(forms))

    @invariant()
    def a_duplicate_leads_to_an_issue_that_is_none(self):
        is_duplicate = Q(status=Issue.Status.DUPLICATE)
        leads_nowhere = Q(duplicate_of=None) | Q(duplicate_of__status=Issue.Status.DUPLICATE)
        astray = is_duplicate & (leads_nowhere | Q(evidence__isnull=False))
        assert not Issue.objects.filter(astray | ~is_duplicate & ~Q(duplicate_of=None)).exists()

    @invariant()
    def what_was_told_apart_is_never_together(self):
        places = self._places()
        for said in self._apart():
            assert self._place(said.one, places) != self._place(said.other, places)

    # How things are done, and what is remembered of them

    def _file(self, message):
        file([message])
        evidence = Evidence.objects.get(message=message)
        if evidence.level in {Evidence.Level.OPENED, Evidence.Level.EDIT} or message.edit:
            return
        alike = {row.pk for row in Message.objects.filter(text_hash=message.text_hash)}
        for said in self._apart():
            # Of two equal texts that were told apart either is as good for a third.
            if said.one in alike and said.other not in alike:
                assert self._place(said.other) != evidence.issue_id

    def _follow_up(self, message):
        try:
            conversation.follow_up(message)
        except TryLater:
            message.move_to(Message.Status.NOISE)

    def _merge(self, issue, into):
        lay = self._places()
        try:
            with transaction.atomic():
                decisions.merge(issue, into=into, by=self.person)
        except (ValueError, WrongTransition):  # a sentence that says why not
            return
        for form in self._moved(lay):
            self.came_by.setdefault(form, []).append(issue.pk)

    def _split(self, evidence):
        lay = self._places()
        try:
            with transaction.atomic():
                issue = decisions.split(evidence.message, by=self.person)
        except decisions.CannotSplit:
            return None
        self._forget_how_they_came(lay)
        self._tell_apart(self._members(issue), self._members(evidence.issue))
        return issue

    def _take_back(self, one, other):
        decisions.take_back(one, other, by=self.person)
        both = {one.pk, other.pk}
        self.apart = {pair for pair in self.apart if {self._place(each) for each in pair} != both}

    def _change_status(self, issue, status):
        try:
            with transaction.atomic():
                decisions.change_status(issue, status, by=self.person)
        except WrongTransition:
            pass

    def _tell_apart(self, ones, others):
        """Both ways; of two sides at least one always has reports."""
        for one in ones:
            self.apart |= {Said(one, other) for other in others}
            self.apart |= {Said(other, one) for other in others}

    def _forget_how_they_came(self, lay):
        for form in self._moved(lay):
            self.came_by.pop(form, None)

    # What there is

    def _say(self, text, author, *, reply_to=None, status="actionable", category="bug", **values):
        self.count += 1
        envelope = Envelope(
            source_id=self.chat.source_id,
            external_id=values.pop("external_id", f"m{self.count}"),
            chat=ChatReference(external_id="1"),
            author_id=author,
            text=text,
            sent_at=MONDAY + timedelta(minutes=self.count),
            **values,
        )
        message = Message.from_envelope(envelope, self.chat)
        message.status, message.category, message.priority = status, category, "medium"
        message.confidence, message.due_at, message.reply_to = 0.9, None, reply_to
        message.save()
        self.form_of[message.pk] = message.external_id
        return message

    def _edited(self, old, text, **values):
        Message.objects.filter(pk=old.pk).update(is_superseded=True)
        known = {"external_id": old.external_id, "edit": old.edit + 1, "reply_to": old.reply_to}
        return self._say(text, old.author_id, **known, **values)

    def _apart(self):
        """What was told apart and lies somewhere."""
        places = self._places()
        lying = [said for said in self.apart if all(self._place(each, places) for each in said)]
        return sorted(lying)

    def _place(self, number, places=None):
        """The issue in which a report lies now, in whichever wording; None when it lies in none."""
        if number > 0:
            return (places or self._places()).get(self.form_of[number])
        issue = Issue.objects.get(pk=-number)
        return issue.duplicate_of_id or issue.pk

    def _report(self, form):
        """A message as it is worded now, if it is a report."""
        reports = Evidence.objects.exclude(level__in=Evidence.FOLLOW_UPS)
        found = reports.filter(message__external_id=form).first()
        return None if found is None else found.message

    def _places(self):
        return dict(Evidence.objects.values_list("message__external_id", "issue"))

    def _moved(self, lay):
        now = self._places()
        return [form for form in lay if lay[form] != now.get(form)]

    def _members(self, issue):
        """The reports that an issue has; without any it stands for itself."""
        return list(issue.evidence.values_list("message", flat=True)) or [-issue.pk]

    def _two(self, one, other):
        issues = list(Issue.objects.exclude(status="duplicate").order_by("pk"))
        first = self._pick(issues, one)
        return first, self._pick([issue for issue in issues if issue != first], other)

    @staticmethod
    def _pick(rows, number):
        found = rows if isinstance(rows, list) else list(rows.order_by("pk"))
        return found[number % len(found)] if found else None


@pytest.mark.django_db
def test_no_order_of_events_breaks_what_must_stay_true():
    run_state_machine_as_test(
        Team,
        settings=settings(
            max_examples=ORDERS,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
