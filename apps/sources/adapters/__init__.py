"""Adapters: one file per platform. To add one: the file, a line here, a line in the import contract."""

from django.utils.translation import gettext_lazy as _

from tasktracker.lib.plugins import PlugIn

ADAPTERS = {
    "telegram": PlugIn(_("Telegram bot"), "apps.sources.adapters.telegram.Telegram"),
    "file_import": PlugIn(_("Chat export"), "apps.sources.adapters.file_import.FileImport"),
    "api": PlugIn(_("HTTP API"), "apps.sources.adapters.api.Api"),
}
