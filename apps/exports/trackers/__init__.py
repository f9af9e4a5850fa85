"""Trackers: one file or folder per vendor. To add one: that, and a line here (docs/trackers.md)."""

from django.utils.translation import gettext_lazy as _

from tasktracker.lib.plugins import PlugIn, load

TRACKERS = {
    "linear": PlugIn(_("Linear"), "apps.exports.trackers.linear.tracker.Linear"),
    "redmine": PlugIn(_("Redmine"), "apps.exports.trackers.redmine.tracker.Redmine"),
    "json": PlugIn(_("JSON files"), "apps.exports.trackers.json_file.JsonFile"),
}


def able_to(verb: str) -> set[str]:
    """Kinds whose tracker has this method: `note`, `relate`, ..."""
    return {kind for kind in TRACKERS if hasattr(load(TRACKERS, kind), verb)}
