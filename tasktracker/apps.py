"""Wiring: the one place where the flow's announcements meet who listens to them."""

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.core import checks


class AdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "tasktracker.admin.AdminSite"

    def ready(self) -> None:
        super().ready()
        from tasktracker.admin import accounts

        accounts.register()  # after Django's own, which it replaces


class TaskTrackerConfig(AppConfig):
    default = True
    name = "tasktracker"

    def ready(self) -> None:
        from tasktracker import pipeline
        from tasktracker.lib import tracing
        from tasktracker.realtime import receivers

        checks.register(tracing.check)
        pipeline.connect()
        receivers.connect()
