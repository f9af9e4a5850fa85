"""The review queue."""

from apps.issues.admin import review  # noqa: F401 - it registers
