"""Every address under /api/, with and without a trailing slash."""

from django.urls import re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView
from rest_framework.permissions import IsAuthenticated
from rest_framework.routers import SimpleRouter

from apps.exports.api.views import ExportViewSet, TrackerViewSet
from apps.issues.api.days import AnalyzeDayView
from apps.issues.api.stats import StatsView
from apps.issues.api.views import TaskViewSet
from apps.messages.api.activity import ActivityView
from apps.messages.api.views import MessageViewSet
from apps.sources.api.views import ChatViewSet, ProjectViewSet, SourceViewSet
from apps.sources.api.webhook_urls import urlpatterns as webhook_settings
from tasktracker.api.config import ConfigView
from tasktracker.api.events import EventsView
from tasktracker.api.health import HealthView
from tasktracker.api.unknown import unknown_address

router = SimpleRouter()
router.trailing_slash = "/?"
router.register("messages", MessageViewSet, basename="api-message")
router.register("tasks", TaskViewSet, basename="api-task")
router.register("exports", ExportViewSet, basename="api-export")
router.register("trackers", TrackerViewSet, basename="api-tracker")
router.register("projects", ProjectViewSet, basename="api-project")
router.register("sources", SourceViewSet, basename="api-source")
router.register("chats", ChatViewSet, basename="api-chat")

MEMBERS = {"permission_classes": [IsAuthenticated]}

urlpatterns = [
    re_path(r"^health/?$", HealthView.as_view(), name="api-health"),
    re_path(r"^config/?$", ConfigView.as_view(), name="api-config"),
    re_path(r"^stats/?$", StatsView.as_view(), name="api-stats"),
    re_path(r"^activity/?$", ActivityView.as_view(), name="api-activity"),
    re_path(r"^analyze-day/?$", AnalyzeDayView.as_view(), name="api-analyze-day"),
    re_path(r"^events/?$", EventsView.as_view(), name="api-events"),
    *webhook_settings,
    *router.urls,
    re_path(r"^schema/?$", SpectacularAPIView.as_view(**MEMBERS), name="api-schema"),
    re_path(
        r"^schema/docs/?$",
        SpectacularSwaggerView.as_view(url_name="api-schema", **MEMBERS),
        name="api-docs",
    ),
    re_path(
        r"^schema/redoc/?$",
        SpectacularRedocView.as_view(url_name="api-schema", **MEMBERS),
        name="api-redoc",
    ),
    re_path(r"", unknown_address),  # the last one: JSON for every other address
]
