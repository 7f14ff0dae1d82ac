"""Weeks end on Friday, 14:00 in London, whatever the clocks do, and leave no gap."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.monitoring.spans import GOVERNANCE_WEEK, PULSE_WEEK, QUARTER, SUMMARY_DAY, before, ended

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
MOMENTS = st.integers(0, 15 * 365 * 86_400).map(lambda seconds: BEGIN + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("at", "start", "end"),
    [
        ("2026-11-28T06:00", "2026-11-20T14:00", "2026-11-27T14:00"),  # winter: London is UTC
        ("2026-11-27T14:00", "2026-11-20T14:00", "2026-11-27T14:00"),  # its very end
        ("2026-11-27T13:59", "2026-11-13T14:00", "2026-11-20T14:00"),
        ("2026-07-03T13:00", "2026-06-26T13:00", "2026-07-03T13:00"),  # summer: an hour earlier in UTC
        ("2026-04-03T13:00", "2026-03-27T14:00", "2026-04-03T13:00"),  # the clocks went on: 167 hours
        ("2026-10-30T14:00", "2026-10-23T13:00", "2026-10-30T14:00"),  # and back: 169
    ],
)
def test_the_week_that_was_over(at: str, start: str, end: str) -> None:
    span = ended(PULSE_WEEK, datetime.fromisoformat(at).replace(tzinfo=UTC))
    assert [f"{one:%Y-%m-%dT%H:%M}" for one in (span.start, span.end)] == [start, end]


@pytest.mark.parametrize("expression", [PULSE_WEEK, GOVERNANCE_WEEK, SUMMARY_DAY, QUARTER])
@given(at=MOMENTS)
def test_one_follows_the_other_without_a_gap(expression: str, at: datetime) -> None:
    span = ended(expression, at)
    assert span.start < span.end <= at
    earlier = before(expression, span)
    assert earlier.end == span.start
    assert ended(expression, span.start) == earlier
    assert ended(expression, span.end - timedelta(microseconds=1)) == earlier


def test_a_quarter_is_of_london() -> None:
    span = ended(QUARTER, datetime(2026, 10, 1, 8, tzinfo=UTC))
    assert (span.start, span.end) == (datetime(2026, 6, 30, 23, tzinfo=UTC), datetime(2026, 9, 30, 23, tzinfo=UTC))
    assert f"{span.last_day:%Y-%m-%d}" == "2026-09-30"
