"""Reads of what was looked at."""

from collections import defaultdict
from datetime import date, timedelta

from django.db.models import F

from apps.core.clock import now
from apps.monitoring.models import HealthResult, HealthRun

CHANGES = 30  # that are shown
WRONG = (HealthResult.State.FAILED, HealthResult.State.WARNING)


def latest(kind: str) -> HealthRun | None:
    """The newest look of a kind, with what it saw."""
    return HealthRun.objects.filter(kind=kind).order_by("-slot").prefetch_related("results").first()


def results_of(run: HealthRun | None) -> list[HealthResult]:
    """What it saw, what is wrong first."""
    place = {state: number for number, state in enumerate(WRONG)}
    found = list(run.results.all()) if run else []
    return sorted(found, key=lambda one: (place.get(HealthResult.State(one.state), len(place)), one.label.casefold()))


def changes(most: int = CHANGES) -> list[HealthResult]:
    """Where a check came to say something else than the time before, the newest first."""
    rows = HealthResult.objects.exclude(before="").exclude(state=F("before"))
    rows = rows.filter(run__kind=HealthRun.Kind.MONITOR).select_related("run")
    return list(rows.order_by("-run__slot", "pk")[:most])


def wrong_by_day(days: int) -> dict[date, dict[str, int]]:
    """How many checks failed, or had a warning and did not fail, on each of the last days that were looked at."""
    since = now() - timedelta(days=days)
    seen = HealthRun.objects.filter(kind=HealthRun.Kind.MONITOR, slot__gte=since)
    found: dict[date, dict[str, set[str]]] = {
        slot.date(): defaultdict(set) for slot in seen.order_by("slot").values_list("slot", flat=True)
    }
    rows = HealthResult.objects.filter(run__in=seen.order_by().values("pk"), state__in=WRONG)
    for slot, name, state in rows.values_list("run__slot", "check_name", "state"):
        found[slot.date()][state].add(name)
    return {
        day: {"failed": len(states["failed"]), "warning": len(states["warning"] - states["failed"])}
        for day, states in found.items()
    }
