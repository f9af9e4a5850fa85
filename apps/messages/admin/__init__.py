"""The inbox."""

from apps.messages.admin import inbox  # noqa: F401 - it registers
