from celery import shared_task

from apps.sources.webhook_settings import ask_platforms

ASK_EVERY = 600.0  # seconds


@shared_task(expires=ASK_EVERY)
def ask_webhooks() -> None:
    ask_platforms()
