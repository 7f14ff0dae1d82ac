"""Runs a scheduled job now."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.jobs import run_now
from apps.core.kinds import ScheduledJob
from apps.core.models import JobRun
from apps.core.registry import registry


class Command(BaseCommand):
    """Exit code 1 when the job failed."""

    help = "Run one scheduled job at once and print its result; without a name, list the jobs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help="name of the job")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["name"]:
            for job in registry(ScheduledJob).all():
                self.stdout.write(f"{job.name:<32} {job.crontab:<16} {job.tz:<16} {job.label}")
            return
        run = run_now(options["name"])
        if run.state != JobRun.State.SUCCEEDED:
            raise CommandError(f"{run.job} failed: {run.outcome}")
        self.stdout.write(f"{run.job}: {run.outcome}")
