"""Where trackers call, with and without a trailing slash: /webhook/tracker/3."""

from django.urls import path

from apps.exports.webhooks import receive

urlpatterns = [
    path("<int:tracker_id>", receive, name="webhook-of-tracker"),
    path("<int:tracker_id>/", receive),
]
