"""Trackers and exports in the admin."""

from apps.exports.admin import exports, trackers  # noqa: F401 - they register
