"""`manage.py up`: the whole product on one machine, with embedded services where none are given."""

import os
from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser

from tasktracker.devstack.errors import CannotStart
from tasktracker.devstack.folder import DataFolder
from tasktracker.devstack.supervisor import Supervisor

FALSE = {"0", "no", "off", "false"}


class Command(BaseCommand):
    help = "Start services and every process, load the demo, and keep all of it running."
    requires_system_checks = []  # they would ask a database that is not there yet

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port",
            type=int,
            default=os.environ.get("PORT") or 8000,
            help="of the web process (PORT, 8000)",
        )
        parser.add_argument("--no-demo", action="store_true", help="start empty (as DEMO=0 does)")
        parser.add_argument(
            "--reload", action="store_true", help="restart the processes when a source file changes"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        demo = not options["no_demo"] and os.environ.get("DEMO", "1").lower() not in FALSE
        try:
            supervisor = Supervisor(
                DataFolder.from_environment(),
                port=options["port"],
                demo=demo,
                reload=options["reload"],
            )
            supervisor.run()
        except CannotStart as error:
            raise CommandError(str(error)) from error
