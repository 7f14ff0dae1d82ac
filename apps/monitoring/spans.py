"""The times that figures are of. Each ends at a wall time in London, whatever staff do to a job's schedule, so that one
follows the other without a gap: a week in which clocks change has an hour less or more."""

from datetime import datetime, timedelta

from apps.core import cron
from apps.monitoring.intervals import Span

LONDON = "Europe/London"
PULSE_WEEK = "0 14 * * 5"
GOVERNANCE_WEEK = "0 9 * * 0"
SUMMARY_DAY = "0 9 * * *"
QUARTER = "0 0 1 1,4,7,10 *"


def ended(expression: str, at: datetime, tz: str = LONDON) -> Span:
    """The latest time between two slots of an expression that was over at a moment."""
    end = cron.latest_slot(expression, tz, at)
    return Span(cron.latest_slot(expression, tz, end - timedelta(microseconds=1)), end)


def before(expression: str, span: Span, tz: str = LONDON) -> Span:
    """The one that ended when this one began."""
    return Span(cron.latest_slot(expression, tz, span.start - timedelta(microseconds=1)), span.start)
