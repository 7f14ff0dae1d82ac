"""What each deploy runs once, before its processes start."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.core.preparation import Preparation


class Command(BaseCommand):
    """In one process, so that the project is loaded once."""

    help = "Migrate, write the schedules and collect static files. A second time it changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        Preparation(self.stdout).run(demo=False)
