"""For pages that stay fresh: from where on their connection has to tell what happens."""

from django import template

from tasktracker.realtime.replay import newest_seq

register = template.Library()
register.simple_tag(newest_seq, name="live_seq")
