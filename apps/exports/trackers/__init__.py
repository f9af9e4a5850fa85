"""Trackers: one file per vendor. To add one: the file, a line here, a line in the import contract."""

from django.utils.translation import gettext_lazy as _

from tasktracker.lib.plugins import PlugIn

TRACKERS = {
    "json": PlugIn(_("JSON files"), "apps.exports.trackers.json_file.JsonFile"),
}
