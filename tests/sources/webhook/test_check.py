"""What a check says of a generic webhook: where, with which proof, what is missing."""

from django.utils import timezone

from apps.sources.adapters.webhook.adapter import Webhook
from apps.sources.admin.last_seen import last_seen
from tests.sources.webhook.conftest import SECRET


def findings(**config):
    adapter = Webhook(Webhook.Config(secret=SECRET, **config), source_id=5)
    return adapter.check(api_url="")


def test_it_says_where_and_with_what():
    found = findings(message="id", author="by", protection="bearer")

    assert [finding.sentence for finding in found] == [
        "The sender posts to /webhook/5 of this server.",
        "The secret is set. The sender brings it in the header Authorization.",
        "Text, id and author have paths.",
    ]
    assert not any(finding.remedy for finding in found)


def test_a_missing_path_has_a_remedy():
    remedies = [finding.remedy for finding in findings(protection="body") if finding.remedy]

    assert len(remedies) == 2
    assert "message id" in remedies[0]


def test_the_last_message_is_told(source):
    assert last_seen(source).sentence == "No message has come yet."
    source.last_seen_at = timezone.now()
    assert last_seen(source).sentence.startswith("The last message came at ")
