"""Trackers: one file or folder per vendor. To add one: that, and a line here (docs/trackers.md)."""

from django.utils.translation import gettext_lazy as _

from tasktracker.lib.plugins import PlugIn

TRACKERS = {
    "linear": PlugIn(_("Linear"), "apps.exports.trackers.linear.tracker.Linear"),
    "json": PlugIn(_("JSON files"), "apps.exports.trackers.json_file.JsonFile"),
}
