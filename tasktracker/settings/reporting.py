"""Error reports to Sentry, when a DSN is set: never message texts, never people."""

import sentry_sdk

from tasktracker.settings.env import env

SENTRY_DSN = env("SENTRY_DSN", default="")

if SENTRY_DSN:
    sentry_sdk.init(
        dsn=SENTRY_DSN,
        environment=env("SENTRY_ENVIRONMENT", default="production"),
        send_default_pii=False,
        include_local_variables=False,  # they hold chat text
        max_request_body_size="never",
    )
