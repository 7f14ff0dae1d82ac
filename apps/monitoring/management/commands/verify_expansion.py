"""`manage.py verify_expansion`: what the nightly verifier looks at, now."""

from typing import Any

from django.core.management.base import BaseCommand

from apps.core.clock import now
from apps.monitoring.models import HealthResult
from apps.monitoring.services.verifying import verify


class Command(BaseCommand):
    """Exit code 0 where nothing failed, 1 otherwise. What is not set up is skipped, and said."""

    help = "Verify Notion, Stripe and the cost of the last day; exit code 1 when something failed."

    def handle(self, *args: Any, **options: Any) -> None:
        """A line for each check."""
        run = verify(now())
        style = {"ok": self.style.SUCCESS, "warning": self.style.WARNING, "failed": self.style.ERROR}
        results = list(run.results.all())
        wide = max(len(one.label) for one in results)
        words = {HealthResult.State.OFF: "skipped"}
        for one in results:
            state = style.get(one.state, str)(f"{words.get(HealthResult.State(one.state), one.state):<7}")
            self.stdout.write(f"{one.label:<{wide}}  {state}  {one.detail}".rstrip())
        self.stdout.write(f"\n{run.summary}")
        if not run.ok:
            raise SystemExit(1)
