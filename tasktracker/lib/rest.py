"""What every REST endpoint shares and no domain word is needed for: bodies and refusals."""

import json
from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _
from rest_framework.exceptions import APIException, ParseError, ValidationError
from rest_framework.fields import CharField
from rest_framework.parsers import BaseParser
from rest_framework.renderers import JSONRenderer

from tasktracker.lib.text import clean


def visible(value: str) -> None:
    """A validator: a text of invisible characters alone is as blank as none."""
    if not clean(value):
        raise ValidationError(CharField.default_error_messages["blank"], code="blank")


class TooLarge(APIException):
    status_code = 413
    default_detail = _("The body is too large.")
    default_code = "too_large"


class Conflict(APIException):
    status_code = 409
    default_detail = _("The current state does not allow this.")
    default_code = "conflict"


class Unavailable(APIException):
    status_code = 503
    default_detail = _("The service is not available at the moment. Try again a little later.")
    default_code = "unavailable"
    wait = 5  # seconds, becomes Retry-After


class BoundedJSONParser(BaseParser):
    """JSON in any Unicode encoding, of at most DATA_UPLOAD_MAX_MEMORY_SIZE bytes.

    The parser of the framework reads whatever comes, and answers 500 to a strange charset and to
    brackets nested a hundred thousand deep.
    """

    media_type = "application/json"
    renderer_class = JSONRenderer  # of the raw-data form in the browsable pages

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 1_000_000
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge
        try:
            return json.loads(body, parse_constant=_refuse)
        except (ValueError, RecursionError):
            raise ParseError(_("The body is not valid JSON.")) from None


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")
