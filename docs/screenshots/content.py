"""Sources as a team has them, for as long as the pictures are taken: nothing of it stays."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BASE_URL = "https://tracker.smachno.example"
OLD_URL = "https://old-tracker.smachno.example/webhook"
SAMPLE = (
    '{"event": {"text": "Каса не друкує чеків від самого ранку", "at": "2026-03-02T09:12:00+02:00",\n'
    '  "user": {"id": 31, "name": "Олена Кравець"}}, "room": "support"}'
)


@contextmanager
def sources(token: str) -> Iterator[dict[str, int]]:
    """Their numbers, by what the addresses of the pages call them."""
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tasktracker.settings.dev")
    # Playwright runs a loop of its own in this thread, and Django would take this for a view of it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    from tasktracker.devstack.borrow import services_for

    with services_for(["shell"]):  # the database of the running `make run`
        import django

        django.setup()
        from apps.sources.models import Project, Source

        project = Project.objects.order_by("pk")[0]
        bot = Source.objects.create(
            project=project,
            kind="telegram",
            name="Smachno bot",
            config={"bot_token": token, "mode": "webhook"},
        )
        desk = Source.objects.create(
            project=project, kind="webhook", name="Help desk", config=_help_desk()
        )
        try:
            yield {"bot": bot.pk, "desk": desk.pk, **_of_the_bot(bot)}
        finally:
            for source in (bot, desk):
                source.delete()


def _help_desk() -> dict[str, str]:
    return {
        "secret": "a-secret-for-a-picture",
        "text": "event.text",
        "author": "event.user.id",
        "author_name": "event.user.name",
        "sent_at": "event.at",
        "chat": "$.room",
    }


def _of_the_bot(bot: Any) -> dict[str, int]:
    from django.utils import timezone

    from apps.sources.models import Author, Chat, Gap, HistoryImport, Topic, Webhook

    now = timezone.now()
    Webhook.objects.create(
        source=bot,
        base_url=BASE_URL,
        url=f"{BASE_URL}/webhook/telegram",
        is_active=True,
        last_set_at=now - timedelta(days=12),
        told_at=now,
        told={"url": OLD_URL, "pending_update_count": 14},
    )
    chats = [
        Chat.objects.create(source=bot, **values)
        for values in (
            {"external_id": "-1002148830671", "title": "Smachno Dev", "bot_role": "administrator"},
            {"external_id": "-1001998410022", "title": "Служба підтримки", "bot_role": "member"},
            {"external_id": "-1002600917745", "title": "Couriers", "state": "waiting"},
            {"external_id": "-4107723", "title": "Обіди", "kind": "group", "state": "off"},
        )
    ]
    for chat in chats[:3]:
        Chat.objects.filter(pk=chat.pk).update(kind="supergroup")
    Topic.objects.create(chat=chats[0], external_id="40", title="Flood", state="off")
    Gap.objects.create(
        source=bot,
        chat=chats[1],
        since=now - timedelta(days=3, hours=2),
        until=now - timedelta(days=1, hours=20),
    )
    running = HistoryImport.objects.create(
        source=bot,
        original_name="result.json",
        size=734_003_200,
        done=462_422_016,
        counts={"read": 181_204, "published": 177_911, "already_stored": 2_460, "service": 833},
        leased_until=now + timedelta(hours=1),
    )
    for number, (name, is_forgotten) in enumerate((("Nick Farrell", False), ("", True))):
        Author.objects.create(
            source=bot,
            external_id=str(310_554_019 + 7 * number),
            name=name,
            opted_out_at=now - timedelta(days=2 + number),
            forgotten_at=now - timedelta(days=2 + number) if is_forgotten else None,
        )
    return {"running": running.pk}
