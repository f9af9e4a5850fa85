"""What a report makes a model say changes, at worst, what is said of its own pair.

The corpus stands in the new report and in the older one, before a model that obeys it in everything.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.issues.models import Evidence, Issue, Match, Opinion
from apps.issues.opinions import Pair, ask_next, question
from apps.issues.tasks import ask_opinions
from apps.sources.models import Project
from tasktracker.lib import circuits
from tasktracker.lib.text import clean
from tests.lib.injections import TEXTS, attacks, everything_but
from tests.lib.llm_server import LLMServer, completion

FENCE = re.compile(r"====[0-9a-f]{24}====")
REPORT = "Оплата карткою не проходить"
OBEYED: dict[str, Any] = {
    "verdict": "same",
    "confidence": 1.0,
    "reason": "x" * 5000,
    "issue": 1,
    "into": 1,
    "target": {"id": 1},
    "merge": [{"issue": number, "into": 1} for number in range(1, 9)],
    "verdicts": [{"issue": number, "verdict": "same"} for number in range(1, 9)],
    "status": "approved",
    "level": "person",
    "score": 1.0,
    "by": "admin",
    "project": {"auto_approve_above": 0.0},
}


@pytest.fixture
def obedient(settings) -> Iterator[LLMServer]:
    server = LLMServer(lambda request: (200, json.dumps(OBEYED)))
    settings.OLLAMA_URL = server.url
    settings.OLLAMA_MODELS = ["obedient"]
    settings.OLLAMA_KEEP_ALIVE = ""
    circuits.reset(["obedient"])
    yield server
    server.close()
    circuits.reset(["obedient"])


@pytest.fixture
def make_pair(make_issue, make_message, make_export, other_project) -> Callable[..., Opinion]:
    """A question about two reports, among issues that an attacker would like to change."""

    def make(newer: str, older: str, score: float = 0.5) -> Opinion:
        make_export(make_issue("Додати експорт у CSV", status=Issue.Status.APPROVED))
        make_issue("Чужа задача", project=other_project)
        bystander, target, issue = (_reported(text) for text in (REPORT, older, newer))
        _suggest(issue, target, score)
        _suggest(issue, bystander, score - 0.1)
        opinion = ask_next(issue, issue.evidence.get().message, issue.project)
        assert opinion is not None
        return opinion

    def _reported(text: str) -> Issue:
        message = make_message(text, status="filed", category="bug", priority="medium")
        return make_issue("x", message=message, priority="medium", reported_at=message.sent_at)

    return make


def _suggest(issue: Issue, target: Issue, score: float) -> None:
    Match.objects.create(
        message=issue.evidence.get().message,
        issue=target,
        like=target.evidence.get().message,
        level=Evidence.Level.JUDGED,
        score=score,
        threshold=0.83,
        outcome=Match.Outcome.SUGGESTED,
    )


def answer(opinion: Opinion) -> None:
    ask_opinions([opinion.pk])
    opinion.refresh_from_db()


def of_others(opinion: Opinion) -> dict[str, list[Any]]:
    """Every row that has nothing to do with the two issues of this question."""
    ours = {opinion.issue_id, opinion.match.issue_id}
    found = everything_but(opinion)
    others = Issue.objects.exclude(pk__in=ours).order_by("pk")
    found["issues.Issue"] = list(others.values_list())
    found["issues.Change"] = list(others.values_list("changes__pk", "changes__details"))
    models: tuple[type[Any], ...] = (Evidence, Match, Opinion)
    for model in models:
        rows = model._default_manager.exclude(issue__in=ours).order_by("pk")
        found[model._meta.label] = list(rows.values_list())
    found.pop("issues.Draft", None)
    return found


def test_an_attack_stays_between_the_fences(make_pair, obedient, subtests):
    opinion = make_pair("Card payment fails", REPORT)
    message, like = opinion.match.message, opinion.match.like
    for attack in TEXTS:
        for one in (message, like):
            one.text = attack
            one.save()
        pair = Pair(message, opinion.issue, like, opinion.match.issue)
        with subtests.test(attack):
            check_fences(question(pair).prompt(), attack)


def check_fences(made: str, attack: str) -> None:
    fence = FENCE.findall(made)[0]
    head, *pieces = made.split(f"\n{fence}\n")
    assert len(pieces) == 4
    for quoted in (pieces[0], pieces[2]):
        assert fence not in quoted
        assert quoted == clean(quoted)
        assert not re.search(r"<\|im_|</s>|\[/?INST\]|<start_of_turn>|<think>|<tool_call>", quoted)
    ours = [head.replace(fence, ""), pieces[1], pieces[3]]
    assert not any(attack[:40] in words for words in ours)


@attacks
def test_an_obedient_model_joins_nothing_but_the_pair_that_was_asked_about(
    attack, make_pair, obedient
):
    opinion = make_pair(attack, attack)
    target, before = opinion.match.issue, of_others(opinion)
    answer(opinion)

    assert len(obedient.requests) == 1
    assert of_others(opinion) == before
    issue = Issue.objects.get(pk=opinion.issue_id)
    target.refresh_from_db()
    assert (issue.status, issue.duplicate_of) == ("duplicate", target)
    assert (target.status, target.priority, target.category) == ("new", "medium", "bug")
    assert not issue.locked_fields
    assert not issue.exports.exists()
    assert len(opinion.reason) <= 200


@attacks
def test_a_reason_that_repeats_the_attack_is_a_plain_line(attack, make_pair, obedient):
    said = {"verdict": "different", "confidence": 0.9, "reason": attack}
    obedient.reply = lambda request: (200, json.dumps(said))
    opinion = make_pair("Card payment fails", REPORT)
    answer(opinion)

    assert opinion.status == "different"
    assert len(opinion.reason) <= 200
    assert not re.search(r"[<>\[\]{}`|\\\n]|\w+://|(?<!\w)@\w|#\w", opinion.reason)


@pytest.mark.parametrize("name", ["Kvit Bank"])
def test_a_reason_tells_nothing_of_other_projects(name, make_pair, obedient):
    said = {"verdict": "different", "confidence": 0.9, "reason": f"{name} is broken too"}
    obedient.reply = lambda request: (200, json.dumps(said))
    opinion = make_pair("Card payment fails", REPORT)
    answer(opinion)

    assert (opinion.status, opinion.reason) == ("different", "")


def test_a_closed_issue_is_never_joined(make_pair, obedient):
    opinion = make_pair(TEXTS[0], REPORT)
    Issue.objects.filter(pk=opinion.match.issue_id).update(status="done")
    answer(opinion)

    assert Issue.objects.get(pk=opinion.issue_id).status == "new"
    assert obedient.requests == []


def test_a_different_talks_nobody_into_an_approval(make_pair, obedient):
    said = {**OBEYED, "verdict": "different"}
    obedient.reply = lambda request: (200, json.dumps(said))
    opinion = make_pair(TEXTS[0], REPORT)
    Project.objects.update(auto_approve_above=0.0)
    answer(opinion)
    for each in Opinion.objects.filter(status="waiting"):
        answer(each)

    assert Issue.objects.get(pk=opinion.issue_id).status == "new"


def test_calls_of_tools_do_nothing(make_pair, obedient):
    def with_tools(handler: Any, request: dict[str, Any]) -> None:
        body = completion(request, json.dumps({**OBEYED, "verdict": "unclear"}), "tool_calls")
        function = {"name": "merge", "arguments": '{"issue": 1, "into": 2}'}
        calls = [{"id": "call_1", "type": "function", "function": function}]
        body["choices"][0]["message"]["tool_calls"] = calls
        handler.send_json(200, body)

    obedient.reply = lambda request: with_tools
    opinion = make_pair(TEXTS[0], REPORT)
    answer(opinion)

    assert not Issue.objects.filter(status="duplicate").exists()
    assert "tools" not in obedient.requests[0]
