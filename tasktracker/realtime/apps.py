from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    name = "tasktracker.realtime"
    label = "realtime"
