"""Error reports leave the machine only when asked for, and without anybody's words."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import django; django.setup()
import sentry_sdk
options = sentry_sdk.get_client().options
print(sentry_sdk.is_initialized(), options.get("send_default_pii"),
      options.get("include_local_variables"), options.get("max_request_body_size"))
"""


def report_options(**environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tasktracker.settings.dev", **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_without_a_dsn_nothing_is_reported():
    assert report_options(SENTRY_DSN="").startswith("False")


def test_with_a_dsn_reports_carry_no_people_no_variables_and_no_bodies():
    assert report_options(SENTRY_DSN="http://key@127.0.0.1:9/1") == "True False False never"
