"""Raw events summed up by hour: made anew from the events, so that doing it twice gives the same rows."""

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from apps.core.clock import now
from apps.usage.models import UsageEvent, UsageHour, UsageHourToSum
from apps.usage.periods import hour_of

HOURS_AT_A_TIME = 100_000  # late events of these wait until they are summed up
LOOKED_OVER = timedelta(days=2)

_TAKE = """
WITH due AS MATERIALIZED (SELECT id FROM {hours} WHERE NOT taken AND hour < %s ORDER BY hour LIMIT %s {lock})
UPDATE {hours} SET taken = %s FROM due WHERE {hours}.id = due.id
"""
_SUMS = """
SELECT event.organization_id, event.hour, event.meter, event.category, event.user_id, event.key_id,
  SUM(event.value) AS total,
  SUM(CASE WHEN event.corrects = '' THEN 1 ELSE -1 END) AS events,
  MAX(CASE WHEN event.corrects = '' AND correction.corrects IS NULL THEN event.value END) AS highest
FROM {events} event
JOIN {hours} due ON due.organization_id = event.organization_id AND due.hour = event.hour
LEFT JOIN (
  SELECT DISTINCT taking_back.organization_id, taking_back.hour, taking_back.meter, taking_back.corrects
  FROM {events} taking_back
  JOIN {hours} due ON due.organization_id = taking_back.organization_id AND due.hour = taking_back.hour
  WHERE due.taken AND taking_back.corrects > ''
) correction ON correction.organization_id = event.organization_id AND correction.hour = event.hour
  AND correction.meter = event.meter AND correction.corrects = event.source_id
WHERE due.taken
GROUP BY 1, 2, 3, 4, 5, 6
"""
_STORE = """
INSERT INTO {sums} (organization_id, hour, meter, category, user_id, key_id, total, events, highest)
{found}
ON CONFLICT (organization_id, hour, meter, category, user_id, key_id) DO UPDATE
SET total = excluded.total, events = excluded.events, highest = excluded.highest
"""
_NOTE_AGAIN = """
INSERT INTO {hours} (organization_id, hour, noted)
SELECT DISTINCT organization_id, hour, 1 FROM {events} WHERE at >= %s ORDER BY organization_id, hour
ON CONFLICT (organization_id, hour) DO UPDATE SET noted = {hours}.noted + 1
"""


def sum_up() -> int:
    """Sum up every hour that is over and whose events changed. Returns how many hours.

    The present one is left alone: each call writes to its row, and would wait. An event that comes meanwhile notes its
    hour again: it waits for the row that is taken here, or is seen here.
    """
    done = 0
    _count_hours()
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            lock = "FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
            cursor.execute(_named(_TAKE, lock=lock), [_stored(hour_of(now())), HOURS_AT_A_TIME, True])
            cursor.execute(_named("SELECT COUNT(*) FROM {hours} WHERE taken"))  # SQLite counts no rows after WITH
            taken: int = cursor.fetchone()[0]
            if taken:
                _store_sums(cursor)
                cursor.execute(_named("DELETE FROM {hours} WHERE taken"))
        done += taken
        if taken < HOURS_AT_A_TIME:
            return done


def _store_sums(cursor: Any) -> None:
    """PostgreSQL sums up with all its processes what goes into a table of its own, but not what goes into ours."""
    if connection.vendor != "postgresql":
        cursor.execute(_named(_STORE, found=_named(_SUMS)))
        return
    _count_hours()
    cursor.execute("SET LOCAL jit = off")
    cursor.execute(f"CREATE TEMPORARY TABLE usage_summed AS {_named(_SUMS)}")
    cursor.execute(_named(_STORE, found="SELECT * FROM usage_summed"))
    cursor.execute("DROP TABLE usage_summed")


def _count_hours() -> None:
    """Tell PostgreSQL how many hours there are, and how many are taken. It thinks that they are as few as some time
    ago, when it last looked, and would look through all for each."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(_named("ANALYZE {hours}"))


def sum_up_hourly(_slot: datetime) -> str:
    """The hourly job."""
    return f"{sum_up()} hours summed up"


def sum_up_nightly(_slot: datetime) -> str:
    """The nightly job: the last two days once more, whether or not anything changed."""
    with connection.cursor() as cursor:
        cursor.execute(_named(_NOTE_AGAIN), [_stored(hour_of(now() - LOOKED_OVER))])
    return f"{sum_up()} hours summed up"


def _stored(moment: datetime) -> Any:
    """As the database's driver takes it."""
    return connection.ops.adapt_datetimefield_value(moment)


def _named(statement: str, **words: Any) -> str:
    return statement.format(
        hours=UsageHourToSum._meta.db_table, events=UsageEvent._meta.db_table, sums=UsageHour._meta.db_table, **words
    )
