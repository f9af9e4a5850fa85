"""/api/webhook-settings: where Telegram is to post, whether it does, and which groups are monitored."""

from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError as NotFitting
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.sources import monitored_groups, webhook_settings
from apps.sources.adapters.base import WrongAddress
from apps.sources.api.scope import ProjectScope
from apps.sources.api.webhook_shapes import (
    AllSettingsSerializer,
    GroupSerializer,
    GroupsSerializer,
    InfoSerializer,
    ResultSerializer,
    SettingsSerializer,
    SetWebhookSerializer,
    shape_of,
)
from apps.sources.models import Source, Webhook, base_url_of
from tasktracker.lib.rest import Unavailable
from tasktracker.lib.workflow import GiveUp, TryLater

KIND = "telegram"
MOST_SOURCES = 50
WHICH = [
    OpenApiParameter("project", str, description="Slug of one of your projects."),
    OpenApiParameter("source", OpenApiTypes.INT, description="Needed when there are several bots."),
]


class Refused(APIException):
    """The platform was asked and said no."""

    status_code = 502
    default_code = "refused_outside"


class Unprocessable(ValidationError):
    status_code = 422


class WebhookView(ProjectScope, APIView):
    """A view of one Telegram source: the named one, else the only one."""

    queryset = Source.objects.all()

    @cached_property
    def sources(self) -> list[Source]:
        """The Telegram sources in question."""
        found = Source.objects.filter(project__in=self.projects, kind=KIND)
        number = self.request.query_params.get("source")
        if number:
            if not (number.isascii() and number.isdigit() and len(number) < 19):
                raise NotFound(_("There is no such source."))
            found = found.filter(pk=int(number))
            if not found.exists():
                raise NotFound(_("There is no such source."))
        return list(found.select_related("project").defer("config")[:MOST_SOURCES])

    @cached_property
    def source(self) -> Source:
        if not self.sources:
            raise NotFound(_("There is no Telegram source. Add one first."))
        if len(self.sources) > 1:
            names = ", ".join(f"{source.pk} ({source.name})" for source in self.sources)
            raise ValidationError(
                {"source": [_("Say which source it is for: %(names)s.") % {"names": names}]}
            )
        return self.sources[0]

    @property
    def saved(self) -> Webhook:
        """The row; raises NotFound while nothing was saved."""
        webhook = Webhook.objects.filter(source=self.source).first()
        if webhook is None:
            raise NotFound(_("No webhook settings are saved yet."))
        webhook.source = self.source
        return webhook

    def base_url(self) -> str:
        """Of the protocol and the host that came in."""
        body = SetWebhookSerializer(data=self.request.data)
        if not body.is_valid():
            is_protocol = set(body.errors) == {"protocol"} and "protocol" in self.request.data
            raise (Unprocessable if is_protocol else ValidationError)(body.errors)
        host = body.validated_data["host"]
        if "://" in host:
            raise ValidationError({"host": [_("Only the host, without https:// before it.")]})
        try:
            return base_url_of(f"{body.validated_data['protocol']}://{host}")
        except NotFitting as error:
            raise ValidationError({"host": error.messages}) from None

    def told(self, webhook: Webhook) -> Response:
        return Response(shape_of(webhook))


class WebhookSettingsView(WebhookView):
    """What is saved; saving marks the webhook as not set."""

    @extend_schema(parameters=WHICH, responses=AllSettingsSerializer)
    def get(self, request: Request) -> Response:
        webhook = None
        if self.sources:
            webhook = Webhook.objects.filter(source=self.source).first()
            if webhook is not None:
                webhook.source = self.source
        default = urlsplit(settings.WEBHOOK_BASE_URL or request.build_absolute_uri("/"))
        return Response(
            {
                "telegram": shape_of(webhook) if webhook is not None else None,
                "default_protocol": default.scheme,
                "default_host": default.hostname or "localhost",
            }
        )

    @extend_schema(request=SetWebhookSerializer, parameters=WHICH, responses=SettingsSerializer)
    def post(self, request: Request) -> Response:
        base_url = self.base_url()
        webhook = Webhook.of(self.source)
        webhook.wish_for(base_url)
        return self.told(webhook)


class SetWebhookView(WebhookView):
    """Save the address and have Telegram post there."""

    @extend_schema(request=SetWebhookSerializer, parameters=WHICH, responses=ResultSerializer)
    def post(self, request: Request) -> Response:
        base_url = self.base_url()
        webhook = outside(lambda: webhook_settings.set_webhook(self.source, base_url))
        return Response(
            {
                "success": True,
                "webhook_url": webhook.url,
                "message": _("Webhook set successfully"),
                "error": None,
            }
        )


class DeleteWebhookView(WebhookView):
    """Have Telegram post nowhere; the settings and the groups stay."""

    @extend_schema(parameters=WHICH, responses=ResultSerializer)
    def delete(self, request: Request) -> Response:
        webhook = outside(lambda: webhook_settings.delete_webhook(self.source))
        return Response(
            {
                "success": True,
                "webhook_url": webhook.wanted_url or None,
                "message": _("Webhook deleted successfully"),
                "error": None,
            }
        )


class WebhookInfoView(WebhookView):
    """What Telegram says of the webhook now."""

    @extend_schema(parameters=WHICH, responses=InfoSerializer)
    def get(self, request: Request) -> Response:
        told = outside(lambda: webhook_settings.ask(self.source))
        return Response({"success": True, "webhook_info": told})


class GroupIdsView(WebhookView):
    """Monitor these groups and no others."""

    @extend_schema(request=GroupsSerializer, parameters=WHICH, responses=SettingsSerializer)
    def put(self, request: Request) -> Response:
        webhook = self.saved
        body = GroupsSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        monitored_groups.replace(self.source, body.validated_data["group_ids"])
        return self.told(webhook)


class GroupsView(WebhookView):
    """Monitor one more group."""

    @extend_schema(request=GroupSerializer, parameters=WHICH, responses=SettingsSerializer)
    def post(self, request: Request) -> Response:
        body = GroupSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        webhook = Webhook.of(self.source)
        webhook.keep()
        monitored_groups.add(self.source, body.validated_data["group_id"])
        return self.told(webhook)


class GroupView(WebhookView):
    """Monitor a group no longer."""

    @extend_schema(
        parameters=[OpenApiParameter("group_id", OpenApiTypes.INT64, "path"), *WHICH],
        responses=SettingsSerializer,
    )
    def delete(self, request: Request, group_id: str) -> Response:
        webhook = self.saved
        monitored_groups.take_off(self.source, int(group_id))
        return self.told(webhook)


class RefreshNamesView(WebhookView):
    """Take over the names that Telegram has for the groups."""

    @extend_schema(request=None, parameters=WHICH, responses=SettingsSerializer)
    def post(self, request: Request) -> Response:
        webhook = self.saved
        monitored_groups.refresh_names(self.source)
        return self.told(webhook)


def outside(call: Any) -> Any:
    """What the platform answers; its refusal is no success and its silence is not for ever."""
    try:
        return call()
    except WrongAddress as error:
        raise ValidationError({"host": [str(error)]}) from error
    except GiveUp as error:
        raise Refused(str(error)) from error
    except TryLater as error:
        raise Unavailable(str(error)) from error
