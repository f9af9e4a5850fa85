"""Tests: real services from wheels, started by the pytest plug-in `tests.embedded`."""

import os
from pathlib import Path

from tasktracker.settings.base import *
from tasktracker.settings.connections import *
from tasktracker.settings.product import *

DEBUG = False
LANGUAGE_CODE = "en"  # whatever .env says
SECRET_KEY = "only-for-tests-" + "x" * 40
FIELD_ENCRYPTION_KEYS = ["u6Tn7nM1Tn5oVwqJrX0wC5b8m3tHq8J2k1yY3Zl0m9A="]
ALLOWED_HOSTS = ["*"]
# Nobody: a test without a stub reaches nothing.
TELEGRAM_API_URL = os.environ.get("TELEGRAM_API_URL") or "http://127.0.0.1:9"
WEBHOOK_BASE_URL = PUBLIC_URL = ""  # whatever .env says
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
Path(str(STATIC_ROOT)).mkdir(
    parents=True, exist_ok=True
)  # WhiteNoise warns without it; tests collect nothing
