"""`manage.py replay`: decide again how the reports of an issue were filed."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import translation
from django.utils.translation import gettext as _

from apps.issues.archive import Verdict
from apps.issues.models import Issue
from apps.issues.replay import Replayed, replay
from tasktracker.lib.progress import last_line
from tasktracker.lib.text import shorten


class Command(BaseCommand):
    help = "Decide again how the reports of an issue were filed; fails when one would differ."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("issue", type=int, help="number of the issue")
        parser.add_argument("--message", type=int, help="only this message of it")
        parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
        parser.add_argument(
            "--language", choices=[code for code, _name in settings.LANGUAGES], help="of the words"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with translation.override(options["language"] or translation.get_language()):
            replayed = _replay(options["issue"], options["message"])
            for one in replayed:
                self._tell(one)
            if options["json"]:
                self.stdout.write(last_line(_as_json(options["issue"], replayed)))
            differing = sum(one.state == "differs" for one in replayed)
            if differing:
                told = _("%(count)d of %(total)d decisions would come out otherwise.")
                raise CommandError(told % {"count": differing, "total": len(replayed)})

    def _tell(self, one: Replayed) -> None:
        text = shorten(one.message.text, 70)
        self.stdout.write(f"#{one.message.pk} “{text}”: {one.words}")
        if one.state == "differs" and one.stored is not None and one.now is not None:
            self.stdout.write("  " + _("then: %(verdict)s") % {"verdict": one.stored.words})
            self.stdout.write("  " + _("now: %(verdict)s") % {"verdict": one.now.words})
        for cause in one.causes:
            self.stdout.write(f"  - {cause.words}")


def _replay(number: int, message: int | None) -> list[Replayed]:
    issue = Issue.objects.filter(pk=number).select_related("project").first()
    if issue is None:
        raise CommandError(_("There is no issue #%(issue)d.") % {"issue": number})
    replayed = replay(issue, message_id=message)
    if message is not None and not replayed:
        told = _("Message %(message)d is no report of issue #%(issue)d.")
        raise CommandError(told % {"message": message, "issue": number})
    return replayed


def _as_json(number: int, replayed: list[Replayed]) -> dict[str, Any]:
    return {
        "issue": number,
        "reproduced": all(one.state != "differs" for one in replayed),
        "messages": [
            {
                "message": one.message.pk,
                "state": one.state,
                "then": _verdict(one.stored),
                "now": _verdict(one.now),
                "causes": [
                    {
                        "name": cause.name,
                        "before": cause.before,
                        "now": cause.now,
                        "is_enough": cause.is_enough,
                    }
                    for cause in one.causes
                ],
            }
            for one in replayed
        ],
    }


def _verdict(verdict: Verdict | None) -> dict[str, Any] | None:
    if verdict is None:
        return None
    return {
        "outcome": verdict.outcome,
        "level": verdict.level,
        "issue": verdict.issue,
        "score": verdict.score,
        "suggested": list(verdict.suggested),
    }
