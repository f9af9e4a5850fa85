"""The page of what comes back from a tracker: where it calls, with which secret, and when it last did."""

import ipaddress
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from apps.exports.admin.confirming import ask, is_confirmed
from apps.exports.calling import admitted, told_to
from apps.exports.models import Mirroring, Tracker
from apps.exports.trackers import able_to
from apps.sources.adapters.base import reason_of
from apps.sources.admin.scope import ProjectScopedAdmin, page_of
from tasktracker.lib.retell import retell
from tasktracker.lib.secrets import CannotDecrypt
from tasktracker.lib.workflow import GiveUp, TryLater

TEMPLATE = "admin/exports/tracker/way_back.html"
MADE = "secret-made"  # in the session: for which tracker
SHORTEST_SECRET, LONGEST_SECRET = 16, 200  # characters


class WayBackPages(ProjectScopedAdmin):
    """Put before the admin of trackers: the page, and what its buttons do."""

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path(
                "<int:row_id>/way-back/",
                view(require_GET(self.way_back)),
                name="exports_tracker_way_back",
            ),
            path(
                "<int:row_id>/way-back/<slug:verb>/",
                view(never_cache(require_POST(self.way_back_verb))),
                name="exports_tracker_way_back_verb",
            ),
            *super().get_urls(),
        ]

    def way_back(self, request: HttpRequest, row_id: int) -> HttpResponse:
        tracker = self._telling(request, row_id)
        if tracker is None:
            return self.gone(request, row_id)
        # Made a moment ago by this person: shown in this answer, and never again.
        is_new = request.session.pop(MADE, None) == tracker.pk
        return self._show_way_back(request, tracker, shows_secret=is_new)

    def way_back_verb(self, request: HttpRequest, row_id: int, verb: str) -> HttpResponse:
        tracker = self._telling(request, row_id)
        if (
            tracker is None
            or verb not in {"secret", *VERBS}
            or not self.has_change_permission(request, tracker)
        ):
            return self.gone(request, row_id)
        mirroring = Mirroring.of(tracker)
        try:
            if verb == "secret" and mirroring.secret and not is_confirmed(request):
                return self._ask_for_secret(request, tracker)
            if verb == "secret":
                mirroring.new_secret()
                request.session[MADE] = tracker.pk
            else:
                typed = request.POST.get("secret", "").strip()
                messages.success(request, VERBS[verb](mirroring, typed))
        except (GiveUp, TryLater, LookupError) as error:
            messages.error(request, retell(str(error))[:500])
        except ValueError as error:
            messages.error(request, reason_of(error))
        return HttpResponseRedirect(reverse("admin:exports_tracker_way_back", args=[row_id]))

    def _ask_for_secret(self, request: HttpRequest, tracker: Tracker) -> HttpResponse:
        return ask(
            self,
            request,
            tracker,
            title=_("New secret for %(name)s") % {"name": tracker.name},
            warning=_(
                "The one that works now ends at once: calls are refused until the tracker has the new one."
            ),
            button=_("New secret"),
            back=reverse("admin:exports_tracker_way_back", args=[tracker.pk]),
        )

    def _telling(self, request: HttpRequest, row_id: int) -> Tracker | None:
        """The tracker, if the person may see it and it can say anything."""
        tracker: Tracker | None = self.get_object(request, str(row_id))
        if tracker is None or not self.has_view_permission(request, tracker):
            return None
        return tracker if tells(tracker) else None

    def _show_way_back(
        self, request: HttpRequest, tracker: Tracker, *, shows_secret: bool = False
    ) -> HttpResponse:
        mirroring = Mirroring.of(tracker)
        try:
            secret, subscription = mirroring.secret, mirroring.subscription
        except CannotDecrypt:
            secret, subscription = "", ""
            text = _("The saved settings cannot be opened: no key of FIELD_ENCRYPTION_KEYS fits.")
            messages.error(request, text)
        calls = tracker.kind in able_to("receive")
        context = {
            **self.admin_site.each_context(request),
            "title": _("What comes back from %(name)s") % {"name": tracker.name},
            "opts": self.opts,
            "original": tracker,  # for the way back above the page
            "tracker_page": page_of(tracker),
            "mirroring": mirroring,
            "last_error": retell(mirroring.last_error),
            "calls": calls,
            "is_asked": tracker.kind in able_to("changed"),
            "address": address_of(tracker),
            "doubt": doubt_about(address_of(tracker)) if calls else "",
            "has_secret": bool(secret),
            "secret": secret if shows_secret else "",
            "can_subscribe": tracker.kind in able_to("subscribe"),
            "is_subscribed": bool(subscription),
            "may_change": self.has_change_permission(request, tracker),
            "media": self.media,
        }
        return render(request, TEMPLATE, context)


def tells(tracker: Tracker) -> bool:
    """Whether anything can come back from it."""
    return tracker.kind in {*able_to("receive"), *able_to("changed")}


def address_of(tracker: Tracker) -> str:
    """Where it is to call; without a host when nobody has said under which one we are reached."""
    here = reverse("webhook-of-tracker", args=[tracker.pk])
    return f"{settings.WEBHOOK_BASE_URL.rstrip('/')}{here}"


def doubt_about(address: str) -> str:
    """Why the tracker may be unable to call there; empty when nothing speaks against it."""
    parts = urlsplit(address)
    if not parts.hostname:
        return _(
            "Nobody has said under which address this installation is reached: WEBHOOK_BASE_URL."
        )
    if _is_near(parts.hostname):
        return _(
            "This address leads to a computer nearby: a tracker in the internet cannot call it."
        )
    if parts.scheme != "https":
        return _("This address does not begin with https://, and Linear calls no other.")
    return ""


def _is_near(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))


def _keep(mirroring: Mirroring, typed: str) -> str:
    if not SHORTEST_SECRET <= len(typed) <= LONGEST_SECRET or not typed.isascii():
        raise GiveUp(
            _("A secret has %(least)d to %(most)d Latin letters, digits and signs.")
            % {"least": SHORTEST_SECRET, "most": LONGEST_SECRET}
        )
    mirroring.keep_secret(typed)
    return _("The secret is kept. Calls that are signed with it are taken.")


def _subscribe(mirroring: Mirroring, typed: str) -> str:
    tracker = mirroring.tracker
    address = address_of(tracker)
    if not urlsplit(address).hostname:
        raise GiveUp(doubt_about(address))
    plugin = _able(tracker, "subscribe")
    secret = mirroring.secret or mirroring.new_secret()
    with admitted(tracker), told_to(tracker, attempts=1):
        subscription = str(plugin.subscribe(address, secret) or "")
    mirroring.keep_subscription(subscription)
    return _("The tracker calls %(address)s from now on.") % {"address": address}


def _unsubscribe(mirroring: Mirroring, typed: str) -> str:
    plugin = _able(mirroring.tracker, "unsubscribe")
    if mirroring.subscription:
        with admitted(mirroring.tracker), told_to(mirroring.tracker, attempts=1):
            plugin.unsubscribe(mirroring.subscription)
    mirroring.keep_subscription("")
    mirroring.note_silence()
    return _("The tracker calls us no more. It is asked each minute instead.")


def _able(tracker: Tracker, part: str) -> Any:
    if tracker.kind not in able_to(part):
        raise GiveUp(_("This kind of tracker is told in its own settings where to call."))
    return tracker.plugin()


VERBS: dict[str, Callable[[Mirroring, str], str]] = {
    "keep": _keep,
    "subscribe": _subscribe,
    "unsubscribe": _unsubscribe,
}
