"""What the benchmark of the weekly pulse asks the driver process to do: a week of calls and runs, and to count it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from apps.accounts.models import Organization
from apps.monitoring.intervals import Span
from apps.monitoring.models import PulseReport
from apps.monitoring.services import pulse
from apps.usage.models import UsageEvent, UsageHour, UsageHourToSum
from apps.usage.services.summing import sum_up
from apps.workflows.models import Run
from apps.workflows.services.publishing import create_workflow
from tests.benchmarks import metering
from tests.common.roles import actor_of, make_organization, make_user

START = datetime(2026, 3, 1, tzinfo=UTC)  # that of the events
SPAN = Span(START, START + timedelta(days=7))
SOURCE = "name: Tried\nsteps: [{id: a, type: transform, with: {expression: inputs}}]\n"

# Twenty people call for each organization; an hour of each is summed up by person.
PERSON = "md5(owner.id::text || (event.number %% 20)::text)::uuid"
_RUNS = f"""
INSERT INTO {Run._meta.db_table} (id, organization_id, workflow_id, version_id, trigger_kind, trigger_data, inputs,
  livemode, state, revision, priority, concurrency_key, claims, depth, created_at, started_at, finished_at)
SELECT (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0')
    || '7' || substr(md5(number::text), 1, 3) || '8' || substr(md5(number::text), 4, 15))::uuid,
  %s, %s, %s, 'api', '{{}}', '{{}}', number %% 50 > 0,
  (ARRAY['succeeded', 'succeeded', 'succeeded', 'failed'])[1 + number %% 4], 1, 5, '', 1, 0, moment, moment, moment
FROM (SELECT number, timestamptz '2026-03-01 00:00Z' + number * interval '168 hours' / %s AS moment
      FROM generate_series(0, %s - 1) number) run
"""
_LIVE = "JOIN accounts_organization owner ON owner.id = organization_id AND owner.livemode"
_CALLS = f"FROM {UsageEvent._meta.db_table} {_LIVE} WHERE meter = 'api_calls' AND hour >= %s AND hour < %s"
_SUMMED = f"FROM {UsageHour._meta.db_table} {_LIVE} WHERE meter = 'api_calls' AND hour >= %s AND hour < %s"
_OF_RUNS = f"FROM {Run._meta.db_table} WHERE livemode AND created_at >= %s AND created_at < %s"
# The figures that large tables are read for, each as one writes it by hand.
BARE = {
    "api_calls": f"SELECT sum(value) {_CALLS}",
    "active_developers": f"SELECT count(DISTINCT user_id) {_CALLS}",
    "runs": f"SELECT count(*) {_OF_RUNS}",
    "runs_failed": f"SELECT count(*) {_OF_RUNS} AND state = 'failed'",
    "success_rate": f"SELECT count(*) FILTER (WHERE state = 'succeeded') * 100.0"
    f" / count(*) FILTER (WHERE state IN ('succeeded', 'failed')) {_OF_RUNS}",
}
BARE_OF_SUMS = {
    **BARE,
    "api_calls": f"SELECT sum(total) {_SUMMED}",
    "active_developers": f"SELECT count(DISTINCT user_id) {_SUMMED}",
}


def prepare(events: int, runs: int) -> dict[str, int]:
    """So many of each in a week; all hours but the last are summed up. Returns how many there are."""
    metering.forget()
    with _without_indexes(UsageEvent):
        metering.fill(0, events, events, PERSON)
    people = make_user("Bench")
    organization = make_organization(people, "Pulse")
    workflow = create_workflow(organization, SOURCE, actor_of(people, organization)).workflow
    with connection.cursor() as cursor:
        cursor.execute(_RUNS, [organization.pk, workflow.pk, workflow.latest_version_id, runs, runs])
        cursor.execute(metering._NOTE)
    sum_up()
    UsageHourToSum.objects.bulk_create(
        UsageHourToSum(organization=one, hour=SPAN.end - timedelta(hours=1))
        for one in Organization.objects.filter(slug__startswith="metered-")
    )
    with connection.cursor() as cursor:
        for table in (UsageEvent, UsageHour, Run):  # as the server does by itself a while after so many rows
            cursor.execute(f"VACUUM ANALYZE {table._meta.db_table}")
        cursor.execute("ANALYZE")
    return {
        "events": UsageEvent.objects.unscoped().count(),
        "hours": UsageHour.objects.unscoped().count(),
        "runs": Run.objects.unscoped().count(),
    }


@contextmanager
def _without_indexes(model: Any) -> Iterator[None]:
    """Fill a table without its plain indexes, and make them at once afterwards: that takes a third of the time."""
    wanted = "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = %s AND indexdef NOT LIKE 'CREATE UNIQUE%%'"
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off; SET maintenance_work_mem = '512MB'")
        cursor.execute(wanted, [model._meta.db_table])
        indexes = cursor.fetchall()
        for name, _made in indexes:
            cursor.execute(f"DROP INDEX {name}")
        yield
        for _name, made in indexes:
            cursor.execute(made)


def take_pulse() -> dict[str, Any]:
    """The whole pulse, kept as rows; how long it took, and what the bare statements ask for too."""
    PulseReport.objects.all().delete()
    began = time.perf_counter()
    report, failed = pulse.collect(SPAN)
    took = time.perf_counter() - began
    assert not failed, failed
    found = dict(report.values.filter(metric__in=list(BARE)).values_list("metric", "value"))
    return {"seconds": took, "figures": {name: float(value) for name, value in found.items()}}


def ask_bare(of_sums: bool = False) -> dict[str, Any]:
    """The bare statements one after the other; how long all of them took, and what they say."""
    statements = BARE_OF_SUMS if of_sums else BARE
    began, figures = time.perf_counter(), {}
    with connection.cursor() as cursor:
        for name, statement in statements.items():
            cursor.execute(statement, [SPAN.start, SPAN.end])
            figures[name] = float(cursor.fetchone()[0])
    return {"seconds": time.perf_counter() - began, "figures": figures}
