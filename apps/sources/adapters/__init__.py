"""Adapters: one file or folder per platform. To add one: that, and a line here (docs/sources/adding.md)."""

from django.utils.translation import gettext_lazy as _

from tasktracker.lib.plugins import PlugIn, load

ADAPTERS = {
    "telegram": PlugIn(_("Telegram bot"), "apps.sources.adapters.telegram.adapter.Telegram"),
    "slack": PlugIn(_("Slack app"), "apps.sources.adapters.slack.adapter.Slack"),
    "discord": PlugIn(_("Discord bot"), "apps.sources.adapters.discord.adapter.Discord"),
    "webhook": PlugIn(_("Generic webhook"), "apps.sources.adapters.webhook.adapter.Webhook"),
    "imap": PlugIn(_("E-mail (IMAP)"), "apps.sources.adapters.imap.adapter.Imap"),
    "file_import": PlugIn(_("Chat export"), "apps.sources.adapters.files.adapter.FileImport"),
    "api": PlugIn(_("HTTP API"), "apps.sources.adapters.api.Api"),
}


def able_to(verb: str) -> list[str]:
    """Kinds whose adapter has this method or attribute: `listen`, `send`, ..."""
    return [kind for kind in ADAPTERS if is_able(kind, verb)]


def is_able(kind: str, verb: str) -> bool:
    """Whether there is such a kind, and its adapter has this method or attribute."""
    return kind in ADAPTERS and hasattr(load(ADAPTERS, kind), verb)


def asks_first(kind: str) -> bool:
    """Whether new chats of this kind wait for the operator's yes."""
    return kind in ADAPTERS and bool(load(ADAPTERS, kind).asks_first)
