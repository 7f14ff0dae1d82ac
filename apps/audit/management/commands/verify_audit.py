"""`manage.py verify_audit`: recompute the audit chains."""

import argparse
import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.audit.models import chain_name
from apps.audit.selectors import chain_names
from apps.audit.services import verify_named_chain


class Command(BaseCommand):
    """Prints a line per chain; ends with exit code 1 when one is broken."""

    help = "Recompute the audit chains and name the first entry that is not as it was written."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--organization", type=uuid.UUID, help="UUID: verify only this organization's chain")

    def handle(self, *args: Any, **options: Any) -> None:
        names = [chain_name(options["organization"])] if options["organization"] else chain_names()
        broken = 0
        for name in names:
            report = verify_named_chain(name)
            if report.ok:
                self.stdout.write(f"ok      {name}: {report.entries} entries, {report.erased} with erased members")
            else:
                broken += 1
                where = f"entry {report.broken_at} {report.broken_entry}".strip()
                self.stdout.write(f"BROKEN  {name}: {where}: {report.reason}")
        if broken:
            raise CommandError(f"{broken} of {len(names)} chains are broken.", returncode=1)
        self.stdout.write(f"{len(names)} chains hold.")
