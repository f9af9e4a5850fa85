"""Addresses under /api/webhook-settings, with and without a trailing slash."""

from django.urls import re_path

from apps.sources.api.webhook_settings import (
    DeleteWebhookView,
    GroupIdsView,
    GroupsView,
    GroupView,
    RefreshNamesView,
    SetWebhookView,
    WebhookInfoView,
    WebhookSettingsView,
)

BASE = r"^webhook-settings"
TELEGRAM = BASE + "/telegram"

urlpatterns = [
    re_path(BASE + r"/?$", WebhookSettingsView.as_view(), name="api-webhook-settings"),
    re_path(TELEGRAM + r"/?$", DeleteWebhookView.as_view(), name="api-webhook-delete"),
    re_path(TELEGRAM + r"/set/?$", SetWebhookView.as_view(), name="api-webhook-set"),
    re_path(TELEGRAM + r"/info/?$", WebhookInfoView.as_view(), name="api-webhook-info"),
    re_path(TELEGRAM + r"/group-ids/?$", GroupIdsView.as_view(), name="api-webhook-group-ids"),
    re_path(TELEGRAM + r"/groups/?$", GroupsView.as_view(), name="api-webhook-groups"),
    re_path(
        TELEGRAM + r"/groups/(?P<group_id>-?[0-9]{1,16})/?$",
        GroupView.as_view(),
        name="api-webhook-group",
    ),
    re_path(
        TELEGRAM + r"/groups/refresh-names/?$",
        RefreshNamesView.as_view(),
        name="api-webhook-refresh-names",
    ),
]
