"""What Django itself needs, the same everywhere."""

from pathlib import Path

import django_stubs_ext
from django.urls import reverse_lazy

from tasktracker.settings.env import BASE_DIR, DATA_DIR, env, made_folder
from tasktracker.settings.unfold import UNFOLD as UNFOLD

django_stubs_ext.monkeypatch()

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # the default one puts its own site over tasktracker.admin
    "unfold.contrib.filters",
    "tasktracker.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "rest_framework.authtoken",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "apps.sources",
    "apps.messages",
    "apps.issues",
    "apps.exports",
    "tasktracker.realtime",
    "tasktracker",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "tasktracker.lib.static_files.StaticFiles",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "tasktracker.urls"
ASGI_APPLICATION = "tasktracker.asgi.application"
WSGI_APPLICATION = "tasktracker.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.debug",
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = reverse_lazy("login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")

# Words and time. Stored in UTC, shown in the team's zone.
# Of commands, and of a browser that asks for none of ours.
LANGUAGE_CODE = env("LANGUAGE_CODE", default="en")
LANGUAGES = [("uk", "Українська"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "tasktracker.formats"
USE_I18N = True
USE_TZ = True
TIME_ZONE = env("TIME_ZONE", default="Europe/Kyiv")

# Static files
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "tasktracker" / "static"]
STATIC_ROOT = Path(str(env("STATIC_ROOT", default=str(DATA_DIR / "static"))))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MEDIA_ROOT = DATA_DIR / "media"

# Security that does not depend on where it runs
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 8 * 60 * 60
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000  # bytes of a request body, without files

# Archives that people upload: on the disk of DATA_DIR from their first byte on, never in a /tmp of memory
UPLOAD_DIR = made_folder(DATA_DIR / "uploads")
UPLOAD_MAX_BYTES = env.int("UPLOAD_MAX_BYTES", default=2 * 1024**3)
FILE_UPLOAD_TEMP_DIR = str(UPLOAD_DIR)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "tasktracker.lib.roles.AsInAdmin",
    ],
    "DEFAULT_PARSER_CLASSES": ["tasktracker.lib.rest.BoundedJSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "tasktracker.api.Pagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "tasktracker.api.exception_handler",
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Task Tracker",
    "DESCRIPTION": "Reads a team's chats, finds problems and requests, files each one once.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api",
    "PREPROCESSING_HOOKS": ["tasktracker.api.schema.without_slash"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "tasktracker.api.schema.describe_refusals",
    ],
    "ENUM_NAME_OVERRIDES": {
        "TaskStatusEnum": "apps.issues.models.Issue.Status",
        "MessageStatusEnum": "apps.messages.models.Message.Status",
        "ExportStatusEnum": "apps.exports.models.TaskExport.Status",
        "CategoryEnum": "apps.messages.models.Category",
        "PriorityEnum": "apps.messages.models.Priority",
    },
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname:<7} {name}: {message}", "style": "{"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="INFO")},
    "loggers": {
        "httpx": {"level": "WARNING"},  # it logs URLs, and Telegram's URLs hold the bot token
        "httpx2": {"level": "WARNING"},
        "channels_redis.pubsub": {"level": "CRITICAL"},  # a traceback a second while Valkey is away
        "django.request": {"level": "ERROR"},
    },
}
