"""Where the outside services are."""

from tasktracker.settings.env import DATA_DIR, env

# An empty line in .env means the same as none.
_database = env.db_url_config(
    env("DATABASE_URL", default="") or "postgresql://localhost/tasktracker"
)
DATABASES = {
    "default": {
        **_database,
        "CONN_MAX_AGE": 0,  # persistent connections leak under ASGI; the web process pools instead
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            "connect_timeout": 5,
            "application_name": env("PROCESS", default="manage"),
            **_database.get("OPTIONS", {}),  # sslmode and the like from DATABASE_URL
        },
        "TEST": {"NAME": "test_tasktracker"},
    }
}
if env.int("DATABASE_POOL", default=0):
    DATABASES["default"]["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": env.int("DATABASE_POOL"),
        "timeout": 5.0,  # seconds; with PostgreSQL away a webhook must not hang for long
    }

NATS_URL = env("NATS_URL", default="") or "nats://127.0.0.1:4222"
NATS_MAX_BYTES = env.int("NATS_MAX_BYTES", default=2 * 1024**3)
NATS_REPLICAS = env.int("NATS_REPLICAS", default=1)
NATS_ACK_WAIT = env.float(
    "NATS_ACK_WAIT", default=15.0
)  # seconds until an unacknowledged envelope comes again

REDIS_URL = env("REDIS_URL", default="") or "redis://127.0.0.1:6379/0"

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "live"},
    }
}

# Celery executes; the rows in PostgreSQL remember (tasktracker.lib.workflow).
CELERY_BROKER_URL = REDIS_URL
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = False  # a lost task is found again by the sweep of due rows
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_DEFAULT_PRIORITY = 6  # Valkey: 0 goes first; beats and sweeps overtake a backlog
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 5
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_TASK_TIME_LIMIT = 300
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "queue_order_strategy": "priority",
    "visibility_timeout": 120,
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "socket_keepalive": True,
    "health_check_interval": 10,
    "retry_on_timeout": True,
}

TELEGRAM_API_URL = env("TELEGRAM_API_URL", default="https://api.telegram.org")
# Under which the internet reaches this installation; new webhooks begin with it
WEBHOOK_BASE_URL = env("WEBHOOK_BASE_URL", default="")
SLACK_API_URL = env("SLACK_API_URL", default="https://slack.com")
DISCORD_API_URL = env("DISCORD_API_URL", default="https://discord.com")
