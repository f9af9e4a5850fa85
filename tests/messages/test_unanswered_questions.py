"""When no model can be asked, or every one lies, the local answer stands."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.messages.models import Message
from apps.messages.second_opinion import ask_llm, lease
from apps.messages.tasks import ask_llm as task
from apps.sources.models import Project
from tasktracker.lib import circuits, llm
from tasktracker.lib.workflow import TryLater
from tests.lib import llm_server
from tests.messages.conftest import FEATURE, MODELS, asked, said

DOWN = {
    "error": (500, ""),
    "busy": llm_server.too_many(5),
    "hang": llm_server.hang,
    "slow drip": llm_server.drip(json.dumps(FEATURE)),
    "cut": llm_server.cut_off,
    "endless": llm_server.endless,
}


@pytest.mark.parametrize("policy", ["cascade", "always"])
@pytest.mark.parametrize("way", DOWN.values(), ids=DOWN)
def test_while_it_is_down_the_message_waits_and_then_the_local_answer_stands(
    server, make_unsure, settings, way, policy
):
    Project.objects.update(policy=policy)
    settings.LLM_TIMEOUT = 0.6
    server.reply = lambda request: way
    message = make_unsure()

    task([message.pk])

    message.refresh_from_db()
    assert message.status == "unsure"
    assert timezone.now() < message.due_at < timezone.now() + timedelta(seconds=65)
    assert message.last_error

    settings.LLM_GRACE = -1
    Message.objects.update(leased_until=None)
    task([message.pk])
    message.refresh_from_db()
    assert (message.status, message.category, message.is_provisional) == ("actionable", "bug", True)


LIES = {
    "empty": (200, ""),
    "not JSON": (200, "it is a bug"),
    "wrong enumeration": said(category="urgent"),
    "confidence without sense": said(confidence=-3),
    "nothing": (200, "{}"),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_when_every_model_lies_the_local_answer_stands_at_once(server, make_unsure, lie):
    server.reply = lambda request: lie
    message = make_unsure()

    task([message.pk])

    message.refresh_from_db()
    assert (message.status, message.category, message.is_provisional) == ("actionable", "bug", True)


def test_while_every_model_rests_nothing_is_sent(server, make_unsure):
    for model in MODELS:
        circuits.failed(model, "down", rest=40.0)

    with pytest.raises(TryLater) as caught:
        ask_llm(make_unsure())

    assert server.requests == []
    assert caught.value.delay is not None
    assert timedelta(seconds=30) < caught.value.delay <= timedelta(minutes=1)


def test_a_lease_outlives_the_slowest_question(settings):
    settings.LLM_TIMEOUT = 90.0

    assert lease() >= timedelta(seconds=90 + 20)


def test_a_provisional_message_is_found_in_the_admin(server, make_unsure, admin_client):
    server.reply = lambda request: (200, "no")
    asked(make_unsure("Щось дивне з оплатою на проді коїться"))

    page = admin_client.get("/admin/chat_messages/message/?is_provisional__exact=1")

    assert "Щось дивне з оплатою" in page.content.decode()


def test_without_any_model_the_local_answer_stands(make_unsure):
    assert not llm.is_available(cloud=True)
    assert asked(make_unsure()).is_provisional
