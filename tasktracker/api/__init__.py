"""The HTTP API under /api/: one router, one page, one form of refusal."""

from tasktracker.api.errors import exception_handler
from tasktracker.api.pagination import Pagination

__all__ = ["Pagination", "exception_handler"]
