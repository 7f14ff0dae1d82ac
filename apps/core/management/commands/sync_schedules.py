"""Writes the scheduler's rows."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.core.jobs import sync_schedules


class Command(BaseCommand):
    """Part of every release; changes made by staff stay unless the declaration in the code changed."""

    help = "Write the rows of all scheduled jobs and ticks for beat."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{sync_schedules()} schedules changed")
