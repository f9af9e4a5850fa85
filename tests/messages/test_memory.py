"""One correction changes the next similar message of the project, and no other."""

import pytest

from apps.messages.classify import classify
from apps.messages.decisions import reclassify, unlock
from apps.messages.memory import shots
from apps.messages.models import Embedding, Message, Rule

SAID = "Голосові повідомлення грають через розмовний динамік замість основного, Xiaomi 12"
PARAPHRASE = "голосове повідомлення грає через розмовний динамік, а не через основний, на Xiaomi 12"
ELSE = "Хто йде обідати о першій? Замовляємо піцу в офіс"


@pytest.fixture
def corrected(make_message, admin_user):
    message = make_message(SAID)
    classify([message])
    reclassify(message, category="feature", priority="critical", by=admin_user)
    return message


def answer_about(message):
    classify([message])
    return message.classifications.latest("pk")


def test_a_paraphrase_of_a_corrected_message_is_answered_as_corrected(corrected, make_message):
    answer = answer_about(make_message(PARAPHRASE))

    assert (answer.classifier, answer.category, answer.priority) == (
        "memory",
        "feature",
        "critical",
    )
    assert answer.raw["correction_of"] == corrected.pk
    assert answer.raw["nearness"] >= 0.7


def test_another_message_is_not_touched(corrected, make_message):
    assert answer_about(make_message(ELSE)).classifier != "memory"


def test_another_project_learns_nothing(corrected, make_message, other_project):
    assert answer_about(make_message(PARAPHRASE, project=other_project)).classifier == "local"


def test_a_message_that_a_rule_routes_is_answered_by_its_new_project(
    corrected, make_message, project, other_project
):
    Rule.objects.create(project=other_project, name="voice", contains="xiaomi", route_to=project)

    assert answer_about(make_message(PARAPHRASE, project=other_project)).classifier == "memory"


def test_a_corrected_alert_is_answered_so_when_it_fires_again(make_message, admin_user):
    first = make_message("[FIRING:1] QueueNotDraining queue=mail lag=12")
    classify([first])
    reclassify(first, category="info", by=admin_user)

    again = answer_about(make_message("[FIRING:4] QueueNotDraining queue=mail lag=977"))
    other = answer_about(make_message("[FIRING:1] QueueNotDraining queue=orders"))
    resolved = answer_about(make_message("[RESOLVED] QueueNotDraining queue=mail"))

    assert (again.classifier, again.category) == ("memory", "info")
    assert (other.classifier, other.category) == ("alerts", "bug")
    assert resolved.classifier == "alerts"


def test_what_was_taken_back_is_forgotten(corrected, make_message, admin_user):
    for field in ("category", "priority"):
        unlock(corrected, field, by=admin_user)

    assert answer_about(make_message(PARAPHRASE)).classifier == "local"


def test_a_corrected_message_without_a_vector_gets_one(corrected, make_message):
    Embedding.objects.all().delete()

    assert answer_about(make_message(PARAPHRASE)).classifier == "memory"


@pytest.mark.parametrize(("asked", "is_remembered"), [(SAID, True), (ELSE, False)])
def test_a_few_words_mean_the_same_only_as_an_answer_to_the_same(
    make_message, admin_user, asked, is_remembered
):
    said = make_message("ок, гляну", reply_to=make_message(SAID), reply_to_external_id="1")
    classify([said])
    reclassify(said, category="bug", by=admin_user)
    again = make_message("Ок, гляну!", reply_to=make_message(asked), reply_to_external_id="2")

    assert (answer_about(again).classifier == "memory") == is_remembered


def test_the_llm_is_not_asked_about_what_is_remembered(corrected, make_message, settings, project):
    settings.OLLAMA_URL = "http://127.0.0.1:9"
    project.policy = "always"
    project.save()
    message = make_message(PARAPHRASE)

    classify([message])

    assert Message.objects.get(pk=message.pk).status == "actionable"


def test_nearest_corrections_are_examples_for_a_prompt(corrected, make_message, admin_user):
    far = make_message(ELSE)
    classify([far])
    reclassify(far, category="info", by=admin_user)
    message = make_message(PARAPHRASE)
    classify([message])

    found = shots(message)

    assert [shot.text for shot in found] == [SAID, ELSE]
    assert (found[0].category, found[0].priority) == ("feature", "critical")
