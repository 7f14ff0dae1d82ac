"""Says what is configured, reachable, overdue or unsafe."""

import json
import textwrap
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.core.health import examine
from apps.core.kinds import HealthCheck
from apps.core.registry import registry

WIDTH = 80
STATES = {"off": "skipped"}


class Command(BaseCommand):
    """Exit code 1 when something failed; warnings pass."""

    help = "Examine this installation: settings, database, queue, worker, jobs, keys and more."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        found = []
        for check in sorted(registry(HealthCheck).all(), key=lambda check: str(check.label).casefold()):
            state, seen = examine(check)
            found.append({"name": check.name, "label": str(check.label), "state": state, "seen": seen})
        failed = sum(item["state"] == "failed" for item in found)
        if options["json"]:
            self.stdout.write(json.dumps({"state": "failed" if failed else "ok", "checks": found}, indent=2))
        else:
            self._print_table(found, failed)
        if failed:
            raise SystemExit(1)

    def _print_table(self, found: list[dict[str, str]], failed: int) -> None:
        style: dict[str, Callable[[str], str]] = {
            "ok": self.style.SUCCESS,
            "warning": self.style.WARNING,
            "failed": self.style.ERROR,
            "off": str,
        }
        wide = max(len(item["label"]) for item in found)
        for item in found:
            state = style[item["state"]](f"{STATES.get(item['state'], item['state']):<7}")
            indent = wide + 11
            seen = textwrap.wrap(item["seen"], WIDTH - indent, break_long_words=False, break_on_hyphens=False)
            told = f"\n{'':<{indent}}".join(seen)
            self.stdout.write(f"{item['label']:<{wide}}  {state}  {told}".rstrip())
        warned = sum(item["state"] == "warning" for item in found)
        self.stdout.write(f"\n{len(found)} checks, {warned} warning{'' if warned == 1 else 's'}, {failed} failed")
