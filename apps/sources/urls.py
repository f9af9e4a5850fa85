"""Addresses that platforms call, with and without a trailing slash: /webhook/telegram, /webhook/telegram/3.

/webhook/3 is short for /webhook/webhook/3, the source of any program that posts JSON.
"""

from django.urls import path

from apps.sources.webhooks import receive

urlpatterns = [
    path("<int:source_id>", receive, {"kind": "webhook"}),
    path("<int:source_id>/", receive, {"kind": "webhook"}),
    path("<slug:kind>", receive, name="webhook"),
    path("<slug:kind>/", receive),
    path("<slug:kind>/<int:source_id>", receive, name="webhook-of-source"),
    path("<slug:kind>/<int:source_id>/", receive),
]
