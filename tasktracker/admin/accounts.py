"""People, their groups and their API tokens: for administrators only."""

import re
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.authtoken.admin import TokenAdmin as FrameworkTokenAdmin
from rest_framework.authtoken.models import Token, TokenProxy
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm


class AdministratorsOnly(ModelAdmin):  # type: ignore[misc]
    """Who can edit accounts can become anybody: so it is for superusers."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.is_active and request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What goes along by name; a row that only ties two others together has none."""
        to_delete, counts, lacking, protected = super().get_deleted_objects(objs, request)
        return _named(to_delete), counts, lacking, protected


class UserAdmin(DjangoUserAdmin, AdministratorsOnly):  # type: ignore[type-arg]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "is_active", "is_staff", "is_superuser", "last_login"]


class GroupAdmin(DjangoGroupAdmin, AdministratorsOnly):
    pass


class TokenAdmin(FrameworkTokenAdmin, AdministratorsOnly):
    """A token's key is shown once, when it is made."""

    list_display = ["user", "shortened_key", "created"]
    list_display_links = ["user"]
    autocomplete_fields = ["user"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """A key that somebody holds never becomes another person's."""
        return ["user"] if obj else []

    @display(description=gettext_lazy("key"))
    def shortened_key(self, token: TokenProxy) -> str:
        return without_key(token)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if not change:
            text = _("The token is %(key)s. It is shown only now.")
            self.message_user(request, text % {"key": obj.key}, messages.WARNING)


_TIE = re.compile(r": \w+ object \(\d+\)$")  # as Django calls the row of a many-to-many field


def _named(rows: list[Any]) -> list[Any]:
    kept = [_named(row) if isinstance(row, list) else row for row in rows]
    return [row for row in kept if row and not _TIE.search(str(row))]


def without_key(token: Token) -> str:
    """What a token is called: enough to tell two apart, too little to use one."""
    return f"{token.key[:4]}…"


def register() -> None:
    """Replace the plain pages that Django and the REST framework registered."""
    # The framework's is the key itself, and Django shows it in headings, keeps it in the history, and
    # lists it with what the deletion of a user takes along.
    Token.__str__ = without_key  # type: ignore[method-assign, assignment]
    for model, model_admin in ((User, UserAdmin), (Group, GroupAdmin), (TokenProxy, TokenAdmin)):
        if admin.site.is_registered(model):
            admin.site.unregister(model)
        admin.site.register(model, model_admin)
