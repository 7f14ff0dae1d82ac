"""All organizations' runs in numbers, for staff. Every query is bounded by a period or by an index of what is open."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.core.cache import cache
from django.db.models import QuerySet

from apps.core.clock import now
from apps.core.ids import lowest_id
from apps.workflows.models import Run
from apps.workflows.statistics import Day, states_per_day

KEPT_FOR = 30  # seconds


@dataclass(frozen=True)
class Outcomes:
    """How the runs of a period stand."""

    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    open: int = 0

    @property
    def runs(self) -> int:
        """All of them."""
        return self.succeeded + self.failed + self.cancelled + self.open

    @property
    def success_rate(self) -> float | None:
        """Share of the runs that succeeded or failed which succeeded, 0 to 1; None when there is none of these."""
        ended = self.succeeded + self.failed
        return self.succeeded / ended if ended else None


def runs_since(moment: datetime) -> QuerySet[Run]:
    """Live runs that were created since a moment, of all organizations, by a range of the primary key."""
    return Run.objects.unscoped().filter(pk__gte=lowest_id(moment), created_at__gte=moment, livemode=True)


def per_day(days: int = 14) -> list[tuple[Day, int]]:
    """The last days (UTC), oldest first: how runs ended, and how many are open still. One query."""
    today = now().astimezone(UTC).date()
    first = today - timedelta(days=days - 1)
    found = states_per_day(runs_since(datetime.combine(first, time.min, UTC)), UTC)
    answer = []
    for day in (first + timedelta(days=number) for number in range(days)):
        states = found.get(day, {})
        ended: dict[str, Any] = {state.value: states.pop(state.value, 0) for state in Run.FINISHED}
        answer.append((Day(day, **ended), sum(states.values())))
    return answer


def recent_days() -> list[tuple[Day, int]]:
    """The last two weeks as `per_day` has them, counted at most every half minute: one day may have a million runs."""
    key = f"staff:runs_per_day:{now().astimezone(UTC).date()}"
    found: list[tuple[Day, int]] | None = cache.get(key)
    if found is None:
        found = per_day(14)
        cache.set(key, found, KEPT_FOR)
    return found


def total(days: list[tuple[Day, int]]) -> Outcomes:
    """Several days in one."""
    return Outcomes(
        succeeded=sum(day.succeeded for day, _open in days),
        failed=sum(day.failed for day, _open in days),
        cancelled=sum(day.cancelled for day, _open in days),
        open=sum(still_open for _day, still_open in days),
    )


def due_runs() -> QuerySet[Run]:
    """Runs that a worker should take now; the index of claimable runs finds them."""
    return Run.objects.unscoped().filter(due_at__lte=now(), due_at__isnull=False, lease_until__isnull=True)


def expired_leases() -> QuerySet[Run]:
    """Runs whose worker is silent for too long."""
    return Run.objects.unscoped().filter(lease_until__lt=now(), lease_until__isnull=False)


def latest_failures(most: int = 10) -> list[Run]:
    """The newest failed runs of a week."""
    week = runs_since(now() - timedelta(days=7)).filter(state=Run.State.FAILED)
    rows = week.select_related("workflow", "organization").defer(
        "inputs", "output", "trigger_data", "workflow__description"
    )
    return list(rows.order_by("-pk")[:most])
