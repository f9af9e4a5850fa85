"""The review queue, and the reviews of days."""

from apps.issues.admin import days, review  # noqa: F401 - they register
