"""Which events a browser wants: query parameters of the handshake, or a `subscribe` frame."""

from typing import Annotated, Any
from urllib.parse import parse_qs

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tasktracker.realtime.events import EventType, LiveEvent

Text = Annotated[str, Field(max_length=200)]


def _listed(value: Any) -> Any:
    """`a,b` from an address, a list from a frame."""
    return [part for part in value.split(",") if part] if isinstance(value, str) else value


class Filters(BaseModel):
    """Empty means everything. Author and source match a part of the name, like the API's filters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    project: Text = ""
    author: Text = ""
    source: Text = ""
    types: Annotated[frozenset[EventType], BeforeValidator(_listed)] = frozenset()

    def wants(self, event: LiveEvent, project_slug: str) -> bool:
        if self.project and self.project != project_slug:
            return False
        if self.types and event.kind not in self.types:
            return False
        return _is_part(self.source, event.source) and _is_part(self.author, event.author)

    def as_data(self) -> dict[str, Any]:
        return {**self.model_dump(exclude={"types"}), "types": sorted(self.types)}


class Handshake(BaseModel):
    """The query parameters; others, like a cache breaker, are ignored."""

    filters: Filters
    since: Annotated[int, Field(ge=0, lt=2**62)] | None = None

    @classmethod
    def of(cls, query_string: bytes) -> "Handshake":
        """Raise ValueError for values that cannot be meant."""
        given = {
            name: values[-1] for name, values in parse_qs(query_string.decode("latin-1")).items()
        }
        since = given.get("since", given.get("lastSeq"))
        filters = {name: given[name] for name in Filters.model_fields if name in given}
        return cls.model_validate({"filters": filters, "since": since})


def _is_part(wanted: str, name: str) -> bool:
    # An event without the field, such as a hint to ask for the numbers again, is not held back.
    return not wanted or not name or wanted.casefold() in name.casefold()
