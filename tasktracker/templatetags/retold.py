"""What a worker wrote down, in the reader's language."""

from django import template

from tasktracker.lib.retell import retell

register = template.Library()
register.filter("retold", retell)
