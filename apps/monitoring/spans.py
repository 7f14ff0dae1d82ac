"""The times that figures are of. Each ends at a wall time in London, whatever staff do to a job's schedule, so that one
follows the other without a gap: a week in which clocks change has an hour less or more."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from apps.core import cron

LONDON = "Europe/London"
PULSE_WEEK = "0 14 * * 5"
GOVERNANCE_WEEK = "0 9 * * 0"
DAY = "0 9 * * *"
QUARTER = "0 0 1 1,4,7,10 *"


@dataclass(frozen=True)
class Span:
    """From `start` until before `end`, both UTC."""

    start: datetime
    end: datetime

    @property
    def last_day(self) -> date:
        """The day (UTC) that its last moment lies on."""
        return (self.end - timedelta(microseconds=1)).astimezone(UTC).date()

    @property
    def days(self) -> list[date]:
        """The days (UTC) that it touches."""
        first = self.start.astimezone(UTC).date()
        return [first + timedelta(days=number) for number in range((self.last_day - first).days + 1)]


def ended(expression: str, at: datetime, tz: str = LONDON) -> Span:
    """The latest time between two slots of an expression that was over at a moment."""
    end = cron.latest_slot(expression, tz, at)
    return Span(cron.latest_slot(expression, tz, end - timedelta(microseconds=1)), end)


def before(expression: str, span: Span, tz: str = LONDON) -> Span:
    """The one that ended when this one began."""
    return Span(cron.latest_slot(expression, tz, span.start - timedelta(microseconds=1)), span.start)


def whole_days(first: date, last: date) -> Span:
    """Days (UTC), both included."""
    begin = datetime(first.year, first.month, first.day, tzinfo=UTC)
    return Span(begin, begin + timedelta(days=(last - first).days + 1))
