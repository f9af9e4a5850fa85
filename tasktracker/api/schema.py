"""What the OpenAPI document says beyond the views: one form of address, one form of refusal."""

from collections.abc import Iterable
from typing import Any

REFUSAL = {
    "type": "object",
    "description": "Why a request was refused.",
    "properties": {
        "detail": {"type": "string", "description": "A sentence in the language of the request."},
        "code": {"type": "string", "description": "A word for programs."},
        "errors": {
            "type": "object",
            "description": "With code `invalid`: the sentences per field.",
            "additionalProperties": True,
        },
    },
    "required": ["detail", "code"],
}


def without_slash(endpoints: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Addresses work with and without a trailing slash; the document shows them without."""
    return [(path.rstrip("/") or "/", *rest) for path, *rest in endpoints]


def describe_refusals(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Every operation may answer with a refusal in the one form."""
    result.setdefault("components", {}).setdefault("schemas", {})["Refusal"] = REFUSAL
    answer = {
        "description": "Refused, or failed.",
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Refusal"}}},
    }
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"].setdefault("default", answer)
    return result
