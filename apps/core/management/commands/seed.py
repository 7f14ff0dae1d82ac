"""Loads demo data."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.core import seeds


class Command(BaseCommand):
    """Running it again changes nothing that is still there, and brings back what was deleted."""

    help = "Load the demo data of every app. Refuses unless DEMO is true."

    def handle(self, *args: Any, **options: Any) -> None:
        for name, outcome in seeds.load():
            self.stdout.write(f"{name}: {outcome}")
