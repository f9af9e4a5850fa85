"""Every address of the product."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/", include("tasktracker.api.urls")),
    path("webhook/", include("apps.sources.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
]
