"""The site and its first page."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.i18n import JavaScriptCatalog
from unfold.sites import UnfoldAdminSite

from tasktracker.admin.borrowed_words import SCRIPTS


class ScriptTexts(JavaScriptCatalog):
    """Texts of the admin's scripts: Django's own, and ours where it has none."""

    packages = ["django.contrib.admin"]

    def get_catalog(self) -> dict[str, Any]:
        return {**super().get_catalog(), **{text: gettext(text) for text in SCRIPTS}}


class AdminSite(UnfoldAdminSite):  # type: ignore[misc]
    index_title = _("Overview")
    index_template = "admin/overview.html"

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> TemplateResponse:
        # Models are not loaded yet when Django makes the site.
        from tasktracker.admin.dashboard import overview

        context = {**overview(request.user), **(extra_context or {})}
        page: TemplateResponse = super().index(request, context)
        return page

    def get_urls(self) -> list[Any]:
        wrap = self.admin_view
        return [
            path("understanding/", wrap(self.understanding), name="understanding"),
            path("simulator/", wrap(self.simulator), name="simulator"),
            path("replay/<int:issue_id>/", wrap(self.replay), name="replay"),
            *super().get_urls(),
        ]

    def understanding(self, request: HttpRequest) -> TemplateResponse:
        from tasktracker.admin.understanding import understanding

        context = {**self.each_context(request), **understanding(request)}
        return TemplateResponse(request, "admin/understanding.html", context)

    def simulator(self, request: HttpRequest) -> HttpResponseBase:
        from apps.issues.admin.simulator import save, simulated

        if request.method == "POST":
            return save(request)
        context = {**self.each_context(request), **simulated(request)}
        return TemplateResponse(request, "admin/issues/simulator/page.html", context)

    def replay(self, request: HttpRequest, issue_id: int) -> TemplateResponse:
        from apps.issues.admin.replay import replayed

        context = {**self.each_context(request), **replayed(request, issue_id)}
        return TemplateResponse(request, "admin/issues/issue/replayed.html", context)

    def i18n_javascript(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponseBase:
        return ScriptTexts.as_view()(request)
