"""What meters come to, exact up to the last second.

Hours that are summed up are read from their sums. Those whose events changed since (the present hour, and the one
before until the hourly job has come) are read from the events: an index leads to them, and they are never more than
what one organization can call in little more than an hour. So no page waits for a job, and none makes jobs run more
often. It is one statement, which sees one moment: whatever is summed up meanwhile, each hour is read from one place.

What corrections do: a sum goes down by what they take back, a count by one. Who counts different values leaves out
those of which nothing is left. The largest is taken of what was not taken back. A correction is of the hour of what it
corrects, whenever it comes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, get_args
from uuid import UUID

from django.db import connection
from django.db.models import Case, Exists, F, OuterRef, QuerySet, When
from django.db.models.functions import Trunc
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.core.errors import InvalidInputError, LimitExceededError, NotFoundError
from apps.core.kinds import Dimension, Meter
from apps.core.registry import registry
from apps.usage.models import NOBODY, UsageEvent, UsageHour, UsageHourToSum
from apps.usage.periods import hour_of

Window = Literal["hour", "day", "month"]
Group = str | UUID
WINDOWS: tuple[Window, ...] = get_args(Window)
MOST_DAYS, MOST_ROWS = 400, 10_000

# By aggregation: the column of an hour's sums that it needs, and what is made of it.
_MADE_OF = {
    "sum": ("total", "SUM(total)"),
    "count": ("events", "SUM(events)"),
    "max": ("highest", "MAX(highest)"),
    "unique": ("total", "SUM(CASE WHEN total > 0 THEN 1 ELSE 0 END)"),
}


@dataclass(frozen=True)
class Row:
    """One figure: from when on (UTC), of which category, key or person (in the order asked for), and how much."""

    start: datetime
    group: tuple[Group, ...]
    value: int


def meter_named(name: str) -> Meter:
    """A meter. Raises `NotFoundError`."""
    found = registry(Meter).find(name)
    if found is None:
        raise NotFoundError(_("There is no meter of this name."))
    return found


def measure(
    organization: Organization,
    meter: Meter,
    begin: datetime,
    end: datetime,
    by: Sequence[Dimension] = (),
    window: Window | None = None,
) -> list[Row]:
    """What a meter comes to from `begin` until before `end`, divided as asked for. What comes to nothing has no row.

    A row's `start` is that of its hour, day or month (UTC), of which only what lies in the range is counted. One query.
    Raises `InvalidInputError`, `LimitExceededError`.
    """
    for name, moment in (("from", begin), ("to", end)):
        if hour_of(moment) != moment:
            raise InvalidInputError(_("“%(name)s” is a full hour.") % {"name": name}, code=f"invalid_{name}")
    if begin >= end:
        raise InvalidInputError(_("“from” lies before “to”."), code="invalid_from")
    if end - begin > timedelta(days=MOST_DAYS):
        raise LimitExceededError(_("At most %(most)s days can be asked for at once.") % {"most": MOST_DAYS})
    if len(set(by)) < len(by) or not set(by) <= set(meter.group_by):
        words = _("%(meter)s can be divided by each of these once: %(allowed)s.")
        raise InvalidInputError(words % {"meter": meter.name, "allowed": ", ".join(meter.group_by)}, code="invalid_by")
    rows = added_up(organization, meter, begin, end, by, window, most=MOST_ROWS + 1)
    if len(rows) > MOST_ROWS:
        words = _("These are more than %(most)s figures. Ask for a shorter range, larger windows or fewer groups.")
        raise LimitExceededError(words % {"most": MOST_ROWS})
    return rows


def added_up(
    organization: Organization,
    meter: Meter,
    begin: datetime,
    end: datetime,
    by: Sequence[Dimension] = (),
    window: Window | None = None,
    *,
    most: int | None = None,
) -> list[Row]:
    """The same without a limit of its own, for pages that know their range. `begin` and `end` are full hours."""
    column, figure = _MADE_OF[meter.aggregation]
    keys: list[str] = ["start", *by] if window else [*by]
    each = [*keys, meter.counts] if meter.counts else keys
    portions = [
        _portion(rows, meter, begin, end, window).values_list(*each, column)
        for rows in _summed_and_not(organization, meter.aggregation == "max")
    ]
    compiled = [portion.query.sql_with_params() for portion in portions]
    table = " UNION ALL ".join(sql for sql, _values in compiled)
    if meter.counts:  # first what each of them comes to
        table = f"SELECT {', '.join(each)}, SUM(total) AS total FROM ({table}) portion GROUP BY {', '.join(each)}"
    table = f"SELECT {', '.join([*keys, figure])} AS value FROM ({table}) portion"
    if keys:
        table += f" GROUP BY {', '.join(keys)}"
    table = f"SELECT * FROM ({table}) figure WHERE value <> 0"
    if keys:
        table += f" ORDER BY {', '.join(keys)}"
    if most is not None:
        table += f" LIMIT {most}"
    with connection.cursor() as cursor:
        cursor.execute(table, [value for _sql, values in compiled for value in values])
        found = cursor.fetchall()
    return [_row(begin, by, window, columns) for columns in found]


def _summed_and_not(organization: Organization, largest: bool) -> tuple[QuerySet[Any], QuerySet[Any]]:
    """The sums of hours, and the events of those hours that wait for theirs, with the same columns."""
    waiting = UsageHourToSum.objects.for_organization(organization).values("hour")
    sums = UsageHour.objects.for_organization(organization).exclude(hour__in=waiting)
    events = (
        UsageEvent.objects.for_organization(organization)
        .filter(hour__in=waiting)
        .annotate(total=F("value"), events=Case(When(corrects="", then=1), default=-1))
    )
    if largest:
        takes_back = UsageEvent.objects.for_organization(organization).filter(
            hour=OuterRef("hour"), meter=OuterRef("meter"), corrects=OuterRef("source_id"), corrects__gt=""
        )
        events = events.annotate(highest=Case(When(~Exists(takes_back), corrects="", then=F("value"))))
    return sums, events


def _portion(rows: QuerySet[Any], meter: Meter, begin: datetime, end: datetime, window: Window | None) -> QuerySet[Any]:
    """What belongs to a meter and a range."""
    rows = rows.filter(meter=meter.of, hour__gte=begin, hour__lt=end).order_by()
    if meter.counts:
        rows = rows.exclude(**{meter.counts: NOBODY})
    return rows.annotate(start=Trunc("hour", window, tzinfo=UTC)) if window else rows


def _row(begin: datetime, by: Sequence[Dimension], window: Window | None, columns: Sequence[Any]) -> Row:
    """A row as the database's driver gives it: times and ids are texts on SQLite."""
    *groups, value = columns
    start = datetime.fromisoformat(str(groups.pop(0))).replace(tzinfo=UTC) if window else begin
    group = tuple(
        found if dimension == "category" or isinstance(found, UUID) else UUID(found)
        for dimension, found in zip(by, groups, strict=True)
    )
    return Row(start, group, int(value))
