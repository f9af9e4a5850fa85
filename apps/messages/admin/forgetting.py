"""An action that erases everything of the people who wrote some messages, after it said what goes."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.messages.erase import messages_of
from apps.messages.models import Message
from apps.sources.models import Author, Erasure, Project

MOST = 20  # people at once


class Forgetting:
    """For the inbox: "Forget this person" on the messages of one or of some people."""

    def has_forget_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("sources.change_chat"))

    @admin.action(description=gettext_lazy("Forget this person…"), permissions=["forget"])
    def forget(self: Any, request: HttpRequest, queryset: QuerySet[Message]) -> HttpResponse | None:
        is_confirmed = "confirmed" in request.POST
        rows = self.get_queryset(request) if is_confirmed else queryset
        people = _people_of(rows, _named(request) if is_confirmed else None)
        refused = _why_not(people, request.user)
        if refused:
            self.message_user(request, refused, messages.ERROR)
            return None
        if not is_confirmed:
            return self._ask(request, queryset, people)  # type: ignore[no-any-return]
        for source_id, author_id in people:
            erasure = Erasure.ask_for(Author.known(source_id, author_id), user_id=request.user.pk)
            LogEntry.objects.log_actions(
                request.user.pk or 0, [erasure.author], CHANGE, change_message=_("To be forgotten.")
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
            "chosen": list(queryset.values_list("pk", flat=True)[:1]),  # the action asks for some
            "checkbox": ACTION_CHECKBOX_NAME,
            "replaces": Project.objects.filter(
                sources__in=[source_id for source_id, _author in people],
                exported_quotes=Project.ExportedQuotes.REPLACE,
            ).exists(),
            "media": self.media,
        }
        return TemplateResponse(request, "admin/chat_messages/message/forget.html", context)


def _named(request: HttpRequest) -> set[tuple[int, str]]:
    """Whom the page showed."""
    found = (name.partition(":") for name in request.POST.getlist("person"))
    return {
        (int(source), author)
        for source, _colon, author in found
        if source.isdecimal() and len(source) < 18
    }


def _people_of(
    rows: QuerySet[Message], named: set[tuple[int, str]] | None = None
) -> list[tuple[int, str]]:
    """Who wrote these messages, one more than may be; of those who were named, if any were."""
    if named is not None:
        rows = rows.filter(
            source__in={source_id for source_id, _author in named},
            author_id__in={author_id for _source, author_id in named},
        )
    people = rows.exclude(author_id="").order_by("source", "author_id")
    pairs = people.values_list("source", "author_id").distinct()
    if named is not None:
        return [pair for pair in pairs if pair in named]
    return list(pairs[: MOST + 1])


def _why_not(people: list[tuple[int, str]], user: AbstractBaseUser | AnonymousUser) -> str:
    if not people:
        return _("These messages do not say who wrote them.")
    if len(people) > MOST:
        return _("At most %(most)d people can be forgotten at once. Choose fewer messages.") % {
            "most": MOST
        }
    for source_id, author_id in people:
        theirs = messages_of(Author(source_id=source_id, external_id=author_id))
        if theirs.exclude(project__in=Project.visible_to(user)).exists():
            return _(
                "%(name)s has messages in projects that you do not see. An administrator can forget them."
            ) % {"name": _told(source_id, author_id)["name"]}
    return ""


def _told(source_id: int, author_id: str) -> dict[str, Any]:
    rows = Message.objects.filter(source=source_id, author_id=author_id)
    newest = rows.order_by("-sent_at").select_related("source").first()
    return {
        "key": f"{source_id}:{author_id}",
        "name": (newest.author if newest else "") or author_id,
        "source": newest.source.name if newest else "",
        "count": rows.count(),
    }
