"""One form for every refusal: `{"detail": sentence, "code": word, "errors"?: {field: [sentence]}}`."""

import logging
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler as framework_handler

from tasktracker.lib.rest import Conflict, TooLarge, Unavailable
from tasktracker.lib.text import storable
from tasktracker.lib.workflow import LostRace, WrongTransition

logger = logging.getLogger(__name__)


def exception_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """Translate what a view raised; never an exception's own text."""
    known = _as_api_exception(error)
    if known is None:
        if settings.DEBUG:
            return None  # Django's page with the traceback
        logger.error("the API failed", exc_info=error)
        known = exceptions.APIException(_("Something went wrong on our side."))
    response = framework_handler(known, context)
    if response is not None:
        response.data = _body(known)
    return response


def _as_api_exception(error: Exception) -> exceptions.APIException | None:
    if isinstance(error, exceptions.APIException):
        return error
    if isinstance(error, Http404):
        return exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, RequestDataTooBig):
        return TooLarge()
    if isinstance(error, LostRace):
        return Conflict(_("Somebody else was first. Load it again."), code="lost_race")
    if isinstance(error, WrongTransition):
        return Conflict(_("Its status does not allow this."), code="wrong_transition")
    if isinstance(error, (OperationalError, InterfaceError)):
        logger.warning("the database is away: %s", type(error).__name__)
        return Unavailable()
    return None


def _body(error: exceptions.APIException) -> dict[str, Any]:
    if not isinstance(error, exceptions.ValidationError):
        return {"detail": storable(str(error.detail)), "code": error.get_codes()}
    errors = _plain(error.detail)
    if not isinstance(errors, dict):
        errors = {"non_field_errors": errors}
    return {"detail": _("Please correct what is named here."), "code": "invalid", "errors": errors}


def _plain(detail: Any) -> Any:
    """The details as JSON can carry them: a wrong value may be quoted in its sentence."""
    if isinstance(detail, dict):
        return {storable(str(name)): _plain(value) for name, value in detail.items()}
    if isinstance(detail, (list, tuple)):
        return [_plain(value) for value in detail]
    return storable(str(detail))
