"""`manage.py prepare_local`: tables, fingerprints, static files and the operator account of a laptop."""

import hashlib
import os
from collections import deque
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import BaseCommand, call_command
from django.utils.translation import gettext as _

from apps.messages.fingerprints import refresh_all
from tasktracker.devstack.folder import DataFolder

OPERATOR = "operator"


class Command(BaseCommand):
    help = "Migrate, collect static files and make the local operator account; for `manage.py up`."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        deque(refresh_all(), maxlen=0)  # nothing to do unless an update changed the normal form
        collect_changed_static_files()
        self.make_operator()

    def make_operator(self) -> None:
        users = get_user_model()._default_manager
        if users.filter(username=OPERATOR).exists():
            return
        folder = DataFolder(Path(settings.DATA_DIR))
        password = folder.secret("operator_password")
        get_user_model().objects.create_superuser(OPERATOR, password=password)
        self.stdout.write(
            _("Operator account made. Name: %(name)s  password: %(password)s  (kept in %(path)s)")
            % {
                "name": OPERATOR,
                "password": password,
                "path": os.path.relpath(folder.secret_file("operator_password")),
            }
        )


def collect_changed_static_files() -> None:
    """Collecting and compressing takes seconds, so it happens only when a file is another one."""
    stamp = Path(settings.DATA_DIR) / "static.stamp"
    fingerprint = static_fingerprint()
    if Path(settings.STATIC_ROOT).is_dir() and stamp.exists() and stamp.read_text() == fingerprint:
        return
    stamp.unlink(missing_ok=True)
    call_command("collectstatic", interactive=False, clear=True, verbosity=0)
    stamp.write_text(fingerprint)


def static_fingerprint() -> str:
    """Changes with every static file's place, size and time."""
    parts = [django.__version__, str(settings.STATIC_ROOT)]
    for finder in get_finders():
        for path, storage in finder.list([]):
            status = Path(storage.path(path)).stat()
            parts.append(f"{storage.path(path)} {status.st_size} {status.st_mtime_ns}")
    return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()
