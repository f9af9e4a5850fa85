"""Archives that come in through a browser: kept on the disk until they are imported."""

import os
import time
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.sources.models import HistoryImport

YOUNG = 24 * 60 * 60  # seconds; a file without an import may be one that is coming in


def store_upload(upload: Any, row: HistoryImport) -> None:
    """Keep the uploaded file as that of the import, and save the import."""
    row.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if hasattr(upload, "temporary_file_path"):
        # In the same folder by FILE_UPLOAD_TEMP_DIR: a second name costs nothing, a copy a gigabyte.
        os.link(upload.temporary_file_path(), row.path)
    else:
        with row.path.open("xb") as file:
            for chunk in upload.chunks():
                file.write(chunk)
    row.size = row.path.stat().st_size
    row.save()


def remove_upload(row: HistoryImport) -> None:
    row.path.unlink(missing_ok=True)


def sweep_uploads() -> None:
    """Remove files that no import needs any more, and those of uploads that never ended."""
    in_use = HistoryImport.files_in_use()
    for path in Path(settings.UPLOAD_DIR).glob("*"):
        try:
            is_young = time.time() - path.stat().st_mtime < YOUNG
        except FileNotFoundError:
            continue
        if path.is_file() and path.name not in in_use and not is_young:
            path.unlink(missing_ok=True)
