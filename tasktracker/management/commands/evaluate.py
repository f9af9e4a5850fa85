"""Figures for people, and with --json one JSON object on the last line."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from tasktracker.lib import llm
from tasktracker.management.evaluation.figures import flatten
from tasktracker.management.evaluation.reading import BadFile

IN_THE_DATABASE = {"duplicates", "chat"}


class Command(BaseCommand):
    help = "Measure classification, duplicate detection or the whole path on labelled data."

    def add_arguments(self, parser: CommandParser) -> None:
        kinds = parser.add_subparsers(dest="what", required=True)
        messages = kinds.add_parser("messages", help="lines {text, category, priority, entities?}")
        messages.add_argument("file", type=Path)
        messages.add_argument("--classifier", choices=["local", "cascade", "llm"], default="local")
        duplicates = kinds.add_parser("duplicates", help="lines {group_id, kind, lang, text}")
        duplicates.add_argument("file", type=Path)
        chat = kinds.add_parser("chat", help="a Telegram export and its key")
        chat.add_argument("file", type=Path)
        chat.add_argument("key", type=Path)
        chatter = kinds.add_parser("chatter", help="lines {text} of people who report nothing")
        chatter.add_argument("file", type=Path)
        chatter.add_argument("--as-chat", action="store_true", help="each line sees those before")
        chatter.add_argument("--limit", type=int, default=500, help="read so many lines")
        for kind in (messages, duplicates, chat, chatter):
            kind.add_argument(
                "--json", action="store_true", help="one JSON object on the last line"
            )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["what"] in IN_THE_DATABASE and is_behind():
            raise CommandError("the database is older than the code: run `manage.py migrate` first")
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task(f"evaluate {options['what']}", total=None)

            def advance(done: int, total: int) -> None:
                progress.update(task, completed=done, total=total)

            try:
                found = self._evaluate(options, advance)
            except (BadFile, llm.Unavailable) as error:
                raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(found, ensure_ascii=False))
        else:
            self._show(found)

    def _evaluate(
        self, options: dict[str, Any], advance: Callable[[int, int], None]
    ) -> dict[str, Any]:
        # Each needs a good part of the product; load only what is asked for.
        if options["what"] == "messages":
            from tasktracker.management.evaluation.messages import evaluate_messages

            return evaluate_messages(options["file"], options["classifier"], advance)
        if options["what"] == "duplicates":
            from tasktracker.management.evaluation.duplicates import evaluate_duplicates

            return evaluate_duplicates(options["file"], advance)
        if options["what"] == "chatter":
            from tasktracker.management.evaluation.chatter import evaluate_chatter

            return evaluate_chatter(
                options["file"], options["limit"], advance, is_chat=options["as_chat"]
            )
        from tasktracker.management.evaluation.chat import evaluate_chat

        return evaluate_chat(options["file"], options["key"], advance)

    def _show(self, found: dict[str, Any]) -> None:
        table = Table(show_header=False)
        for name, value in flatten(found):
            table.add_row(name, "-" if value is None else str(value))
        console = Console(width=100, record=True, file=io.StringIO())
        console.print(table)
        self.stdout.write(console.export_text())


def is_behind() -> bool:
    """Whether the code has migrations that the database has not seen."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
