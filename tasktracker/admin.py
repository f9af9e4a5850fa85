"""The admin site: operations in one place, in both languages."""

from unfold.sites import UnfoldAdminSite


class AdminSite(UnfoldAdminSite):
    pass
