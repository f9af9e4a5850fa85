"""What can be said of a generic webhook before anything was posted."""

from django.utils.translation import gettext as _

from apps.sources.adapters.base import Finding
from apps.sources.adapters.webhook.settings import PLACES, Settings


def check(config: Settings, source_id: int) -> list[Finding]:
    """See `base.Checker`."""
    address = f"/webhook/{source_id}"
    return [
        Finding(_("The sender posts to %(address)s of this server.") % {"address": address}),
        Finding(_proof(config)),
        *_gaps(config),
    ]


def _proof(config: Settings) -> str:
    place = config.place or PLACES[config.protection]
    if config.protection == "signature":
        text = _("The secret is set. The sender signs the body in the header %(place)s.")
    elif config.protection == "bearer":
        text = _("The secret is set. The sender brings it in the header %(place)s.")
    else:
        text = _("The secret is set. The sender brings it in the field %(place)s of the body.")
    return text % {"place": place}


def _gaps(config: Settings) -> list[Finding]:
    found = []
    if not config.message:
        found.append(
            Finding(
                _("Messages have no id of their own."),
                _(
                    "Give the path of the message id: without it, two people who post equal bodies are one"
                    " message, and answers find nothing."
                ),
            )
        )
    if not (config.author or config.author_name):
        found.append(
            Finding(
                _("Messages have no author."),
                _("Give the path of the author's id or name, unless the sender is a program."),
            )
        )
    return found or [Finding(_("Text, id and author have paths."))]
