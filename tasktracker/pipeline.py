def connect() -> None:
    """Placeholder until the verbs exist."""
