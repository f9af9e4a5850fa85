"""What a person sets right on messages: one by one, many at once, and taking it back."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from apps.messages.corrections import newest_of
from apps.messages.decisions import is_undoable, reclassify, retry, take_back, unlock
from apps.messages.models import Category, Correction, Message, Priority
from apps.sources.admin.display import in_words
from apps.sources.admin.scope import back_or_to, page_of
from tasktracker.lib.text import shorten
from tasktracker.lib.workflow import LostRace, WrongTransition

_CHOICES: dict[str, dict[Any, Any]] = {
    "category": dict(Category.choices),
    "priority": dict(Priority.choices),
    "is_issue": {True: gettext_lazy("yes"), False: gettext_lazy("no")},
}


def corrections_of(message: Message) -> dict[str, Any]:
    """For the page: what is locked, and what people set right, newest first."""
    last = {row.pk for row in newest_of(message)}
    return {
        "locks": [
            (name, Correction.Field(name).label)
            for name in message.locked_fields
            if name in Correction.Field.values
        ],
        "corrections": [
            {
                "row": row,
                "before": _shown(row, row.before),
                "after": _shown(row, row.after)
                if row.after is not None
                else _("left to the models"),
                "is_confirmed": row.before == row.after,
                "is_undoable": row.pk in last and is_undoable(row),
            }
            for row in message.corrections.select_related("user")
        ],
    }


class Correcting:
    """Pages and actions of the inbox with which people decide."""

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("chat_messages.change_message"))

    def get_urls(self: Any) -> list[URLPattern]:
        def decision(address: str, view: Any, name: str) -> URLPattern:
            wrapped = self.admin_site.admin_view(require_POST(view))
            pattern: URLPattern = path(address, wrapped, name=f"chat_messages_message_{name}")
            return pattern

        return [
            decision("<int:message_id>/reclassify/", self.reclassify_one, "reclassify"),
            decision("<int:message_id>/retry/", self.retry_one, "retry"),
            decision("<int:message_id>/unlock/<str:field>/", self.unlock_one, "unlock"),
            decision(
                "<int:message_id>/take_back/<int:correction_id>/", self.take_back_one, "take_back"
            ),
            *super().get_urls(),  # type: ignore[misc]
        ]

    def reclassify_one(self, request: HttpRequest, message_id: int) -> HttpResponse:
        """A category button sends the priority along; the priority's own button nothing else."""
        category = request.POST.get("category", "")
        priority = request.POST.get("priority", "")
        if category not in ("", *Category.values) or priority not in Priority.values:
            self.tell(request, _("Choose a category and a priority."), messages.ERROR)
            return self._for_one(request, message_id, None)

        def decide(message: Message) -> bool:
            if not (category or message.category):
                raise ValueError(_("Nobody has said yet what it is: say it."))
            # The select always says something; only another value is a person's answer.
            chosen = priority if priority != message.priority else ""
            return reclassify(message, category=category, priority=chosen, by=request.user)

        return self._for_one(request, message_id, decide)

    def retry_one(self, request: HttpRequest, message_id: int) -> HttpResponse:
        return self._for_one(request, message_id, lambda message: retry(message, by=request.user))

    def unlock_one(self, request: HttpRequest, message_id: int, field: str) -> HttpResponse:
        return self._for_one(
            request, message_id, lambda message: unlock(message, field, by=request.user)
        )

    def take_back_one(
        self, request: HttpRequest, message_id: int, correction_id: int
    ) -> HttpResponse:
        def decide(message: Message) -> None:
            take_back(message.corrections.get(pk=correction_id), by=request.user)

        return self._for_one(request, message_id, decide)

    # Actions

    @admin.action(description=gettext_lazy("This is a bug"), permissions=["decide"])
    def as_bug(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        self._reclassify(request, queryset, Category.BUG)

    @admin.action(description=gettext_lazy("This is a feature request"), permissions=["decide"])
    def as_feature(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        self._reclassify(request, queryset, Category.FEATURE)

    @admin.action(description=gettext_lazy("This is a question"), permissions=["decide"])
    def as_question(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        self._reclassify(request, queryset, Category.QUESTION)

    @admin.action(description=gettext_lazy("This is only information"), permissions=["decide"])
    def as_info(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        self._reclassify(request, queryset, Category.INFO)

    @admin.action(description=gettext_lazy("Process again"), permissions=["decide"])
    def process_again(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        self._decide(request, queryset, lambda message: retry(message, by=request.user))

    def _reclassify(self, request: HttpRequest, queryset: QuerySet[Message], category: str) -> None:
        self._decide(
            request,
            queryset,
            lambda message: reclassify(message, category=category, by=request.user),
        )

    def _for_one(
        self: Any,
        request: HttpRequest,
        message_id: int,
        decide: Callable[[Message], bool | None] | None,
    ) -> HttpResponse:
        rows = self.get_queryset(request).filter(pk=message_id)
        message = rows.first()
        if message is None or not self.has_decide_permission(request):
            answer: HttpResponse = self.gone(request, message_id)
            return answer
        if decide is not None:
            self._decide(request, rows, decide)
        return back_or_to(request, page_of(message))

    def _decide(
        self,
        request: HttpRequest,
        queryset: QuerySet[Message],
        decide: Callable[[Message], bool | None],
    ) -> None:
        """Tell how many were decided, and of each other one why not."""
        done = same = 0
        for message in queryset.select_related(None).iterator(chunk_size=500):
            try:
                is_same = decide(message) is False
            except WrongTransition:
                text = _("Message %(id)s is “%(status)s” and cannot be changed like this.")
                details = {"id": message.pk, "status": message.get_status_display()}
                self.tell(request, text % details, messages.WARNING)
            except LostRace:
                text = _("Message %(id)s was changed by somebody else in the meantime.")
                self.tell(request, text % {"id": message.pk}, messages.WARNING)
            except Correction.DoesNotExist:
                self.tell(request, _("There is no such correction."), messages.WARNING)
            except ValueError as refusal:  # CannotTakeBack: a sentence for people
                self.tell(request, str(refusal), messages.WARNING)
            else:
                done += not is_same
                same += is_same
        if same:
            text = ngettext(
                "%(n)d message was so already.", "%(n)d messages were so already.", same
            )
            self.tell(request, text % {"n": same}, messages.INFO)
        if done:
            text = ngettext("%(n)d message changed.", "%(n)d messages changed.", done)
            self.tell(request, text % {"n": done}, messages.SUCCESS)

    def tell(self: Any, request: HttpRequest, text: str, level: int) -> None:
        self.message_user(request, text, level)


def _shown(correction: Correction, value: Any) -> str:
    if value in (None, "", {}, []):
        return "–"
    known = _CHOICES.get(correction.field, {}).get(value) if isinstance(value, str | bool) else None
    if known is not None:
        return str(known)
    return shorten(_names(value) if isinstance(value, dict) else str(value), 120)


def _names(entities: dict[str, Any]) -> str:
    return "; ".join(
        f"{in_words(kind)}: {', '.join(str(item.get('surface', '')) for item in items)}"
        for kind, items in entities.items()
        if items
    )
