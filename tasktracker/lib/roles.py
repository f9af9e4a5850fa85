"""Who may change things through the API. The groups are made by a migration; the admin's rights hang on them."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission

DECIDE = "issues.change_issue"


class AsInAdmin(BasePermission):
    """Whoever has a place in the admin changes here what they may change there; plain members may."""

    def has_permission(self, request: Any, view: Any) -> bool:
        if request.method in SAFE_METHODS:
            return True
        user = request.user
        is_plain_member = not user.is_staff and not user.groups.exists()
        return is_plain_member or bool(user.has_perm(_right_to_change(view)))


def _right_to_change(view: Any) -> str:
    queryset = getattr(view, "queryset", None)
    if queryset is None:
        return DECIDE
    meta = queryset.model._meta
    return f"{meta.app_label}.change_{meta.model_name}"
