"""A laptop: `make run`. Secrets are generated and kept under DATA_DIR."""

from tasktracker.settings.base import *
from tasktracker.settings.connections import *
from tasktracker.settings.env import env, kept_secret
from tasktracker.settings.product import *
from tasktracker.settings.reporting import *

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = kept_secret("SECRET_KEY")
FIELD_ENCRYPTION_KEYS = kept_secret("FIELD_ENCRYPTION_KEYS", make="fernet").split(",")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
