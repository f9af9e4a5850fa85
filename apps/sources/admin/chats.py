"""Chats and their topics: which are read, and into which project they go."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.db.models import Case, Count, Exists, ForeignKey, OuterRef, Q, QuerySet, Value, When
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext, gettext_lazy, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter
from unfold.decorators import display

from apps.sources.admin.display import badge, in_words, short_text
from apps.sources.admin.scope import ProjectScopedAdmin, VisibleRelatedFilter, visible_rows
from apps.sources.models import Chat, Project, Topic, chat_settled
from apps.sources.waiting import waiting_chats
from tasktracker.lib.text import shorten

STATE_COLOURS = {Chat.State.WAITING: "warning", Chat.State.ON: "success"}
FOREIGN = _(
    "Messages of this chat, or of topics of it, come into your project. Its source belongs to another project,"
    " whose people decide what is read."
)
PROJECTS = 20  # that the menu of actions offers; the page of a chat offers all


class TopicInline(TabularInline):  # type: ignore[misc]
    """Who may decide about a chat decides about its topics."""

    model = Topic
    fields = ["title", "external_id", "state", "project"]
    extra = 0
    per_page = 50
    verbose_name_plural = _("Topics: what is not decided here goes as the chat goes")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Topic]:
        """Without those of foreign projects: a choice without the project would take them away."""
        rows: QuerySet[Topic] = super().get_queryset(request)
        visible = Project.visible_to(request.user)
        unrouted = Q(project=None, chat__source__project__in=visible)
        return rows.filter(unrouted | Q(project__in=visible))

    def formfield_for_foreignkey(
        self, db_field: ForeignKey[Any, Any], request: HttpRequest, **kwargs: Any
    ) -> Any:
        rows = visible_rows(self, db_field, request)
        options = kwargs if rows is None else {"queryset": rows, **kwargs}
        return super().formfield_for_foreignkey(db_field, request, **options)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("sources.view_chat"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        own = obj is None or _is_own(obj)
        return own and bool(request.user.has_perm("sources.change_chat"))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_change_permission(request, obj)


@admin.register(Chat)
class ChatAdmin(ProjectScopedAdmin):
    project_path = "source__project"
    list_display = [
        "called",
        "source",
        "reading",
        "routed_to",
        "own_topics",
        "bot",
    ]
    list_display_links = ["called"]
    list_select_related = ["source", "project"]
    never_listed = ["source__config"]
    list_filter = [("source", VisibleRelatedFilter), ("state", ChoicesDropdownFilter)]
    search_fields = ["title", "external_id"]
    actions = ["read_them", "leave_them_alone"]
    inlines = [TopicInline]
    empty_text = _("A chat appears here by itself once a bot of yours is in it or hears from it.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Chat]:
        """Also whether the person decides about it, and may know the project that it is routed to."""
        rows: QuerySet[Chat] = super().get_queryset(request)
        visible = Project.visible_to(request.user)
        decided = Count("topics", filter=~Q(topics__state="inherit", topics__project=None))
        return rows.annotate(
            is_own=Exists(visible.filter(pk=OuterRef("source__project"))),
            is_project_known=Exists(visible.filter(pk=OuterRef("project"))),
            is_waiting=Exists(waiting_chats().filter(pk=OuterRef("pk"))),
            decided_topics=decided,
        )

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        """What waits for a person comes first, what only archives name comes last."""
        waits = When(Exists(waiting_chats().filter(pk=OuterRef("pk"))), then=Value(0))
        is_archived = When(state=Chat.State.WAITING, then=Value(2))
        return [Case(waits, is_archived, default=Value(1)), "source__name", "title"]

    def seen_by(self, request: HttpRequest) -> Q:
        """Also what comes into one's project from a source of another one: whole chats and topics."""
        visible = Project.visible_to(request.user)
        topics = Topic.objects.filter(project__in=visible)
        return super().seen_by(request) | Q(project__in=visible) | Q(pk__in=topics.values("chat"))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The people of the source's project decide."""
        return (obj is None or _is_own(obj)) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return (obj is None or _is_own(obj)) and super().has_delete_permission(request, obj)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj and not _is_own(obj):
            fields = ["title", "kind_label", "external_id", "reading", "routed_to", "bot"]
            return [(None, {"fields": fields, "description": FOREIGN})]
        # A choice without the foreign project would take the chat away from it.
        project = "routed_to" if obj and _is_foreign(obj) else "project"
        return [
            (None, {"fields": ["source", "external_id", "title", "kind_label", "bot"]}),
            (_("Reading"), {"fields": ["state", project]}),
            (_("The bot's answers"), {"fields": ["language", "is_muted"]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Chat | None = None) -> list[str]:
        """What the platform says stays as it said it."""
        own = ["kind_label", "reading", "routed_to", "bot"]
        return ["source", "external_id", *own] if obj else own

    def save_model(self, request: HttpRequest, obj: Chat, form: Any, change: bool) -> None:
        """Only what was typed: a group may have moved since the page was opened."""
        obj.save(update_fields=form.changed_data if change else None)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        chat_settled.send(Chat, chat=form.instance)

    # Columns

    @display(description=_("chat"), ordering="title")
    def called(self, chat: Chat) -> str:
        """Its title, which its people choose, and below it what nobody can choose."""
        known = " · ".join(filter(None, (in_words(chat.kind), chat.external_id)))
        return format_html('{}<span class="quiet">{}</span>', short_text(str(chat)), known)

    @display(description=_("kind"), ordering="kind")
    def kind_label(self, chat: Chat) -> str:
        return in_words(chat.kind)

    @display(description=_("reading"), ordering="state")
    def reading(self, chat: Any) -> str:
        if chat.state == Chat.State.WAITING and not chat.is_waiting:
            return badge(gettext("Only in archives"))
        return badge(chat.get_state_display(), STATE_COLOURS.get(Chat.State(chat.state), ""))

    @display(description=_("routed to"), ordering="project")
    def routed_to(self, chat: Chat) -> str:
        """The project's name, or only its id for who does not see that project."""
        if _is_foreign(chat):
            return f"#{chat.project_id}"
        return str(chat.project or "")

    @display(description=_("topics of their own"), ordering="decided_topics")
    def own_topics(self, chat: Any) -> str:
        return str(chat.decided_topics or "")

    @display(description=_("the bot there"), ordering="bot_role")
    def bot(self, chat: Chat) -> str:
        return str(_ROLES.get(chat.bot_role, chat.bot_role))

    # Actions

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """One more for each project that the person sees."""
        actions: dict[str, Any] = super().get_actions(request)
        if not self.has_change_permission(request):
            return actions
        for project in Project.visible_to(request.user)[:PROJECTS]:
            title = gettext("Route to %(project)s") % {"project": shorten(project.name, 40)}
            name = f"route_to_{project.pk}"
            actions[name] = (partial(_route, project=project), name, title)
        return actions

    @admin.action(description=_("Read this chat"), permissions=["change"])
    def read_them(self, request: HttpRequest, queryset: QuerySet[Chat]) -> None:
        count = Chat.settle(self._own(request, queryset), Chat.State.ON)
        text = ngettext("%(n)d chat is read now.", "%(n)d chats are read now.", count)
        self.message_user(request, text % {"n": count}, messages.SUCCESS)

    @admin.action(description=_("Leave it alone"), permissions=["change"])
    def leave_them_alone(self, request: HttpRequest, queryset: QuerySet[Chat]) -> None:
        count = Chat.settle(self._own(request, queryset), Chat.State.OFF)
        text = ngettext("%(n)d chat is left alone now.", "%(n)d chats are left alone now.", count)
        self.message_user(request, text % {"n": count}, messages.SUCCESS)

    def _own(self, request: HttpRequest, chosen: QuerySet[Any]) -> QuerySet[Any]:
        """Those of the chosen chats that the person decides about; says so when there are others."""
        if chosen.filter(is_own=False).exists():
            self.message_user(request, FOREIGN, messages.WARNING)
        return chosen.filter(is_own=True)


def _route(
    chats: ChatAdmin, request: HttpRequest, queryset: QuerySet[Chat], *, project: Project
) -> None:
    """Chats that somebody has given to a project that this person does not see stay there."""
    own = chats._own(request, queryset)  # noqa: SLF001 - an action of it
    count = Chat.route(own.filter(Q(project=None) | Q(is_project_known=True)), project)
    text = ngettext(
        "%(n)d chat goes to %(project)s from now on.",
        "%(n)d chats go to %(project)s from now on.",
        count,
    )
    chats.message_user(request, text % {"n": count, "project": project}, messages.SUCCESS)


def _is_own(chat: Any) -> bool:
    """A chat whose source is of one of the person's projects; each row here knows."""
    return bool(getattr(chat, "is_own", True))  # one that goes with its project or source


def _is_foreign(chat: Any) -> bool:
    return chat.project_id is not None and not chat.is_project_known


_ROLES = {
    "member": gettext_lazy("member"),
    "administrator": gettext_lazy("administrator"),
    "left": gettext_lazy("not there any more"),
}
