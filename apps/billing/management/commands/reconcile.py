"""`manage.py reconcile`: compare our books with Stripe's, and say every difference."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.billing.services.reconciliation import SPAN, reconcile


class Command(BaseCommand):
    """Exit code 0 where all agrees, 1 otherwise."""

    help = "Compare rows, ledger and usage of the last days with one another and with Stripe, and say every difference."

    def add_arguments(self, parser: CommandParser) -> None:
        """How far to look back."""
        parser.add_argument("--days", type=int, default=SPAN.days, choices=range(1, 31), metavar="1-30")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print what was compared, and what did not agree."""
        report = reconcile(timedelta(days=options["days"]))
        self.stdout.write(f"From {report.begin:%Y-%m-%d %H:%M} to {report.end:%Y-%m-%d %H:%M} UTC ({report.public_id})")
        for kind, count in sorted(report.compared.items()):
            self.stdout.write(f"  {count:6d} × {kind}")
        for line in report.lines.iterator(chunk_size=1_000):
            self.stdout.write(f"DIFFERENCE {line.kind} {line.subject}: here {line.ours}, should be {line.theirs}")
        self.stdout.write(f"{report.differences} differences.")
        if report.differences:
            raise SystemExit(1)
