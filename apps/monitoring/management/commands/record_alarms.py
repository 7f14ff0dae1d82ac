"""The watchdog's errand: writes its alarms into the database."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.monitoring.services.outages import record


class Command(BaseCommand):
    """Reads JSON from standard input; the watchdog starts it by itself."""

    help = "Write what the watchdog saw into the list of alarms (started by the watchdog)."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            told = json.loads(sys.stdin.read() or "[]")
        except ValueError as error:
            raise CommandError("standard input is no JSON") from error
        self.stdout.write(f"recorded: {record(told)}")
