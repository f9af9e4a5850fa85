"""A DATA_DIR per test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasktracker.devstack import leftovers
from tasktracker.devstack.folder import DataFolder


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[DataFolder]:
    """A fresh folder with a space in its name; nothing that a test started survives it."""
    folder = DataFolder(tmp_path / "data dir")
    yield folder
    leftovers.clean_up(folder, patience=0.1)
