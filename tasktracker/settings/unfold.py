"""How the admin looks and what its sidebar offers (django-unfold)."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse, reverse_lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _


def _may(permission: str) -> Callable[[HttpRequest], bool]:
    """For the sidebar: show what this user may open."""
    return lambda request: request.user.has_perm(permission)


def _is_administrator(request: HttpRequest) -> bool:
    return bool(request.user.is_superuser)


def _status_tab(title: Any, status: str) -> dict[str, Any]:
    # Relative: Unfold would mark every sidebar link that is also a tab as the current one.
    return {
        "title": title,
        "link": f"?status__exact={status}" if status else "?",
        "active": lambda request: request.GET.get("status__exact", "") == status,
    }


def _page(title: Any, icon: str, name: str, permission: Any, **more: Any) -> dict[str, Any]:
    link = reverse_lazy(f"admin:{name}")
    return {"title": title, "icon": icon, "link": link, "permission": permission} | more


def _elsewhere(title: Any, icon: str, link: Any) -> dict[str, Any]:
    """A page outside of the admin, which is never the current one."""
    return {"title": title, "icon": icon, "link": link, "active": False}


def _is_at(name: str, *, but: str) -> Callable[[HttpRequest], bool]:
    """Whether the page is this one or below it, save for one that has a link of its own."""

    def is_current(request: HttpRequest) -> bool:
        path = request.path
        at, elsewhere = reverse(f"admin:{name}"), reverse(f"admin:{but}")
        return path.startswith(at) and not path.startswith(elsewhere)

    return is_current


def _among_issues(*, new: bool) -> Callable[[HttpRequest], bool]:
    """Which of the two links to the issues is the current one."""

    def is_current(request: HttpRequest) -> bool:
        if not request.path.startswith(reverse("admin:issues_issue_changelist")):
            return False
        return (request.GET.get("status__exact") == "new") == new

    return is_current


_ISSUES = reverse_lazy("admin:issues_issue_changelist")

UNFOLD = {
    "SITE_TITLE": "Task Tracker",
    "SITE_HEADER": "Task Tracker",
    "SITE_SYMBOL": "forum",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("team/icon.svg")},
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_LANGUAGES": True,
    "STYLES": [lambda request: static("admin/live.css")],
    "SCRIPTS": [lambda request: static("live.js"), lambda request: static("admin/live.js")],
    "COLORS": {
        "primary": {
            "50": "oklch(97.1% .014 254.6)",
            "100": "oklch(93.2% .032 255.6)",
            "200": "oklch(88.2% .059 254.1)",
            "300": "oklch(80.9% .105 251.8)",
            "400": "oklch(70.7% .165 254.6)",
            "500": "oklch(62.3% .214 259.8)",
            "600": "oklch(54.6% .245 262.9)",
            "700": "oklch(48.8% .243 264.4)",
            "800": "oklch(42.4% .199 265.6)",
            "900": "oklch(37.9% .146 265.5)",
            "950": "oklch(28.2% .091 267.9)",
        },
    },
    "TABS": [
        {
            "models": ["issues.issue"],
            "items": [
                _status_tab(_("Review"), "new"),
                _status_tab(_("Approved"), "approved"),
                _status_tab(_("In progress"), "in_progress"),
                _status_tab(_("Done"), "done"),
                _status_tab(_("All"), ""),
            ],
        },
    ],
    "SIDEBAR": {
        "show_search": True,
        "navigation": [
            {
                "title": _("Work"),
                "items": [
                    {
                        "title": _("Overview"),
                        "icon": "dashboard",
                        "link": reverse_lazy("admin:index"),
                    },
                    _page(
                        _("Review"),
                        "rule",
                        "issues_issue_changelist",
                        _may("issues.view_issue"),
                        link=format_lazy("{}{}", _ISSUES, "?status__exact=new"),
                        badge="tasktracker.admin.dashboard.waiting_for_review",
                        active=_among_issues(new=True),
                    ),
                    _page(
                        _("Issues"),
                        "bug_report",
                        "issues_issue_changelist",
                        _may("issues.view_issue"),
                        active=_among_issues(new=False),
                    ),
                    _page(
                        _("Days"),
                        "insights",
                        "issues_dayanalysis_changelist",
                        _may("issues.view_issue"),
                    ),
                    _page(
                        _("Inbox"),
                        "inbox",
                        "chat_messages_message_changelist",
                        _may("chat_messages.view_message"),
                    ),
                    _page(
                        _("Exports"),
                        "send",
                        "exports_taskexport_changelist",
                        _may("exports.view_taskexport"),
                        active=_is_at(
                            "exports_taskexport_changelist", but="exports_taskexport_outbox"
                        ),
                    ),
                    _page(
                        _("Outbox"),
                        "outbox",
                        "exports_taskexport_outbox",
                        _may("exports.view_taskexport"),
                    ),
                    _page(
                        _("Dead letters"),
                        "mark_email_unread",
                        "sources_deadletter_changelist",
                        _may("sources.view_deadletter"),
                    ),
                    _page(
                        _("Gaps"),
                        "event_busy",
                        "sources_gap_changelist",
                        _may("sources.view_source"),
                        badge="tasktracker.admin.dashboard.open_gaps",
                    ),
                ],
            },
            {
                "title": _("Set-up"),
                "separator": True,
                "items": [
                    _page(
                        _("Projects"),
                        "folder",
                        "sources_project_changelist",
                        _may("sources.view_project"),
                    ),
                    _page(
                        _("Sources"),
                        "input",
                        "sources_source_changelist",
                        _may("sources.view_source"),
                    ),
                    _page(
                        _("History imports"),
                        "upload_file",
                        "sources_historyimport_changelist",
                        _may("sources.view_source"),
                    ),
                    _page(
                        _("Chats"),
                        "chat",
                        "sources_chat_changelist",
                        _may("sources.view_chat"),
                        badge="tasktracker.admin.dashboard.waiting_chats",
                    ),
                    _page(
                        _("People not read"),
                        "person_off",
                        "sources_author_changelist",
                        _may("sources.view_chat"),
                    ),
                    _page(
                        _("Glossary"),
                        "dictionary",
                        "sources_glossaryterm_changelist",
                        _may("sources.view_glossaryterm"),
                    ),
                    _page(
                        _("Rules"),
                        "filter_alt",
                        "chat_messages_rule_changelist",
                        _may("chat_messages.view_rule"),
                    ),
                    _page(
                        _("Model versions"),
                        "model_training",
                        "chat_messages_modelversion_changelist",
                        _may("chat_messages.view_message"),
                    ),
                    _page(
                        _("Simulator"),
                        "tune",
                        "simulator",
                        _may("sources.change_project"),
                    ),
                    _page(
                        _("Trackers"),
                        "output",
                        "exports_tracker_changelist",
                        _may("exports.view_tracker"),
                    ),
                    _page(
                        _("Export policies"),
                        "policy",
                        "exports_exportpolicy_changelist",
                        _may("exports.view_tracker"),
                    ),
                ],
            },
            {
                "title": _("Administration"),
                "separator": True,
                "items": [
                    _page(_("Users"), "person", "auth_user_changelist", _is_administrator),
                    _page(_("Groups"), "group", "auth_group_changelist", _is_administrator),
                    _page(
                        _("API tokens"),
                        "key",
                        "authtoken_tokenproxy_changelist",
                        _is_administrator,
                    ),
                ],
            },
            {
                "title": _("Elsewhere"),
                "separator": True,
                "items": [
                    _elsewhere(_("Team page"), "groups", "/"),
                    _page(
                        _("Understanding"),
                        "insights",
                        "understanding",
                        _may("chat_messages.view_message"),
                    ),
                    _elsewhere(_("Health"), "monitor_heart", reverse_lazy("api-health")),
                    _elsewhere(_("API"), "api", reverse_lazy("api-docs")),
                ],
            },
        ],
    },
}
