"""A generic webhook, and a sender who knows its secret."""

import hmac
import json

import pytest

from apps.sources.models import Source
from apps.sources.webhooks import known_sources

SECRET = "xr3j5x3p4pfk7kk6ck7b4e6ghh"


def signature(body, secret=SECRET):
    return hmac.new(secret.encode(), body, "sha256").hexdigest()


@pytest.fixture
def source(project):
    return Source.objects.create(
        project=project, kind="webhook", name="Any", config={"secret": SECRET}
    )


@pytest.fixture
def set_up(source):
    """Save other settings, and let the door know of them."""

    def save(**config):
        source.config = {"secret": SECRET, **config}
        source.full_clean()
        source.save()
        known_sources.forget()

    save()
    return save


@pytest.fixture
def post(client, source, set_up):
    def send(event, *, address=f"/webhook/{source.pk}", **headers):
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        headers = headers or {"X-Signature": signature(body)}
        return client.post(address, body, content_type="application/json", headers=headers)

    return send
