"""Actions that send many exports: once more, or although they are held."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Case, F, Q, QuerySet, When
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from apps.exports.models import TaskExport
from apps.exports.moving import CannotMove, export_again, release
from tasktracker.lib.workflow import LostRace, WrongTransition

MOST = 500  # at once
MOST_NAMED = 20  # issues in one sentence


class Way(NamedTuple):
    """How exports are sent, and which."""

    send: Callable[[TaskExport], None]
    can_go: Q
    left_out: Any  # of so many that cannot
    logged: Any


AGAIN = Way(
    export_again,
    Q(status=TaskExport.Status.FAILED) | Q(is_gone=True),
    ngettext_lazy(
        "%(n)d export was left as it is: only what failed or was deleted there is exported again.",
        "%(n)d exports were left as they are: only what failed or was deleted there is exported again.",
        "n",
    ),
    gettext_lazy("Exported again."),
)
HELD = Way(
    release,
    Q(status=TaskExport.Status.PENDING) & ~Q(held=""),
    ngettext_lazy(
        "%(n)d export was left as it is: it waits for no person and no hour.",
        "%(n)d exports were left as they are: they wait for no person and no hour.",
        "n",
    ),
    gettext_lazy("Sent by hand."),
)


class SendingMany:
    """For the list of exports: "Export again", "Send what is held"."""

    @admin.action(description=gettext_lazy("Export again"), permissions=["retry"])
    def retry_selected(self, request: HttpRequest, queryset: QuerySet[TaskExport]) -> None:
        self.send_each(request, queryset, AGAIN)

    @admin.action(description=gettext_lazy("Send what is held"), permissions=["retry"])
    def release_selected(self, request: HttpRequest, queryset: QuerySet[TaskExport]) -> None:
        self.send_each(request, queryset, HELD)

    def send_each(
        self: Any, request: HttpRequest, queryset: QuerySet[TaskExport], way: Way
    ) -> None:
        """Each by itself, as many as a request has time for; what cannot go is told, by reason."""
        rows = queryset.select_related(None)
        able = rows.filter(way.can_go)
        # Of several of one issue that has one task, the tracker that the policy names gets it.
        named = Q(tracker=F("tracker__project__export_policy__tracker"))
        exports = list(able.order_by(Case(When(named, then=0), default=1), "pk")[:MOST])
        more, others = able.count() - len(exports), rows.exclude(way.can_go).count()
        sent: list[TaskExport] = []
        refused: dict[str, list[str]] = defaultdict(list)
        for export in exports:
            with noting(refused, export):
                way.send(export)
                sent.append(export)
        if sent:
            LogEntry.objects.log_actions(request.user.pk, sent, CHANGE, str(way.logged))  # type: ignore[arg-type]
            text = ngettext("%(n)d export queued.", "%(n)d exports queued.", len(sent))
            self.message_user(request, text % {"n": len(sent)}, messages.SUCCESS)
        if more:
            text = ngettext(
                "%(n)d more export is left: do it once more.",
                "%(n)d more exports are left: do it once more.",
                more,
            )
            self.message_user(request, text % {"n": more}, messages.WARNING)
        if others:
            self.message_user(request, way.left_out % {"n": others}, messages.WARNING)
        for words, issues in refused.items():
            self.message_user(request, f"{words} ({some_of(issues)})", messages.WARNING)


@contextmanager
def noting(refused: dict[str, list[str]], export: TaskExport) -> Iterator[None]:
    """What is refused within it is one of those that have this reason."""
    try:
        yield
    except CannotMove as error:
        refused[str(error)].append(f"#{export.issue_id}")
    except (WrongTransition, LostRace):
        words = _("Somebody else has decided about it meanwhile.")
        refused[words].append(f"#{export.issue_id}")


def some_of(issues: list[str]) -> str:
    """The first of them, and how many more there are."""
    shown = ", ".join(issues[:MOST_NAMED])
    left = len(issues) - MOST_NAMED
    if left <= 0:
        return shown
    more = ngettext("%(issues)s and %(n)d more", "%(issues)s and %(n)d more", left)
    return more % {"issues": shown, "n": left}
