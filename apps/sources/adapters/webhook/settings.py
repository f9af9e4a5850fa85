"""The settings of a generic webhook: the proof of its sender, and a path for each field of a message."""

import re
from typing import Annotated, Literal

from django.utils.translation import gettext, gettext_noop
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from apps.sources.adapters.mapping.paths import ListPath, Paths, refusal, stripped

#: Where the proof is when nobody says where.
PLACES = {"signature": "X-Signature", "bearer": "Authorization", "body": "token"}
SHORTEST_SECRET = 8  # characters


def _secret(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < SHORTEST_SECRET:
        text = gettext("A secret has at least %(n)d characters.")
        raise refusal(text % {"n": SHORTEST_SECRET})
    return secret


def _place(place: str) -> str:
    if not re.fullmatch(r"[\w-]{0,100}", place, re.ASCII):
        raise refusal(gettext("Only Latin letters, digits, - and _ are in a name like this."))
    return place


class _Proof(BaseModel):
    """Who may post, and where in the body its messages are."""

    model_config = ConfigDict(extra="forbid")

    protection: Literal["signature", "bearer", "body"] = Field(
        "signature",
        title=gettext_noop("Proof of the sender"),
        description=gettext_noop(
            "signature: HMAC-SHA256 of the raw body, in hex or base64, in a header. bearer: the secret itself in"
            " a header. body: the secret itself in a field of the body."
        ),
    )
    secret: Annotated[SecretStr, AfterValidator(_secret)] = Field(
        title=gettext_noop("Secret"),
        description=gettext_noop("The same as at the sender. 8 characters or more."),
    )
    place: Annotated[str, BeforeValidator(stripped), AfterValidator(_place)] = Field(
        "",
        title=gettext_noop("Header or field of the proof"),
        description=gettext_noop(
            "Empty: X-Signature for signature, Authorization for bearer, token for body."
        ),
    )
    messages: ListPath = Field(
        "",
        title=gettext_noop("Messages"),
        description=gettext_noop(
            "Path of the list, when one body has several messages: items[*]. Empty: the body is one"
            " message. All other paths start at the message, or with $ at the body: $.channel."
        ),
    )


class Settings(Paths, _Proof):
    """Who may post, and where in the body a message's values are."""

    model_config = ConfigDict(extra="forbid")
