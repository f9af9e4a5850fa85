"""Every address of the product."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path

from tasktracker.avatars import avatar
from tasktracker.metrics import metrics
from tasktracker.team import TeamPage

urlpatterns = [
    path("", TeamPage.as_view(), name="team"),
    path(
        "login/",
        LoginView.as_view(
            template_name="team/login.html", next_page="team", redirect_authenticated_user=True
        ),
        name="login",
    ),
    path("logout/", LogoutView.as_view(next_page="team"), name="logout"),
    path("avatars/<int:source_id>/<str:author_id>", avatar, name="avatar"),
    path("admin/", admin.site.urls),
    path("api/", include("tasktracker.api.urls")),
    path("metrics", metrics, name="metrics"),
    path("webhook/tracker/", include("apps.exports.urls")),
    path("webhook/", include("apps.sources.urls")),
    path("i18n/", include("django.conf.urls.i18n")),
]
