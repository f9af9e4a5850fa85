"""Trackers and exports in the admin."""

from apps.exports.admin import exports, policy, trackers  # noqa: F401 - they register
