"""Reads the body of a request that anybody may have sent."""

import json
from typing import Any

from django.utils.translation import gettext as _

from apps.sources.adapters.base import Refused
from apps.sources.envelope import MAX_DEPTH


def json_object(body: bytes) -> dict[str, Any]:
    """The object that the body is; raises Refused for everything else."""
    value = _json(body)
    if not isinstance(value, dict):
        raise Refused(400, _("An update is a JSON object."))
    _check_depth(value)
    return value


def json_object_or_list(body: bytes) -> dict[str, Any] | list[Any]:
    """The same for platforms whose bodies are lists."""
    value = _json(body)
    if not isinstance(value, dict | list):
        raise Refused(400, _("The body is neither a JSON object nor a list."))
    _check_depth(value)
    return value


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except RecursionError:
        raise Refused(400, _("The update is nested too deeply.")) from None
    except json.JSONDecodeError as error:
        text = _("The body is not valid JSON: line %(line)s, character %(character)s.")
        place = {"line": error.lineno, "character": error.colno}
        raise Refused(400, text % place) from None
    except ValueError:
        raise Refused(400, _("The body is not valid JSON.")) from None


def _check_depth(value: Any) -> None:
    if _is_deeper_than(value, MAX_DEPTH):
        raise Refused(400, _("The update is nested too deeply."))


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
