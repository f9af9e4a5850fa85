"""Dead letters: what could not be read, why, and a second try."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from unfold.decorators import display

from apps.sources.admin.display import short_text, verbatim
from apps.sources.admin.scope import (
    CappedPaginator,
    ProjectScopedAdmin,
    VisibleRelatedFilter,
    back_or_to,
    page_of,
)
from apps.sources.archives import problem_in_words
from apps.sources.models import DeadLetter
from apps.sources.replay import replay
from tasktracker.lib.bus import BusUnavailable

SHOWN = 50_000  # characters of a payload on its page


class ReplayedFilter(admin.EmptyFieldListFilter):
    """Waiting or replayed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = _("replayed")

    def choices(self, changelist: Any) -> Any:
        titles = [_("All"), _("Waiting"), _("Replayed")]
        for title, choice in zip(titles, super().choices(changelist), strict=True):
            yield {**choice, "display": title}


@admin.register(DeadLetter)
class DeadLetterAdmin(ProjectScopedAdmin):
    project_path = "source__project"
    empty_text = gettext_lazy("Everything that came in could be read.")
    list_display = ["created_at", "source", "subject", "why", "replayed_at"]
    list_display_links = ["created_at"]
    list_select_related = ["source"]
    never_listed = ["source__config", "payload"]
    list_filter = [("source", VisibleRelatedFilter), ("replayed_at", ReplayedFilter)]
    search_fields = ["reason", "subject"]
    date_hierarchy = "created_at"
    paginator = CappedPaginator
    actions = ["replay_selected"]
    fields = ["created_at", "source", "subject", "sequence", "told", "replayed_at", "content"]
    readonly_fields = fields
    change_form_template = "admin/sources/deadletter/change_form.html"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_replay_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("sources.change_deadletter"))

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.replay_one))
        return [
            path("<int:letter_id>/replay/", view, name="sources_deadletter_replay"),
            *super().get_urls(),
        ]

    @display(description=gettext_lazy("reason"))
    def why(self, letter: DeadLetter) -> str:
        return short_text(problem_in_words(letter.reason), 120)

    @display(description=gettext_lazy("reason"))
    def told(self, letter: DeadLetter) -> str:
        return problem_in_words(letter.reason)

    @display(description=gettext_lazy("payload"))
    def content(self, letter: DeadLetter) -> str:
        return verbatim(letter.text[:SHOWN])

    @admin.action(description=gettext_lazy("Replay"), permissions=["replay"])
    def replay_selected(self, request: HttpRequest, queryset: QuerySet[DeadLetter]) -> None:
        self._replay(request, list(queryset))

    def replay_one(self, request: HttpRequest, letter_id: int) -> HttpResponse:
        letter = self.get_queryset(request).filter(pk=letter_id).first()
        if letter is None or not self.has_replay_permission(request):
            return self.gone(request, letter_id)
        self._replay(request, [letter])
        return back_or_to(request, page_of(letter))

    def _replay(self, request: HttpRequest, letters: list[DeadLetter]) -> None:
        sent = 0
        for letter in letters:
            try:
                sent += replay(letter)
            except ValueError as error:
                text = _("Dead letter %(id)s still cannot be read: %(reason)s")
                details = {"id": letter.pk, "reason": problem_in_words(str(error))[:300]}
                self.message_user(request, text % details, messages.ERROR)
            except BusUnavailable:
                text = _("The message bus does not answer. Nothing is lost: try again later.")
                self.message_user(request, text, messages.ERROR)
                break
        if sent:
            text = ngettext("%(n)d message sent again.", "%(n)d messages sent again.", sent)
            self.message_user(request, text % {"n": sent}, messages.SUCCESS)
