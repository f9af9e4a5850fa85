"""Addresses that platforms call, with and without a trailing slash."""

from django.urls import path

from apps.sources import webhooks

urlpatterns = [
    path("telegram", webhooks.telegram, name="telegram-webhook"),
    path("telegram/", webhooks.telegram),
    path("telegram/<int:source_id>", webhooks.telegram, name="telegram-webhook-of-source"),
    path("telegram/<int:source_id>/", webhooks.telegram),
]
