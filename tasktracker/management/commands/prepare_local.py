"""`manage.py prepare_local`: tables, static files and the operator account of a laptop."""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import BaseCommand, call_command
from django.utils.translation import gettext as _

from tasktracker.devstack.folder import DataFolder

OPERATOR = "operator"


class Command(BaseCommand):
    help = "Migrate, collect static files and make the local operator account; for `manage.py up`."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
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
