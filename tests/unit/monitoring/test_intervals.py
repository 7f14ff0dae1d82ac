"""Spans of minutes, against sets of minutes; and of days."""

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from apps.monitoring.intervals import (
    MINUTE,
    Span,
    merged,
    minute_after,
    minute_of,
    minutes,
    whole_days,
    within,
    without,
)

START = datetime(2026, 3, 29, tzinfo=UTC)  # the clocks of London change on this day: UTC does not
spans = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8).map(
    lambda pairs: [Span(START + a * MINUTE, START + b * MINUTE) for a, b in pairs]
)


def as_set(found):
    return {a + number * MINUTE for a, b in found for number in range(max((b - a) // MINUTE, 0))}


@given(spans, spans)
def test_merging_and_taking_away_are_those_of_sets(first, second):
    one, other = merged(first), merged(second)
    assert as_set(one) == as_set(first)
    assert minutes(one) == len(as_set(first))
    assert as_set(without(one, other)) == as_set(first) - as_set(second)
    cut = within(one, START + 10 * MINUTE, START + 20 * MINUTE)
    assert as_set(cut) == {m for m in as_set(first) if START + 10 * MINUTE <= m < START + 20 * MINUTE}


def test_minutes_of_moments():
    moment = START + timedelta(seconds=90)
    assert minute_of(moment) == START + MINUTE
    assert minute_after(moment) == START + 2 * MINUTE
    assert minute_after(START) == START


def test_whole_days_include_both() -> None:
    span = whole_days(date(2026, 2, 28), date(2026, 3, 1))
    assert (span.start, span.end) == (datetime(2026, 2, 28, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
    assert [day.day for day in span.days] == [28, 1]
