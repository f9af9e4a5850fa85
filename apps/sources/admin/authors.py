"""People who are not read: since when, what was erased of them, and the way back."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import display

from apps.sources.admin.scope import ProjectScopedAdmin, VisibleRelatedFilter
from apps.sources.models import Author, Erasure


@admin.register(Author)
class AuthorAdmin(ProjectScopedAdmin):
    project_path = "source__project"
    empty_text = gettext_lazy("Nobody has asked not to be read, by /optout or /forget in a chat.")
    list_display = ["external_id", "name", "source", "opted_out_at", "forgotten_at", "progress"]
    list_select_related = ["source"]
    never_listed = ["source__config"]
    list_filter = [("source", VisibleRelatedFilter)]
    search_fields = ["external_id", "name"]
    actions = ["store_again"]
    fields = ["external_id", "name", "source", "opted_out_at", "forgotten_at", "progress"]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Author]:
        rows: QuerySet[Author] = super().get_queryset(request)
        newest = Erasure.objects.filter(author=OuterRef("pk")).order_by("-pk")
        return rows.annotate(
            erasure_status=Subquery(newest.values("status")[:1]),
            erased=Subquery(newest.values("erased")[:1]),
            left=Subquery(newest.values("left")[:1]),
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # the door would stand open again

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("sources.view_chat"))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("sources.change_chat"))

    @display(description=gettext_lazy("forgotten"))
    def progress(self, author: Any) -> str:
        if not author.erasure_status:
            return ""
        status = str(Erasure.Status(author.erasure_status).label)
        if author.erasure_status != Erasure.Status.DONE:
            return status
        count = ngettext("%(count)d message erased", "%(count)d messages erased", author.erased) % {
            "count": author.erased
        }
        told = f"{status}: {count}"
        if author.left:
            kept = ngettext(
                "%(count)d task in a tracker has to be changed there",
                "%(count)d tasks in trackers have to be changed there",
                author.left,
            )
            told = f"{told}; {kept % {'count': author.left}}"
        return told

    @admin.action(description=gettext_lazy("Store their messages again"), permissions=["decide"])
    def store_again(self, request: HttpRequest, queryset: QuerySet[Author]) -> None:
        for author in queryset:
            author.opt_in()
            self.log_change(request, author, _("Messages are stored again."))
        self.message_user(request, _("What they write from now on is stored."))
