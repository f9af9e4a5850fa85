"""Connecting a tracker by OAuth: a person goes to its page, says yes, and comes back here."""

import hashlib
import secrets
import time
from base64 import urlsafe_b64encode
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from apps.exports.admin.confirming import ask, is_confirmed
from apps.exports.models import Tracker
from apps.exports.trackers import TRACKERS, able_to
from apps.exports.trackers.base import Tokens
from apps.sources.admin.scope import ProjectScopedAdmin, page_of
from tasktracker.lib.retell import retell
from tasktracker.lib.secrets import CannotDecrypt
from tasktracker.lib.text import clean, shorten
from tasktracker.lib.workflow import GiveUp, TryLater

BEGUN = "connecting"  # in the session of whoever began
PATIENCE = 600.0  # seconds on the tracker's page


class ConnectPages(ProjectScopedAdmin):
    """Put before the admin of trackers: the way there and back, and the end of a connection."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path(
                "<int:row_id>/connect/",
                view(require_POST(self.connect)),
                name="exports_tracker_connect",
            ),
            path(
                "<int:row_id>/disconnect/",
                view(require_POST(self.disconnect)),
                name="exports_tracker_disconnect",
            ),
            path("connected/", view(require_GET(self.connected)), name="exports_tracker_connected"),
            *super().get_urls(),
        ]

    def connect(self, request: HttpRequest, row_id: int) -> HttpResponse:
        row = self._connectable(request, row_id)
        if row is None:
            return self.gone(request, row_id)
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(64)
        redirect = _back_here(request)
        request.session[BEGUN] = {
            "state": state,
            "verifier": verifier,
            "redirect": redirect,
            "tracker": row.pk,
            "user": request.user.pk,
            "until": time.time() + PATIENCE,
        }
        digest = hashlib.sha256(verifier.encode()).digest()
        challenge = urlsafe_b64encode(digest).decode().rstrip("=")
        there = row.plugin().authorize_url(state=state, challenge=challenge, redirect=redirect)
        return HttpResponseRedirect(there)

    def connected(self, request: HttpRequest) -> HttpResponse:
        """Back from the tracker's page: only in the session that went there, once, and in time."""
        begun = request.session.get(BEGUN) or {}
        is_ours = (
            constant_time_compare(request.GET.get("state", ""), begun.get("state", ""))
            and begun.get("user") == request.user.pk
            and begun.get("until", 0) > time.time()
        )
        row = self._connectable(request, begun["tracker"]) if is_ours else None
        if row is None:
            self.message_user(
                request, _("It was not connected: begin on the tracker's page."), messages.ERROR
            )
            return HttpResponseRedirect(reverse("admin:exports_tracker_changelist"))
        del request.session[BEGUN]
        try:
            self._connect(request, row, begun)
        except (GiveUp, TryLater) as error:
            self.message_user(
                request,
                _("It was not connected: %(reason)s") % {"reason": retell(str(error))[:500]},
                messages.ERROR,
            )
        return HttpResponseRedirect(page_of(row))

    def disconnect(self, request: HttpRequest, row_id: int) -> HttpResponse:
        """Here in any case, and there if it can be told."""
        row = self._connectable(request, row_id)
        if row is None:
            return self.gone(request, row_id)
        if not is_confirmed(request):
            return ask(
                self,
                request,
                row,
                title=_("Disconnect %(name)s") % {"name": row.name},
                warning=_(
                    "The connection ends at once, here and in the tracker: without a key nothing is exported until"
                    " somebody connects it again."
                ),
                button=_("Disconnect"),
                back=page_of(row),
            )
        try:
            try:
                tokens = row.tokens()
            finally:
                row.disconnect()  # also when nobody can open what it holds
            if tokens is not None:
                row.plugin().revoke(tokens)
        except (GiveUp, TryLater) as error:
            text = _("It is disconnected here, but the tracker was not told: %(reason)s")
            self.message_user(
                request, text % {"reason": retell(str(error))[:500]}, messages.WARNING
            )
        else:
            self.message_user(request, _("It is disconnected."), messages.SUCCESS)
        self.log_change(request, row, _("Disconnected."))
        return HttpResponseRedirect(page_of(row))

    def save_model(self, request: HttpRequest, obj: Tracker, form: Any, change: bool) -> None:
        """What was granted to one application is nothing to another."""
        before = Tracker.objects.filter(pk=obj.pk).first()
        super().save_model(request, obj, form, change)
        if before is not None and _application(before) != _application(obj):
            obj.disconnect()

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        row = context.get("original")
        shown = {"connect_url": "", "disconnect_url": "", "redirect_url": "", "connect_title": ""}
        if row is not None and self._can_connect(row):
            shown["redirect_url"] = _back_here(request)
            shown["connect_url"] = reverse("admin:exports_tracker_connect", args=[row.pk])
            if row.is_connected:
                name = "admin:exports_tracker_disconnect"
                shown["disconnect_url"] = reverse(name, args=[row.pk])
            shown["connect_title"] = _("Connect %(kind)s") % {"kind": TRACKERS[row.kind].label}
        return super().render_change_form(request, {**context, **shown}, *args, **kwargs)

    def _connect(self, request: HttpRequest, row: Tracker, begun: dict[str, Any]) -> None:
        if "code" not in request.GET:
            said = request.GET.get("error_description") or request.GET.get("error", "")
            raise GiveUp(shorten(clean(said), 200) or _("nobody agreed"))
        tokens: Tokens = row.plugin().exchange(
            request.GET["code"], verifier=begun["verifier"], redirect=begun["redirect"]
        )
        row.connect(tokens)
        self.log_change(request, row, _("Connected."))
        self.message_user(request, _("It is connected."), messages.SUCCESS)
        try:
            row.keep_choices()
        except (GiveUp, TryLater) as error:
            text = _(
                "The tracker did not say what there is to choose. Check the connection: that asks anew. (%(reason)s)"
            )
            self.message_user(
                request, text % {"reason": retell(str(error))[:500]}, messages.WARNING
            )

    def _connectable(self, request: HttpRequest, row_id: int) -> Tracker | None:
        row: Tracker | None = self.get_object(request, str(row_id))
        if row is None or not self.has_change_permission(request, row):
            return None
        return row if self._can_connect(row) else None

    def _can_connect(self, row: Tracker) -> bool:
        if row.kind not in able_to("authorize_url"):
            return False
        try:
            return bool(row.plugin().can_connect)
        except ValueError:
            return False


def _application(row: Tracker) -> Any:
    try:
        return row.config.get("client_id")
    except CannotDecrypt:
        return None


def _back_here(request: HttpRequest) -> str:
    """On the host that the person uses, for only there is the session; the vendor must know it."""
    return request.build_absolute_uri(reverse("admin:exports_tracker_connected"))
