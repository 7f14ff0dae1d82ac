"""What the benchmark of the roll-up asks the driver process to do: make events, sum up, look at the sums."""

import time
from functools import cache
from typing import Any

from django.db import connection
from django.test import Client

from apps.accounts import selectors
from apps.accounts.models import Organization
from apps.core.staff.display import list_url
from apps.core.static_files import collect
from apps.usage.admin.metering import OF_ORGANIZATION
from apps.usage.models import UsageEvent, UsageHour, UsageHourToSum
from apps.usage.services.summing import sum_up
from tests.common.roles import client_of, make_user

ORGANIZATIONS, HOURS, CATEGORIES = 200, 168, 3
ONE_OF = 40  # events are of the organization that staff look at: more than a page, whenever they look

_FILL = f"""
INSERT INTO {UsageEvent._meta.db_table}
  (organization_id, meter, category, user_id, key_id, value, at, hour, source, source_id, corrects, request_id)
SELECT owner.id, 'api_calls', (ARRAY['runs', 'workflows', 'ping'])[1 + number %% {CATEGORIES}], PERSON, owner.id, 1,
  moment, date_trunc('hour', moment, 'UTC'), 'bench', number::text, '', md5(number::text)
FROM (SELECT number, timestamptz '2026-03-01 00:00Z' + number * interval '{HOURS} hours' / %s AS moment
      FROM generate_series(%s, %s) number) event
JOIN (
  SELECT id, row_number() OVER (ORDER BY id) - 1 AS position FROM accounts_organization WHERE slug LIKE 'metered-%%'
) owner ON owner.position =
  CASE WHEN event.number %% {ONE_OF} = 0 THEN 7 ELSE (event.number::bigint * 7919) %% {ORGANIZATIONS} END
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


def fill(first: int, events: int, of: int, person: str = "owner.id") -> int:
    """Of so many events of a week, spread over organizations, those from the first on. Returns how many are there."""
    realm = selectors.default_realm()
    names = [f"metered-{number}" for number in range(ORGANIZATIONS)]
    Organization.objects.bulk_create(
        [Organization(realm=realm, name=name, slug=name) for name in names], ignore_conflicts=True
    )
    with connection.cursor() as cursor:
        cursor.execute(_FILL.replace("PERSON", person), [of, first, first + events - 1])
        cursor.execute("ANALYZE")
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM {UsageEvent._meta.db_table}")  # as the server does by itself a while after so many rows
    return UsageEvent.objects.unscoped().filter(source="bench").count()


def forget() -> None:
    """As if nobody had called yet: what another benchmark made is gone."""
    tables = ", ".join(model._meta.db_table for model in (UsageEvent, UsageHour, UsageHourToSum))
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {tables} RESTART IDENTITY")


def staff_pages() -> list[str]:
    """What staff look at: the newest, those of an organization, and what they search for."""
    collect()  # pages name the files that it writes
    one = Organization.objects.get(slug="metered-7").pk
    event = UsageEvent.objects.unscoped().filter(organization_id=one).order_by("pk").first()
    assert event is not None
    return [
        list_url(UsageEvent, period="any"),
        list_url(UsageEvent, period="any", **{OF_ORGANIZATION: one}),
        list_url(UsageEvent, period="any", q=event.request_id),
        list_url(UsageEvent, q="metered-7"),
        list_url(UsageHour, period="any", **{OF_ORGANIZATION: one}),
    ]


def forget_sums() -> int:
    """As if nothing had been summed up. Returns how many sums there were."""
    return UsageHour.objects.unscoped().delete()[0]


def staff_seconds(address: str, times: int) -> float:
    """How long the page takes, so many times."""
    client = _staff()
    assert client.get(address).status_code in (200, 302)
    began = time.perf_counter()
    for _number in range(times):
        client.get(address)
    return time.perf_counter() - began


@cache
def _staff() -> Client:
    return client_of(make_user("Bench staff", is_staff=True, is_superuser=True))


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
