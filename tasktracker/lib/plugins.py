"""Registries of plug-ins: a literal table of dotted paths, imported on use."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from pydantic import JsonValue

#: `json_schema_extra` of a setting that says whom the secrets are told: with another, they are asked for again.
TOLD_SECRETS: dict[str, JsonValue] = {"is_told_secrets": True}


class PlugIn(NamedTuple):
    label: Any  # a str or a lazy translation
    path: str  # "package.module.Class"


class UnknownPlugIn(LookupError):
    """No plug-in is registered under this kind."""


@cache
def _load(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def load(registry: Mapping[str, PlugIn], kind: str) -> Any:
    """The plug-in's class; raises UnknownPlugIn."""
    if kind not in registry:
        raise UnknownPlugIn(kind)
    return _load(registry[kind].path)


def choices(registry: Mapping[str, PlugIn]) -> list[tuple[str, Any]]:
    """Choices for a form or a model field."""
    return [(kind, plug_in.label) for kind, plug_in in registry.items()]
