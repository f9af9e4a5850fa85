"""Every address under /api/, with and without a trailing slash."""

from django.urls import re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView
from rest_framework.permissions import IsAuthenticated
from rest_framework.routers import SimpleRouter

from apps.issues.api.views import TaskViewSet
from apps.messages.api.views import MessageViewSet
from tasktracker.api.config import ConfigView
from tasktracker.api.unknown import UnknownAddressView
from tasktracker.api.health import HealthView

router = SimpleRouter()
router.trailing_slash = "/?"
router.register("messages", MessageViewSet, basename="api-message")
router.register("tasks", TaskViewSet, basename="api-task")

MEMBERS = {"permission_classes": [IsAuthenticated]}

urlpatterns = [
    re_path(r"^health/?$", HealthView.as_view(), name="api-health"),
    re_path(r"^config/?$", ConfigView.as_view(), name="api-config"),
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
    re_path(r"", UnknownAddressView.as_view()),  # the last one: JSON for every other address
]
