"""What the benchmark of the roll-up asks the driver process to do: make events, sum up, look at the sums."""

import time
from typing import Any

from django.db import connection

from apps.accounts import selectors
from apps.accounts.models import Organization
from apps.usage.models import UsageEvent, UsageHour, UsageHourToSum
from apps.usage.services.summing import sum_up

ORGANIZATIONS, HOURS, CATEGORIES = 200, 168, 3

_FILL = f"""
INSERT INTO {UsageEvent._meta.db_table}
  (organization_id, meter, category, user_id, key_id, value, at, hour, source, source_id, corrects, request_id)
SELECT owner.id, 'api_calls', (ARRAY['runs', 'workflows', 'ping'])[1 + number %% {CATEGORIES}], owner.id, owner.id, 1,
  moment, date_trunc('hour', moment, 'UTC'), 'bench', number::text, '', md5(number::text)
FROM (SELECT number, timestamptz '2026-03-01 00:00Z' + number * interval '{HOURS} hours' / %s AS moment
      FROM generate_series(0, %s) number) event
JOIN (
  SELECT id, row_number() OVER (ORDER BY id) - 1 AS position FROM accounts_organization WHERE slug LIKE 'metered-%%'
) owner ON owner.position = (event.number::bigint * 7919) %% {ORGANIZATIONS}
"""
_NOTE = f"""
INSERT INTO {UsageHourToSum._meta.db_table} (organization_id, hour, noted)
SELECT DISTINCT organization_id, hour, 1 FROM {UsageEvent._meta.db_table} WHERE source = 'bench'
"""
_BARE = f"""
SELECT count(*), sum(total), sum(events), max(highest) FROM (
  SELECT organization_id, hour, meter, category, user_id, key_id,
    sum(value) AS total, count(*) AS events, max(value) AS highest
  FROM {UsageEvent._meta.db_table} WHERE source = 'bench' GROUP BY 1, 2, 3, 4, 5, 6) summed
"""
_SUMS = f"""
SELECT count(*), sum(total), sum(events), md5(string_agg(sums.line, ',' ORDER BY sums.line)) FROM (
  SELECT concat_ws(' ', organization_id, hour, meter, category, user_id, key_id, total, events, highest) AS line, *
  FROM {UsageHour._meta.db_table}) sums
"""


def fill(events: int) -> int:
    """So many events of a week, spread over organizations. Returns how many there are."""
    realm = selectors.default_realm()
    names = [f"metered-{number}" for number in range(ORGANIZATIONS)]
    Organization.objects.bulk_create(Organization(realm=realm, name=name, slug=name) for name in names)
    with connection.cursor() as cursor:
        cursor.execute(_FILL, [events, events - 1])
        filled: int = cursor.rowcount
        cursor.execute("ANALYZE")
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM {UsageEvent._meta.db_table}")  # as the server does by itself a while after so many rows
    return filled


def aggregate() -> dict[str, Any]:
    """The bare query: what has to be read and grouped in any case."""
    began = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(_BARE)
        groups, total, _events, _highest = cursor.fetchone()
    return {"seconds": time.perf_counter() - began, "groups": groups, "total": int(total)}


def roll_up() -> dict[str, Any]:
    """Note every hour and sum up. Only the latter is timed."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTE)
    began = time.perf_counter()
    hours = sum_up()
    return {"seconds": time.perf_counter() - began, "hours": hours}


def sums() -> list[Any]:
    """Number of rows, their total, the events in them, and a digest of all."""
    with connection.cursor() as cursor:
        cursor.execute(_SUMS)
        rows, total, events, digest = cursor.fetchone()
    return [rows, int(total), int(events), digest]
