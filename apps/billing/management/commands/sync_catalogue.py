"""`manage.py sync_catalogue`: push what is sold to Stripe. Said again it changes nothing."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.billing.services.catalogue_sync import sync_catalogue


class Command(BaseCommand):
    """Exit code 1 where a price would have to be edited, or Stripe does not answer."""

    help = "Create what the catalogue has and Stripe has not, archive what is no longer sold. Amounts are never edited."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print each change."""
        report = sync_catalogue()
        for line in report.changes:
            self.stdout.write(line)
        self.stdout.write(f"{len(report.changes)} changes, {report.same} as they were.")
