"""Calendar months, days and hours, in UTC whatever the caller's zone."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.usage.periods import day_of, hour_of, month_of, period_named

moments = st.datetimes(timezones=st.just(UTC)).filter(lambda moment: 1900 < moment.year < 9000)


@pytest.mark.parametrize(
    ("moment", "name", "days"),
    [
        (datetime(2026, 11, 30, 23, 59, 59, 999_999, tzinfo=UTC), "2026-11", 30),
        (datetime(2026, 12, 1, tzinfo=UTC), "2026-12", 31),
        (datetime(2028, 2, 29, 12, tzinfo=UTC), "2028-02", 29),
        (datetime(2026, 12, 1, 0, 30, tzinfo=timezone(timedelta(hours=1))), "2026-11", 30),
    ],
)
def test_months(moment, name, days):
    month = month_of(moment)
    assert (month.name, month.end - month.start) == (name, timedelta(days=days))


@given(moments)
def test_a_moment_is_in_its_periods_and_names_lead_back(moment):
    for period in (month_of(moment), day_of(moment)):
        assert period.start <= moment < period.end
        assert period_named(period.name) == period
        assert type(period)(period.name, period.start, period.end) == period
    assert month_of(month_of(moment).end).start == month_of(moment).end
    assert day_of(day_of(moment).end).start == day_of(moment).end
    assert timedelta() <= moment - hour_of(moment) < timedelta(hours=1)
