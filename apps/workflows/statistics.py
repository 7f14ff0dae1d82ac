"""Runs in numbers, for lists, workflow pages and the dashboard.

Runs are found by a range of their ids: UUIDv7 begins with its time, so an index that is there already bounds every
query by the period, however many older runs there are.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Avg, Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import TruncDate

from apps.accounts.models import Organization
from apps.core.clock import now
from apps.core.ids import lowest_id
from apps.workflows.models import Run, Workflow

PERIOD = timedelta(days=30)


@dataclass(frozen=True)
class Figures:
    """A period's runs in numbers; durations are in seconds. Cancelled runs count in `runs` alone."""

    runs: int
    succeeded: int
    failed: int
    average_seconds: float | None

    @property
    def success_rate(self) -> float | None:
        """Share of the runs that succeeded or failed which succeeded, 0 to 1; None when there is none of these."""
        ended = self.succeeded + self.failed
        return self.succeeded / ended if ended else None

    @property
    def average(self) -> timedelta | None:
        """How long a run that succeeded took on average."""
        return None if self.average_seconds is None else timedelta(seconds=self.average_seconds)


@dataclass(frozen=True)
class Day:
    """The runs of one day in the organization's zone, by their last state."""

    day: date
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0


def runs_since(organization: Organization, since: datetime) -> QuerySet[Run]:
    """The organization's runs that were created since a moment; of its own mode (live or test)."""
    return Run.objects.for_organization(organization).filter(
        pk__gte=lowest_id(since), created_at__gte=since, livemode=organization.livemode
    )


def figures(organization: Organization, since: datetime, until: datetime, workflow: Workflow | None = None) -> Figures:
    """The figures of runs created in [since, until)."""
    runs = runs_since(organization, since).filter(created_at__lt=until)
    if workflow is not None:
        runs = runs.filter(workflow=workflow)
    totals: dict[str, Any] = runs.aggregate(
        runs=Count("pk"),
        succeeded=Count("pk", filter=Q(state=Run.State.SUCCEEDED)),
        failed=Count("pk", filter=Q(state=Run.State.FAILED)),
        average=Avg(F("finished_at") - F("started_at"), filter=Q(state=Run.State.SUCCEEDED)),
    )
    average: timedelta | None = totals.pop("average")
    return Figures(**totals, average_seconds=average.total_seconds() if average is not None else None)


def runs_per_day(organization: Organization, workflow: Workflow | None = None, days: int = 30) -> list[Day]:
    """The last days in the organization's zone, oldest first, each with its ended runs, empty days too."""
    zone = ZoneInfo(organization.timezone)
    today = now().astimezone(zone).date()
    first = today - timedelta(days=days - 1)
    since = datetime.combine(first, time.min, zone)
    runs = runs_since(organization, since).filter(state__in=Run.FINISHED)
    if workflow is not None:
        runs = runs.filter(workflow=workflow)
    found = states_per_day(runs, zone)
    return [Day(day, **found.get(day, {})) for day in (first + timedelta(days=number) for number in range(days))]


def states_per_day(runs: QuerySet[Run], zone: tzinfo) -> dict[date, dict[str, int]]:
    """How many of these runs, created on each day of the zone, are in each state; days without any are left out."""
    rows = (
        runs.annotate(day=TruncDate("created_at", tzinfo=zone))
        .values("day", "state")
        .annotate(runs=Count("pk"))
        .order_by()
    )
    found: dict[date, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row["day"], {})[row["state"]] = row["runs"]
    return found


def success_rates(organization: Organization, workflows: Iterable[Workflow]) -> dict[uuid.UUID, Figures]:
    """The last 30 days of each of these workflows, by its key, in one query; one without runs is left out."""
    rows = (
        runs_since(organization, now() - PERIOD)
        .filter(workflow__in=[workflow.pk for workflow in workflows])
        .values("workflow_id")
        .annotate(
            runs=Count("pk"),
            succeeded=Count("pk", filter=Q(state=Run.State.SUCCEEDED)),
            failed=Count("pk", filter=Q(state=Run.State.FAILED)),
        )
        .order_by()
    )
    return {row["workflow_id"]: Figures(row["runs"], row["succeeded"], row["failed"], None) for row in rows}


def latest_runs(organization: Organization, workflows: Iterable[Workflow]) -> dict[uuid.UUID, Run]:
    """The newest run of each of these workflows, by the workflow's key, in two queries that read one row for each."""
    newest = Run.objects.for_organization(organization).filter(workflow=OuterRef("pk")).order_by("-pk").values("pk")[:1]
    ids = (
        Workflow.objects.for_organization(organization)
        .filter(pk__in=[workflow.pk for workflow in workflows])
        .values_list(Subquery(newest), flat=True)
    )
    runs = Run.objects.for_organization(organization).filter(pk__in=[key for key in ids if key is not None])
    return {
        run.workflow_id: run for run in runs.only("workflow_id", "state", "created_at", "finished_at", "started_at")
    }
