"""Adapters: one file per platform. To add one: the file, a line here, a line in the import contract."""

from django.utils.translation import gettext_lazy as _

from tasktracker.lib.plugins import PlugIn, load

ADAPTERS = {
    "telegram": PlugIn(_("Telegram bot"), "apps.sources.adapters.telegram.Telegram"),
    "slack": PlugIn(_("Slack app"), "apps.sources.adapters.slack.Slack"),
    "discord": PlugIn(_("Discord bot"), "apps.sources.adapters.discord.Discord"),
    "webhook": PlugIn(_("Generic webhook"), "apps.sources.adapters.webhook.Webhook"),
    "imap": PlugIn(_("E-mail (IMAP)"), "apps.sources.adapters.imap.Imap"),
    "file_import": PlugIn(_("Chat export"), "apps.sources.adapters.file_import.FileImport"),
    "api": PlugIn(_("HTTP API"), "apps.sources.adapters.api.Api"),
}


def able_to(verb: str) -> list[str]:
    """Kinds whose adapter has this method or attribute: `listen`, `send`, ..."""
    return [kind for kind in ADAPTERS if hasattr(load(ADAPTERS, kind), verb)]


def asks_first(kind: str) -> bool:
    """Whether new chats of this kind wait for the operator's yes."""
    return kind in ADAPTERS and bool(load(ADAPTERS, kind).asks_first)
