"""The inbox: every message with what was understood, and a person's corrections of it."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import formats, timezone
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from apps.messages.admin.answer_words import answerer, answers_told
from apps.messages.admin.correcting import Correcting, corrections_of
from apps.messages.admin.entity_words import line_by_line
from apps.messages.admin.forgetting import Forgetting
from apps.messages.models import Category, Message, Priority
from apps.messages.naming import entities_of
from apps.sources.admin.display import (
    badge,
    category_badge,
    in_words,
    link,
    outside_link,
    percent,
    priority_badge,
    short_text,
    verbatim,
    with_lock,
)
from apps.sources.admin.scope import (
    CappedPaginator,
    DaysFilter,
    ProjectScopedAdmin,
    VisibleRelatedFilter,
    page_of,
)
from tasktracker.lib.text import shorten

STATUS_COLOURS = {
    "failed": "danger",
    "unsure": "warning",
    "actionable": "info",
    "follow_up": "info",
    "filed": "success",
}
#: The issue is looked up by name: its app comes later in the flow and is not imported here.
ISSUE = "evidence__issue"


@admin.register(Message)
class MessageAdmin(Correcting, Forgetting, ProjectScopedAdmin):
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
    actions = ["as_bug", "as_feature", "as_question", "as_info", "process_again", "forget"]
    change_form_template = "admin/chat_messages/message/change_form.html"
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "words",
                    "deleted_there",
                    "author",
                    "sent_at",
                    "chat",
                    "topic_name",
                    "reply",
                    "quoted",
                    "forwarded_from",
                    "file_names",
                    "rest_of_album",
                    "address",
                ]
            },
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
                    "doubt",
                    "tag_names",
                    "found_in_text",
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

    def get_queryset(self, request: HttpRequest) -> QuerySet[Message]:
        """What waits for a yes to its chat is listed only where it is asked for."""
        rows: QuerySet[Message] = super().get_queryset(request)
        held = Message.Status.HELD
        page = request.resolver_match.url_name if request.resolver_match else ""
        is_asked_for = request.GET.get("status__exact") == held
        if str(page).endswith("_changelist") and not is_asked_for:
            return rows.exclude(status=held)
        return rows

    # Columns

    @display(description=gettext_lazy("author"), ordering="author")
    def short_author(self, message: Message) -> str:
        return shorten(message.author, 40)

    @display(description=gettext_lazy("text"))
    def short(self, message: Message) -> str:
        told = short_text(message.text or f"[{in_words(message.kind)}]")
        if message.deleted_at is None:
            return told
        return format_html("{} {}", told, badge(_("Deleted there"), "warning"))

    @display(description=gettext_lazy("category"), ordering="category")
    def category_label(self, message: Message) -> str:
        return with_lock(category_badge(message), message, "category")

    @display(description=gettext_lazy("priority"), ordering="priority")
    def priority_label(self, message: Message) -> str:
        return with_lock(priority_badge(message), message, "priority")

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

    @display(description=gettext_lazy("deleted there"))
    def deleted_there(self, message: Message) -> str:
        if message.deleted_at is None:
            return _("No")
        return formats.localize(timezone.localtime(message.deleted_at))

    @display(description=gettext_lazy("topic"))
    def topic_name(self, message: Message) -> str:
        topic = message.chat.topics.filter(external_id=message.topic).first()
        return str(topic or message.topic)

    @display(description=gettext_lazy("quote"))
    def quoted(self, message: Message) -> str:
        return verbatim(message.quote) if message.quote else ""

    @display(description=gettext_lazy("files"))
    def file_names(self, message: Message) -> str:
        return ", ".join(map(str, message.files))

    @display(description=gettext_lazy("rest of the album"))
    def rest_of_album(self, message: Message) -> str:
        parts = message.rest_of_album()[:20]
        return format_html_join(
            ", ", "{}", ((link(page_of(part), f"#{part.pk}"),) for part in parts)
        )

    @display(description=gettext_lazy("at the platform"))
    def address(self, message: Message) -> str:
        return outside_link(message.url, message.url)

    @display(description=gettext_lazy("decided by"))
    def decider(self, message: Message) -> str:
        return answerer(message.decided_by)

    @display(description=gettext_lazy("provisional"))
    def doubt(self, message: Message) -> str:
        if message.is_provisional:
            return _("Yes: no model was sure; a person should look.")
        return _("No")

    @display(description=gettext_lazy("tags"))
    def tag_names(self, message: Message) -> str:
        return ", ".join(map(str, message.tags))

    @display(description=gettext_lazy("entities"))
    def found_in_text(self, message: Message) -> str:
        return line_by_line(entities_of(message))

    @display(description=gettext_lazy("kind"))
    def kind_label(self, message: Message) -> str:
        return in_words(message.kind)

    @display(description=gettext_lazy("original"))
    def original(self, message: Message) -> str:
        return verbatim(json.dumps(message.raw, ensure_ascii=False, indent=2)[:50_000])

    # Pages

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kw: Any) -> Any:
        message = context.get("original")
        if message is not None:
            context |= {
                **corrections_of(message),
                "answers": answers_told(message, request.user),
                # Compared before a rule routed it here, it may look like another project's issue.
                "matches": message.matches.filter(issue__project=message.project_id)
                .select_related("issue")
                .order_by("-score")[:20],
                "categories": Category.choices,
                "priorities": Priority.choices,
                "chosen_priority": message.priority or Priority.MEDIUM,
                "may_decide": self.has_decide_permission(request),
                "may_retry": Message.Status.RECEIVED in Message.TRANSITIONS[message.status]
                and message.status != Message.Status.HELD,
            }
        return super().render_change_form(request, context, *args, **kw)
