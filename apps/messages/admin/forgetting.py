"""An action that erases everything of the people who wrote some messages, after it said what goes."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.messages.models import Message
from apps.sources.models import Author, Erasure, Project

MOST = 20  # people at once


class Forgetting:
    """For the inbox: "Forget this person" on the messages of one or of some people."""

    def has_forget_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("sources.change_chat"))

    @admin.action(description=gettext_lazy("Forget this person…"), permissions=["forget"])
    def forget(self: Any, request: HttpRequest, queryset: QuerySet[Message]) -> HttpResponse | None:
        people = _people(queryset)
        if not people:
            told = _("These messages do not say who wrote them.")
            self.message_user(request, told, messages.ERROR)
            return None
        if "confirmed" not in request.POST:
            return self._ask(request, queryset, people)  # type: ignore[no-any-return]
        for source_id, author_id in people:
            author = Author.known(source_id, author_id)
            Erasure.ask_for(author, user_id=request.user.pk)
            LogEntry.objects.log_actions(
                request.user.pk or 0, [author], CHANGE, change_message=_("To be forgotten.")
            )
        told = ngettext(
            "%(count)d person is forgotten now.", "%(count)d people are forgotten now.", len(people)
        )
        self.message_user(request, told % {"count": len(people)})
        return None

    def _ask(
        self: Any, request: HttpRequest, queryset: QuerySet[Message], people: list[tuple[int, str]]
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Forget people"),
            "opts": self.opts,
            "people": [_told(source_id, author_id) for source_id, author_id in people],
            "chosen": list(queryset.values_list("pk", flat=True)[:1000]),
            "checkbox": ACTION_CHECKBOX_NAME,
            "replaces": Project.objects.filter(
                sources__in=[source_id for source_id, _author in people],
                exported_quotes=Project.ExportedQuotes.REPLACE,
            ).exists(),
            "media": self.media,
        }
        return TemplateResponse(request, "admin/chat_messages/message/forget.html", context)


def _people(queryset: QuerySet[Message]) -> list[tuple[int, str]]:
    rows = queryset.exclude(author_id="").order_by().values_list("source", "author_id").distinct()
    return list(rows[:MOST])


def _told(source_id: int, author_id: str) -> dict[str, Any]:
    rows = Message.objects.filter(source=source_id, author_id=author_id)
    newest = rows.order_by("-sent_at").select_related("source").first()
    return {
        "name": (newest.author if newest else "") or author_id,
        "source": newest.source.name if newest else "",
        "count": rows.count(),
    }
