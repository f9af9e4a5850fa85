"""The inbox: every message with what was understood, and a person's corrections of it."""

import json
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from apps.messages.decisions import reclassify, retry
from apps.messages.models import Category, Message, Priority
from apps.sources.admin.display import (
    badge,
    category_badge,
    in_words,
    link,
    percent,
    priority_badge,
    short_text,
    verbatim,
)
from apps.sources.admin.scope import (
    CappedPaginator,
    DaysFilter,
    ProjectScopedAdmin,
    VisibleRelatedFilter,
    back_or_to,
    page_of,
)
from tasktracker.lib.text import shorten
from tasktracker.lib.workflow import LostRace, WrongTransition

STATUS_COLOURS = {"failed": "danger", "unsure": "warning", "actionable": "info", "filed": "success"}
#: The issue is looked up by name: its app comes later in the flow and is not imported here.
ISSUE = "evidence__issue"


@admin.register(Message)
class MessageAdmin(ProjectScopedAdmin):
    list_display = [
        "sent_at",
        "short_author",
        "chat",
        "short",
        "category_label",
        "priority_label",
        "sureness",
        "state",
        "issue",
    ]
    list_display_links = ["sent_at", "short"]
    list_select_related = ["chat", ISSUE]
    list_filter = [
        ("project", VisibleRelatedFilter),
        ("source", VisibleRelatedFilter),
        ("chat", VisibleRelatedFilter),
        ("category", ChoicesDropdownFilter),
        ("priority", ChoicesDropdownFilter),
        ("status", ChoicesDropdownFilter),
        "is_provisional",
        ("sent_at", DaysFilter),
        ("created_at", DaysFilter),
    ]
    list_fullwidth = True
    list_before_template = "admin/live_list.html"
    search_fields = ["text__holds", "author__holds"]
    search_help_text = gettext_lazy("Text or author")
    date_hierarchy = "sent_at"
    paginator = CappedPaginator
    actions = ["as_bug", "as_feature", "as_question", "as_info", "process_again"]
    change_form_template = "admin/chat_messages/message/change_form.html"
    fieldsets = [
        (
            None,
            {"fields": ["words", "author", "sent_at", "chat", "topic", "reply", "forwarded_from"]},
        ),
        (
            gettext_lazy("Understood as"),
            {
                "fields": [
                    "category_label",
                    "priority_label",
                    "sureness",
                    "decider",
                    "state",
                    "is_provisional",
                    "issue",
                    "last_error",
                ]
            },
        ),
        (
            gettext_lazy("Where it came from"),
            {
                "classes": ["collapse"],
                "fields": [
                    "project",
                    "source",
                    "external_id",
                    "author_id",
                    "kind_label",
                    "is_from_bot",
                    "is_history",
                    "is_superseded",
                    "created_at",
                    "original",
                ],
            },
        ),
    ]

    # Permissions: a message is what somebody said, so nobody edits it; people decide about it.

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("chat_messages.change_message"))

    # Columns

    @display(description=gettext_lazy("author"), ordering="author")
    def short_author(self, message: Message) -> str:
        return shorten(message.author, 40)

    @display(description=gettext_lazy("text"))
    def short(self, message: Message) -> str:
        return short_text(message.text or f"[{in_words(message.kind)}]")

    @display(description=gettext_lazy("category"), ordering="category")
    def category_label(self, message: Message) -> str:
        return category_badge(message)

    @display(description=gettext_lazy("priority"), ordering="priority")
    def priority_label(self, message: Message) -> str:
        return priority_badge(message)

    @display(description=gettext_lazy("confidence"), ordering="confidence")
    def sureness(self, message: Message) -> str:
        return percent(message.confidence)

    @display(description=gettext_lazy("status"), ordering="status")
    def state(self, message: Message) -> str:
        if message.is_provisional:
            return badge(_("Provisional"), "warning")
        return badge(message.get_status_display(), STATUS_COLOURS.get(message.status, ""))

    @display(description=gettext_lazy("issue"))
    def issue(self, message: Any) -> str:
        evidence = getattr(message, "evidence", None)
        if evidence is None:
            return ""
        return link(page_of(evidence.issue), f"#{evidence.issue_id}")

    # Fields of the page

    @display(description=gettext_lazy("text"))
    def words(self, message: Message) -> str:
        return verbatim(message.text)

    @display(description=gettext_lazy("answers"))
    def reply(self, message: Message) -> str:
        if message.reply_to is None:
            return message.reply_to_external_id
        answered = message.reply_to
        if answered.project_id != message.project_id:  # its chat was routed elsewhere in between
            return message.reply_to_external_id or f"#{answered.pk}"
        return link(page_of(answered), f"{answered.author}: {shorten(answered.text, 120)}")

    @display(description=gettext_lazy("decided by"))
    def decider(self, message: Message) -> str:
        return in_words(message.decided_by)

    @display(description=gettext_lazy("kind"))
    def kind_label(self, message: Message) -> str:
        return in_words(message.kind)

    @display(description=gettext_lazy("original"))
    def original(self, message: Message) -> str:
        return verbatim(json.dumps(message.raw, ensure_ascii=False, indent=2)[:50_000])

    # Pages

    def get_urls(self) -> list[URLPattern]:
        def decision(view: Any) -> Any:
            return self.admin_site.admin_view(require_POST(view))

        return [
            path(
                "<int:message_id>/reclassify/",
                decision(self.reclassify_one),
                name="chat_messages_message_reclassify",
            ),
            path(
                "<int:message_id>/retry/",
                decision(self.retry_one),
                name="chat_messages_message_retry",
            ),
            *super().get_urls(),
        ]

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kw: Any) -> Any:
        message = context.get("original")
        if message is not None:
            context |= {
                "classifications": message.classifications.all(),
                "matches": message.matches.select_related("issue").order_by("-score")[:20],
                "categories": Category.choices,
                "priorities": Priority.choices,
                "chosen_priority": message.priority or Priority.MEDIUM,
                "may_decide": self.has_decide_permission(request),
                "may_retry": Message.Status.RECEIVED in Message.TRANSITIONS[message.status],
            }
        return super().render_change_form(request, context, *args, **kw)

    def reclassify_one(self, request: HttpRequest, message_id: int) -> HttpResponse:
        category = request.POST.get("category", "")
        priority = request.POST.get("priority", "")
        if category not in Category.values or priority not in Priority.values:
            self.message_user(request, _("Choose a category and a priority."), messages.ERROR)
            return self._for_one(request, message_id, None)
        return self._for_one(
            request,
            message_id,
            lambda message: reclassify(
                message, category=category, priority=priority, by=request.user
            ),
        )

    def retry_one(self, request: HttpRequest, message_id: int) -> HttpResponse:
        return self._for_one(request, message_id, lambda message: retry(message, by=request.user))

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
        def decide(message: Message) -> None:
            priority = message.priority or Priority.MEDIUM
            reclassify(message, category=category, priority=priority, by=request.user)

        self._decide(request, queryset, decide)

    def _for_one(self, request: HttpRequest, message_id: int, decide: Any) -> HttpResponse:
        rows = self.get_queryset(request).filter(pk=message_id)
        message = rows.first()
        if message is None or not self.has_decide_permission(request):
            return self.gone(request, message_id)
        if decide is not None:
            self._decide(request, rows, decide)
        return back_or_to(request, page_of(message))

    def _decide(self, request: HttpRequest, queryset: QuerySet[Message], decide: Any) -> None:
        """Tell how many were decided, and of each other one why not."""
        done = 0
        for message in queryset.select_related(None).iterator(chunk_size=500):
            try:
                decide(message)
            except WrongTransition:
                text = _("Message %(id)s is “%(status)s” and cannot be changed like this.")
                details = {"id": message.pk, "status": message.get_status_display()}
                self.message_user(request, text % details, messages.WARNING)
            except LostRace:
                text = _("Message %(id)s was changed by somebody else in the meantime.")
                self.message_user(request, text % {"id": message.pk}, messages.WARNING)
            else:
                done += 1
        if done:
            text = ngettext("%(n)d message changed.", "%(n)d messages changed.", done)
            self.message_user(request, text % {"n": done}, messages.SUCCESS)
