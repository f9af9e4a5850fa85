"""The one exception of the embedded stack."""


class CannotStart(Exception):
    """A sentence for the person at the terminal: what is wrong and what to do about it."""
