"""Calendar months and days (UTC): what quotas and invoices go by."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache


@dataclass(frozen=True)
class Period:
    """From `start` until before `end`. `name` sorts: "2026-11" or "2026-11-27"."""

    name: str
    start: datetime
    end: datetime

    @cached_property
    def begin_microseconds(self) -> int:
        """`start`, since 1970."""
        return int(self.start.timestamp()) * 1_000_000

    @cached_property
    def end_microseconds(self) -> int:
        """`end`, since 1970."""
        return int(self.end.timestamp()) * 1_000_000


def month_of(moment: datetime) -> Period:
    """The month of a moment."""
    moment = moment.astimezone(UTC)
    return _month(moment.year, moment.month)


@lru_cache(maxsize=64)  # each API call asks for the present one
def _month(year: int, month: int) -> Period:
    start = datetime(year, month, 1, tzinfo=UTC)
    return Period(f"{start:%Y-%m}", start, (start + timedelta(days=32)).replace(day=1))


def day_of(moment: datetime) -> Period:
    """The day of a moment."""
    start = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Period(f"{start:%Y-%m-%d}", start, start + timedelta(days=1))


def hour_of(moment: datetime) -> datetime:
    """The beginning of the hour of a moment."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def period_named(name: str) -> Period:
    """The period of a name."""
    moment = datetime.strptime(name, "%Y-%m" if len(name) == 7 else "%Y-%m-%d").replace(tzinfo=UTC)
    return month_of(moment) if len(name) == 7 else day_of(moment)
