"""The site and its first page."""

from typing import Any

from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite


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
