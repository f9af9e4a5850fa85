"""A project's rules and its bots' lines are settled before any model, and nothing leaves its project."""

import json

import pytest
from django.db.models import prefetch_related_objects

from apps.messages.classify import classify
from apps.messages.models import Message, Rule
from apps.messages.ruling import Rulings
from apps.messages.second_opinion import ask_llm
from apps.sources.models import GlossaryTerm, Project
from tasktracker.lib import circuits
from tasktracker.lib.workflow import work_on
from tests.lib.llm_server import LLMServer

OUTAGE = "Прод лежить! 502 на всіх сторінках, клієнти не можуть оплатити замовлення"
FIRING = "[FIRING:1] CardDeclineRateHigh (critical)\ncluster: prod-eu"
UNREACHABLE = "http://127.0.0.1:9"


@pytest.fixture
def make_rule(project):
    def make(**values):
        values = {"name": "Rule", "project": project, **values}
        return Rule.objects.create(**values)

    return make


@pytest.fixture
def server(settings):
    said = json.dumps({"category": "feature", "priority": "low", "confidence": 0.9})
    server = LLMServer(lambda request: (200, said))
    settings.OLLAMA_URL = server.url
    settings.OLLAMA_MODELS = ["only"]
    circuits.reset(["only"])
    yield server
    server.close()
    circuits.reset(["only"])


def read(message):
    classify([message])
    message.refresh_from_db()
    return message


def test_firing_alert_is_a_bug_with_its_severity(make_message):
    message = read(make_message(FIRING, is_from_bot=True))

    assert (message.status, message.category, message.priority) == ("actionable", "bug", "critical")
    assert (message.decided_by, message.confidence) == ("alerts", 1.0)
    assert message.alert_key.startswith("alertmanager:")


def test_resolved_alert_is_noise_with_the_same_key(make_message):
    firing = read(make_message(FIRING))
    resolved = read(make_message(FIRING.replace("FIRING:1", "RESOLVED")))

    assert (resolved.status, resolved.category) == ("noise", "info")
    assert resolved.alert_key == firing.alert_key


def test_project_can_switch_the_reading_of_alerts_off(make_message):
    Project.objects.update(reads_alerts=False)

    message = read(make_message(FIRING))

    assert message.decided_by != "alerts"
    assert message.alert_key == ""


def test_nobody_asks_an_llm_about_an_alert_or_what_a_rule_decided(
    make_message, make_rule, settings
):
    settings.OLLAMA_URL = UNREACHABLE
    Project.objects.update(policy=Project.Policy.ALWAYS)
    make_rule(contains="прод лежить", category="bug", priority="high")

    assert read(make_message(FIRING)).status == "actionable"
    assert read(make_message(OUTAGE)).status == "actionable"


def test_ignored_message_is_noise_and_says_by_which_rule(make_message, make_rule):
    rule = make_rule(name="Без прода", contains="прод", is_ignored=True)

    message = read(make_message(OUTAGE))

    assert (message.status, message.category, message.priority) == ("noise", "info", "low")
    kept = message.classifications.get()
    assert (kept.classifier, kept.raw["rule"], kept.raw["name"]) == ("rules", rule.pk, "Без прода")


def test_rule_of_the_project_comes_before_the_reading_of_alerts(make_message, make_rule):
    make_rule(contains="CardDeclineRateHigh", is_ignored=True)

    assert read(make_message(FIRING)).category == "info"


def test_rule_comes_before_the_certainty_of_pleasantries(make_message, make_rule):
    make_rule(contains="дякую", category="feature", priority="high")

    message = read(make_message("дякую"))

    assert (message.category, message.priority) == ("feature", "high")


def test_category_without_priority_takes_the_local_models_priority(make_message, make_rule):
    local = read(make_message(OUTAGE))
    make_rule(contains="прод лежить", category="feature")

    ruled = read(make_message(OUTAGE))

    assert (ruled.category, ruled.priority) == ("feature", local.priority)
    assert ruled.decided_by == "rules"


def test_category_of_what_the_model_holds_chatter_gets_medium(make_message, make_rule):
    make_rule(contains="дякую", category="bug")

    assert read(make_message("дякую")).priority == "medium"


def test_priority_alone_leaves_the_category_to_the_model(make_message, make_rule):
    rule = make_rule(contains="прод", priority="low")

    message = read(make_message(OUTAGE))

    assert (message.category, message.priority, message.decided_by) == ("bug", "low", "local")
    assert message.classifications.get().raw["rule"] == rule.pk


def test_priority_of_the_rule_stands_after_the_llms_answer(
    make_message, make_rule, server, monkeypatch
):
    monkeypatch.setattr("apps.messages.second_opinion.SURE", 1.01)
    rule = make_rule(name="Прод", contains="прод", priority="critical")
    message = read(make_message(OUTAGE))
    assert (message.status, message.priority) == ("unsure", "critical")

    ask_llm(message)

    message.refresh_from_db()
    assert (message.category, message.priority) == ("feature", "critical")
    assert message.decided_by.startswith("llm:")
    assert message.classifications.last().raw["rule"] == rule.pk


def test_rule_that_fitted_one_message_is_not_in_the_llms_earlier_answer(
    make_message, make_rule, server, monkeypatch
):
    monkeypatch.setattr("apps.messages.second_opinion.SURE", 1.01)
    make_rule(author="Олена", priority="critical")
    ask_llm(read(make_message(OUTAGE)))
    same = read(make_message(OUTAGE, author="Іра", author_id="8"))

    ask_llm(same)

    same.refresh_from_db()
    assert same.classifications.last().is_cached
    assert same.priority == "low"
    assert "rule" not in same.classifications.last().raw


