"""Carries an embedded installation to PostgreSQL."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from apps.core import heartbeat
from apps.core.moving import SOURCE, MoveRefusedError, left_behind, move, target_connection
from apps.core.running import RunningLock


class Command(BaseCommand):
    """All or nothing: when it ends with an error, it can simply be run again."""

    help = "Copy everything to an empty database, verify it, and say how to switch. Stop Levqor first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", required=True, metavar="URL", help="postgresql://user:password@host:5432/name")

    def handle(self, *args: Any, **options: Any) -> None:
        with RunningLock(settings.VAR_DIR):
            if heartbeat.is_fresh():
                raise MoveRefusedError("A worker was alive within the last minute: stop all processes, wait a minute.")
            with target_connection(options["to"]) as target:
                moved = move(target, self._tell)
        rows = sum(item.rows for item in moved)
        self.stdout.write(f"{len(moved)} tables, {rows} rows: every row was read back and compared.")
        for table in left_behind(connections[SOURCE]):
            self.stdout.write(self.style.WARNING(f"{table} belongs to no model and was left behind"))
        self.stdout.write("Now set DATABASE_URL to the new database and start. The old one is as it was.")

    def _tell(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
