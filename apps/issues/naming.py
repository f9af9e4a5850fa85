"""The labels that an issue gets from what its reports name."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tasktracker.lib.text import clean

MAX_LABELS = 10
MAX_LABEL = 50
LABELLED = ("projects", "technologies")

_NOT_PLAIN = re.compile(r"[^\w\s.+#&'’/:-]+")
_ENDS = re.compile(r"^[^\w.]+|[^\w+#]+$")  # ".NET" and "C++" stay


def labels_of(entities: Mapping[str, Any], tags: Iterable[Any] = ()) -> list[str]:
    """Tags of rules first, then projects and technologies: short plain words, each once."""
    words = [str(tag) for tag in tags]
    words += [_normal(item) for kind in LABELLED for item in _items(entities.get(kind))]
    labels = {label.casefold(): label for label in map(_plain, reversed(words)) if label}
    return list(labels.values())[::-1][:MAX_LABELS]


def _items(found: Any) -> Sequence[Any]:
    return found if isinstance(found, list | tuple) else ()


def _normal(entity: Any) -> str:
    if isinstance(entity, Mapping):
        return str(entity.get("normal") or entity.get("surface") or "")
    return str(entity)


def _plain(word: str) -> str:
    """One line without markup; a label is a field of a tracker, and the words come from a chat."""
    line = " ".join(_NOT_PLAIN.sub(" ", clean(word)).split())
    return _ENDS.sub("", _ENDS.sub("", line)[:MAX_LABEL])
