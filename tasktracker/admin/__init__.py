"""The admin site: operations in one place, in both languages."""

from tasktracker.admin.site import AdminSite

__all__ = ["AdminSite"]
