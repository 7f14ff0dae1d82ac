"""Anchors and months, and what part of them costs."""

from datetime import UTC, datetime
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.integrations.stripe.fake.periods import period_of, shifted
from apps.integrations.stripe.fake.proration import Debit, credits, part, price_of, rounded

TIMES = st.integers(min_value=1_500_000_000, max_value=2_500_000_000)


def _at(year: int, month: int, day: int, hour: int = 0) -> int:
    return int(datetime(year, month, day, hour, tzinfo=UTC).timestamp())


def test_a_month_without_the_anchors_day_is_billed_on_its_last_one() -> None:
    anchor = _at(2027, 1, 31, 9)
    assert [shifted(anchor, "month", times) for times in (1, 2, 3, 13)] == [
        _at(2027, 2, 28, 9),
        _at(2027, 3, 31, 9),
        _at(2027, 4, 30, 9),
        _at(2028, 2, 29, 9),
    ]
    assert shifted(_at(2028, 2, 29), "year", 1) == _at(2029, 2, 28)
    assert shifted(anchor, "week", 2) == anchor + 14 * 86400


def test_the_period_before_a_future_anchor_is_a_whole_one() -> None:
    assert period_of(_at(2026, 12, 1), "month", 1, _at(2026, 11, 12, 15)) == (_at(2026, 11, 1), _at(2026, 12, 1))


@given(anchor=TIMES, at=TIMES, interval=st.sampled_from(["day", "week", "month", "year"]), count=st.integers(1, 3))
def test_every_moment_is_in_one_period(anchor: int, at: int, interval: str, count: int) -> None:
    start, end = period_of(anchor, interval, count, at)
    assert start <= at < end
    assert period_of(anchor, interval, count, end)[0] == end
    assert period_of(anchor, interval, count, start - 1)[1] == start


@pytest.mark.parametrize(("exact", "whole"), [("0.5", 1), ("0.4999", 0), ("2.5", 3), ("-2.5", -3), ("-2.4", -2)])
def test_a_half_goes_up(exact: str, whole: int) -> None:
    assert rounded(Fraction(exact)) == whole


def test_decimal_amounts_are_rounded_once() -> None:
    assert price_of("0.15", 1_003) == 150  # 150.45, and not 1,003 times 0
    assert price_of("0.15", 1_010) == 152  # 151.5
    assert price_of("4900", 3, Fraction(1, 2), off=Fraction(1, 2)) == 3675


def test_a_credit_is_of_what_was_taken() -> None:
    """Nineteen days of a month at half the price; nine of them are left."""
    start, end = _at(2026, 11, 12), _at(2026, 12, 1)
    taken = price_of("4900", 1, part(start, end, (_at(2026, 11, 1), end)), off=Fraction(1, 2))
    assert taken == 1552  # 4900 * 19/30 / 2 = 1551.67
    debits = [Debit("il_1", "in_1", taken, start, end), Debit("il_0", "in_0", 4900, start - 86400, start)]
    assert credits(debits, _at(2026, 11, 22)) == [(debits[0], -735)]  # 1552 * 9/19 = 735.16
    assert credits(debits[:1], start) == [(debits[0], -taken)]
