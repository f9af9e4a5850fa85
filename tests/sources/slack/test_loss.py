"""Many messages, broken connections, a collector that stops, JetStream away: all come in, once."""

import pytest

from apps.sources.models import Source
from tests.sources.losing import Troubles, lose_nothing, read
from tests.stubs.slack import APP_TOKEN, BOT_TOKEN, CHANNEL, slack_server

pytestmark = pytest.mark.django_db(transaction=True)

OTHER = "C07SUPPORT1"


def test_nothing_that_is_said_in_slack_is_lost(project, settings, monkeypatch, stream):
    with slack_server() as slack:
        settings.SLACK_API_URL = slack.served.url
        source = Source.objects.create(
            project=project,
            kind="slack",
            name="Slack",
            config={"app_token": APP_TOKEN, "bot_token": BOT_TOKEN},
        )
        read(source, CHANNEL, OTHER)
        slack.add_channel(OTHER, "support")
        places = {}

        def write(number):
            channel = (CHANNEL, OTHER)[number % 2]
            message = slack.post(f"№{number}", channel)
            places[message["ts"]] = channel
            return message

        def nobody_listens():
            slack.drop()
            slack.is_listening = not slack.is_listening  # and nothing is brought again

        lose_nothing(
            Troubles(monkeypatch, lambda: bool(slack.links)),
            write=write,
            edit=lambda message, text, after: slack.edit(
                message, text, places[message["ts"]], after=after
            ),
            breaks=[
                slack.drop,
                lambda: slack.disconnect("warning"),
                nobody_listens,
                nobody_listens,
            ],
            stream=stream,
        )
