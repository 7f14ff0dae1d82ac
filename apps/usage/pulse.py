"""The figures of the business that usage knows: sums of all organizations, exact up to the last full hour.

As in `measuring`, hours that are summed up are read from their sums, and the few whose events changed since from the
events: one statement, which sees one moment.
"""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import Exists, F, OuterRef, QuerySet, Sum
from django.db.models.functions import ExtractHour
from django.utils.translation import gettext_lazy as _

from apps.core.kinds import ActivitySource, PulseMetric
from apps.usage.meters import API_CALLS
from apps.usage.models import NOBODY, UsageEvent, UsageHour, UsageHourToSum
from apps.usage.periods import hour_of

API = _("API")


def api_calls(start: datetime, end: datetime) -> int:
    """Calls of live organizations in the hours that begin then."""
    return _one("SELECT COALESCE(SUM(total), 0) FROM ({table}) portion", start, end, "total")


def active_developers(start: datetime, end: datetime) -> int:
    """People who called the API, themselves or by a key."""
    people = "SELECT user_id FROM ({table}) portion GROUP BY user_id HAVING SUM(total) > 0"
    return _one(f"SELECT COUNT(*) FROM ({people}) person", start, end, "user_id", "total")


def calls_by_category(start: datetime, end: datetime) -> dict[str, int]:
    """The same by category of the API."""
    found: Counter[str] = Counter()
    for rows in portions_of(start, end):
        found.update(dict(rows.values_list("category").annotate(calls=Sum(_value(rows)))))
    return {category: calls for category, calls in found.items() if calls}


def calls_by_hour(start: datetime, end: datetime) -> dict[int, int]:
    """The same by hour of the day (UTC)."""
    found: Counter[int] = Counter()
    for rows in portions_of(start, end):
        by_hour = rows.annotate(of_day=ExtractHour("hour", tzinfo=UTC)).values_list("of_day")
        found.update(dict(by_hour.annotate(calls=Sum(_value(rows)))))
    return dict(found)


def _value(rows: QuerySet[Any, Any]) -> str:
    return "value" if rows.model is UsageEvent else "total"


def _one(statement: str, start: datetime, end: datetime, *columns: str) -> int:
    portions = [rows.values_list(*columns) for rows in portions_of(start, end)]
    if "user_id" in columns:
        portions = [rows.exclude(user_id=NOBODY) for rows in portions]
    compiled = [rows.query.sql_with_params() for rows in portions]
    table = " UNION ALL ".join(sql for sql, _values in compiled)
    with connection.cursor() as cursor:
        cursor.execute(statement.format(table=table), [value for _sql, values in compiled for value in values])
        return int(cursor.fetchone()[0])


def portions_of(start: datetime, end: datetime) -> tuple[QuerySet[Any, Any], QuerySet[Any, Any]]:
    """The sums of hours, and the events of those that wait for theirs, both with `total`."""
    begin, until = hour_of(start), hour_of(end)
    same = {"organization": OuterRef("organization"), "hour": OuterRef("hour")}
    waiting = UsageHourToSum.objects.unscoped().filter(hour__gte=begin, hour__lt=until)
    of = {"meter": API_CALLS, "hour__gte": begin, "hour__lt": until, "organization__livemode": True}
    sums = UsageHour.objects.unscoped().filter(~Exists(waiting.filter(**same)), **of)
    events = UsageEvent.objects.unscoped().filter(Exists(waiting.filter(**same)), **of).annotate(total=F("value"))
    return sums.order_by(), events.order_by()


def _summed(start: datetime, end: datetime) -> QuerySet[Any, Any]:
    return portions_of(start, end)[0].filter(total__gt=0).values("organization_id").distinct()


def _waiting(start: datetime, end: datetime) -> QuerySet[Any, Any]:
    return portions_of(start, end)[1].filter(value__gt=0).values("organization_id").distinct()


METRICS = (
    PulseMetric("api_calls", _("API calls"), "count", api_calls, API, order=31),
    PulseMetric("active_developers", _("Active developers"), "count", active_developers, API, order=34),
)
ACTIVITY = (ActivitySource("api_calls", _summed), ActivitySource("api_calls_not_summed", _waiting))
