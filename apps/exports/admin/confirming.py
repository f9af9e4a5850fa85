"""A question before something that works is ended."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

TEMPLATE = "admin/exports/tracker/confirm.html"


def is_confirmed(request: HttpRequest) -> bool:
    return request.POST.get("confirmed") == "yes"


def ask(
    model_admin: Any,
    request: HttpRequest,
    row: Any,
    *,
    title: str,
    warning: str,
    button: str,
    back: str,
) -> HttpResponse:
    """The page that asks; its button posts to the same address."""
    context = {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "warning": warning,
        "button": button,
        "back": back,
        "opts": model_admin.opts,
        "original": row,
        "media": model_admin.media,
    }
    return render(request, TEMPLATE, context)
