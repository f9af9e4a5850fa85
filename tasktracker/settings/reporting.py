"""Error reports to Sentry, when a DSN is set: never message texts, never people."""

from typing import Any

import sentry_sdk

from tasktracker.settings.env import env

SENTRY_DSN = env("SENTRY_DSN", default="")


def without_rows(event: Any, hint: Any) -> Any:
    """PostgreSQL's errors quote the failing row, which holds what people wrote."""
    for exception in (event.get("exception") or {}).get("values", []):
        if str(exception.get("module", "")).startswith(("psycopg", "django.db")):
            exception["value"] = ""
    return event


if SENTRY_DSN:
    sentry_sdk.init(
        dsn=SENTRY_DSN,
        environment=env("SENTRY_ENVIRONMENT", default="production"),
        send_default_pii=False,
        include_local_variables=False,  # they hold chat text
        max_request_body_size="never",
        before_send=without_rows,
    )
