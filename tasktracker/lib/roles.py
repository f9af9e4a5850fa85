"""Who may only look. The groups are made by a migration; the admin's rights hang on them too."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission

VIEWER = "Viewer"


class ViewersOnlyLook(BasePermission):
    """A member of the group Viewer reads through the API, as in the admin; everybody else may change."""

    def has_permission(self, request: Any, view: Any) -> bool:
        if request.method in SAFE_METHODS or request.user.is_superuser:
            return True
        groups = set(request.user.groups.values_list("name", flat=True))
        return groups != {VIEWER}
