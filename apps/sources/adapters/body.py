"""Reads the body of a request that anybody may have sent."""

import json
from typing import Any

from django.utils.translation import gettext as _

from apps.sources.adapters.base import Refused
from apps.sources.envelope import MAX_DEPTH


def json_object(body: bytes) -> dict[str, Any]:
    """The object that the body is; raises Refused for everything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, _("The body is not valid JSON.")) from None
    if not isinstance(value, dict):
        raise Refused(400, _("An update is a JSON object."))
    if _is_deeper_than(value, MAX_DEPTH):
        raise Refused(400, _("The update is nested too deeply."))
    return value


def _is_deeper_than(value: Any, levels: int) -> bool:
    layer = [value]
    for _level in range(levels + 1):
        layer = [
            inner
            for item in layer
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, dict | list)
        ]
        if not layer:
            return False
    return True
