"""The inbox, a project's rules, and the trainings of what reads it."""

from apps.messages.admin import inbox, model_versions, rules  # noqa: F401 - they register