def test_first_rule_by_order_wins(make_message, make_rule):
    make_rule(name="later", position=20, contains="прод", category="question")
    make_rule(name="sooner", position=10, contains="прод", category="feature")

    assert read(make_message(OUTAGE)).category == "feature"


def test_rule_that_is_switched_off_does_nothing(make_message, make_rule):
    make_rule(contains="прод", category="question", is_active=False)

    assert read(make_message(OUTAGE)).category == "bug"


def test_new_changed_and_deleted_rules_count_from_the_next_message_on(make_message, make_rule):
    assert read(make_message(OUTAGE)).category == "bug"
    rule = make_rule(contains="прод", category="question")
    assert read(make_message(OUTAGE)).category == "question"
    Rule.objects.update(category="feature")
    assert read(make_message(OUTAGE)).category == "feature"
    rule.delete()
    assert read(make_message(OUTAGE)).category == "bug"


def test_rule_of_another_project_does_nothing(make_message, make_rule, other_project):
    make_rule(project=other_project, contains="прод", is_ignored=True)

    assert read(make_message(OUTAGE)).category == "bug"


def test_rule_by_chat_and_author(make_message, make_rule, chat):
    make_rule(chat=chat, author="олена", category="question")

    assert read(make_message(OUTAGE)).category == "question"
    assert read(make_message(OUTAGE, author="Іра", author_id="8")).category == "bug"


def test_rule_by_entity_knows_the_glossary(make_message, make_rule, project):
    GlossaryTerm.objects.create(project=project, name="Вітрина", kind="projects", aliases="vitr*")
    make_rule(entity="Вітрина", category="question")

    assert read(make_message("vitrina знову лежить, 502")).category == "question"
    assert read(make_message("каса знову лежить, 502 на оплаті")).category == "bug"


def test_tags_are_kept_once(make_message, make_rule):
    make_rule(contains="прод", tag="outage")
    message = read(make_message(OUTAGE))
    Message.objects.update(status="received")

    assert read(Message.objects.get(pk=message.pk)).tags == ["outage"]


def test_routed_message_belongs_to_the_other_project_before_it_is_filed(
    make_message, make_rule, other_project
):
    make_rule(contains="прод", route_to=other_project, priority="low")

    message = read(make_message(OUTAGE))

    assert (message.project, message.status, message.priority) == (
        other_project,
        "actionable",
        "low",
    )


def test_thresholds_of_the_new_project_apply(make_message, make_rule, other_project):
    Project.objects.filter(pk=other_project.pk).update(sure_threshold=1.0)
    make_rule(contains="прод", route_to=other_project)

    assert read(make_message(OUTAGE)).is_provisional


def test_rules_of_the_new_project_apply_but_do_not_send_it_on(
    make_message, make_rule, project, other_project
):
    make_rule(contains="прод", route_to=other_project)
    make_rule(project=other_project, contains="прод", route_to=project, category="question")

    message = read(make_message(OUTAGE))

    assert (message.project, message.category) == (other_project, "question")


def test_rule_that_routes_has_its_say_when_the_chunk_failed_after_it(
    make_message, make_rule, other_project
):
    make_rule(contains="прод", route_to=other_project, priority="low", tag="outage")
    ids = [make_message(OUTAGE).pk for _ in range(2)]

    def fail_together(messages):
        if len(messages) > 1:
            rulings = Rulings()
            assert all(rulings.of(message).fired for message in messages)
            raise ConnectionError
        classify(messages)

    work_on(Message, ids, "received", fail_together)

    for message in Message.objects.filter(pk__in=ids):
        assert (message.project, message.priority) == (other_project, "low")
        assert message.tags == ["outage"]


def test_message_that_stands_in_an_issue_is_not_routed(
    make_message, make_rule, make_issue, project, other_project
):
    message = make_message(OUTAGE)
    make_issue(message=message)
    make_rule(contains="прод", route_to=other_project)

    assert read(message).project == project


def test_what_a_person_has_set_stands(make_message, make_rule):
    make_rule(contains="прод", category="question", priority="low")
    message = make_message(
        OUTAGE, category="bug", priority="critical", locked_fields=["category", "priority"]
    )

    message = read(message)

    assert (message.status, message.category, message.priority) == ("actionable", "bug", "critical")


def test_expression_that_takes_too_long_is_counted_on_its_rule(make_message, make_rule):
    slow = make_rule(pattern=r"(a+)+$", category="question")
    make_rule(position=200, contains="прод", category="feature")

    message = read(make_message("прод " + "a" * 5000 + "b"))

    slow.refresh_from_db()
    assert message.category == "feature"
    assert slow.timeouts == 1
    assert slow.last_timeout_at is not None


def test_text_of_ten_thousand_characters_is_read(make_message, make_rule):
    make_rule(contains="інцидент*", category="bug", priority="critical")

    message = read(make_message("лог " * 2400 + " інцидентом"))

    assert (message.category, message.priority) == ("bug", "critical")


def test_no_rule_costs_one_small_query(make_message, django_assert_max_num_queries):
    messages = [make_message(OUTAGE) for _ in range(3)]
    prefetch_related_objects(messages, "project")
    rulings = Rulings()

    with django_assert_max_num_queries(1):
        for message in messages:
            assert rulings.of(message).answer is None
