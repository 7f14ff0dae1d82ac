"""What was looked at as tables at Notion: the verifier's nights, and the log of how the system is."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from apps.core.kinds import NotionDatabase, NotionProperty, NotionRow
from apps.monitoring.models import HealthResult, HealthRun

PASSED, FAILED = "Passed", "Failed"
STATES = HealthResult.State
LOGGED = {
    "jobs_done": "Jobs Done",
    "jobs_failed": "Jobs Failed",
    "alerts_opened": "Alerts Opened",
    "deliveries_due": "Deliveries Due",
    "deliveries_dead": "Dead Deliveries",
    "runs": "Runs",
    "runs_failed": "Runs Failed",
    "api_calls": "API Calls",
}
QUEUE, QUEUE_GAUGE = "Queue Depth", "levqor_queue_depth"
MOST = 2000  # characters


def rows(kind: str) -> Iterator[NotionRow]:
    """A row a night. Details were scrubbed of secrets when they were kept."""
    runs = HealthRun.objects.filter(kind=kind).order_by("slot").prefetch_related("results")
    for run in runs.iterator(chunk_size=200):
        results = list(run.results.all())
        told = [f"{one.label}: {one.state}. {one.detail}".rstrip() for one in results]
        values: dict[str, Any] = {
            "Name": f"{run.slot:%Y-%m-%d}",
            "Date": run.slot.date(),
            "Status": PASSED if run.ok else FAILED,
            "Checks Passed": sum(one.state == STATES.OK for one in results),
            "Warnings": sum(one.state == STATES.WARNING for one in results),
            "Checks Failed": sum(one.state == STATES.FAILED for one in results),
            "Skipped": sum(one.state == STATES.OFF for one in results),
            "Details": "\n".join(told)[:MOST],
        }
        if kind == HealthRun.Kind.LOG:
            values |= {name: run.figures.get(key) for key, name in LOGGED.items()}
            values[QUEUE] = run.figures.get("gauges", {}).get(QUEUE_GAUGE)
        yield NotionRow(run.public_id, values)


COLUMNS = (
    NotionProperty("Name", "title"),
    NotionProperty("Date", "date"),
    NotionProperty("Status", "select", options=(PASSED, FAILED)),
    *(NotionProperty(name, "number") for name in ("Checks Passed", "Warnings", "Checks Failed", "Skipped")),
    NotionProperty("Details", "rich_text"),
)
HEALTH = NotionDatabase("health", "Health", COLUMNS, partial(rows, HealthRun.Kind.VERIFIER))
LOG = NotionDatabase(
    "system_health_log",
    "System Health Log",
    (*COLUMNS, *(NotionProperty(name, "number") for name in (*LOGGED.values(), QUEUE))),
    partial(rows, HealthRun.Kind.LOG),
)
