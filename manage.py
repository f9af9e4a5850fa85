#!/usr/bin/env python
"""Task Tracker's command line."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tasktracker.settings.dev")
    from tasktracker.devstack.borrow import services_for
    from tasktracker.devstack.errors import CannotStart

    try:
        # Before Django reads its settings: they take the services' addresses from the environment.
        with services_for(sys.argv[1:]):
            from django.core.management import execute_from_command_line

            execute_from_command_line(sys.argv)
    except CannotStart as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
