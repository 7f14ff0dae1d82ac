"""The forecast: exact where all is known, in its range four times out of five, scored by what came."""

import random
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.monitoring.models import CostDay, CostForecast, CostLine
from apps.monitoring.services import costs_bills
from apps.monitoring.services.costs_forecast import AHEAD, SHORTEST, cost_prediction, foretell, measured, score
from tests.common.costs import DAY, bill, cost_days

MONDAY = date(2026, 3, 9)
SLOT = datetime(2026, 3, 9, 2, 10, tzinfo=UTC)


@pytest.mark.django_db
def test_what_is_known_is_foretold_to_the_cent() -> None:
    cost_days(MONDAY - DAY, *[0] * SHORTEST)
    bill(3_100, date(2026, 1, 1))
    bill(500, MONDAY + 20 * DAY, kind="once")
    bill(9_000, MONDAY + AHEAD * DAY, kind="once")  # a day too late
    words = cost_prediction(SLOT)
    row = CostForecast.objects.get()
    expected = costs_bills.known(MONDAY, MONDAY + 29 * DAY)
    assert (row.first, row.last) == (MONDAY, date(2026, 4, 7))
    assert row.expected == row.low == row.high == row.known == expected == 2_300 + 700 + 23 + 500  # 23 days, 7 days
    assert words.startswith("2026-03-09 – 2026-04-07: $35.23, between $35.23 and $35.23; 0 earlier")


@pytest.mark.django_db
def test_the_same_monday_again_is_the_same_row() -> None:
    cost_days(MONDAY - DAY, *range(100, 140))
    cost_prediction(SLOT)
    first = CostForecast.objects.get()
    cost_prediction(SLOT)
    again = CostForecast.objects.get()
    assert (first.pk, first.expected, first.low, first.high) == (again.pk, again.expected, again.low, again.high)


@pytest.mark.django_db
def test_a_line_and_weekdays_go_on() -> None:
    weekday = [0, 0, 0, 0, 0, -50, -50]
    values = [100 + number + weekday[number % 7] for number in range(84 + 30)]
    cost_days(MONDAY - DAY, *values[:84])
    cost_prediction(SLOT)
    row = CostForecast.objects.get()
    assert abs(row.expected - sum(values[84:])) < 60
    assert row.low <= sum(values[84:]) <= row.high


@pytest.mark.django_db
def test_odd_days_do_not_move_it() -> None:
    values = [100] * 84
    for number in (9, 33, 60, 83):
        values[number] = 90_000
    cost_days(MONDAY - DAY, *values)
    cost_prediction(SLOT)
    assert CostForecast.objects.get().expected == 100 * AHEAD


@pytest.mark.django_db
def test_a_gap_ends_what_is_looked_at() -> None:
    cost_days(MONDAY - DAY, *[10] * 40)
    CostDay.objects.filter(day=MONDAY - 20 * DAY).delete()
    assert len(measured(MONDAY)) == 19
    assert "needs 28 days of costs without a gap, and there are 19" in cost_prediction(SLOT)
    assert not CostForecast.objects.exists()


@pytest.mark.django_db
def test_a_day_that_is_not_collected_yet_is_no_gap() -> None:
    cost_days(MONDAY - 2 * DAY, *[10] * 40)
    assert "$3.00" in cost_prediction(SLOT)
    CostDay.objects.filter(day__gt=MONDAY - 6 * DAY).delete()
    assert measured(MONDAY) == []


@pytest.mark.django_db
def test_bills_are_not_measured_twice() -> None:
    for row in cost_days(MONDAY - DAY, *[10] * 30, hosting=500):
        CostLine.objects.create(cost_day=row, kind="cost", category="hosting", label="Server", amount=500)
    assert {value for _day, value in measured(MONDAY)} == {10}


@pytest.mark.django_db
def test_forecasts_are_scored_once_their_days_are_whole() -> None:
    values = {"expected": 300, "low": 250, "high": 310, "known": 0, "days_seen": 30, "method": "m"}
    CostForecast.objects.create(first=MONDAY, last=MONDAY + 29 * DAY, **values)
    cost_days(MONDAY + 29 * DAY, *[10] * 30, fees=1)
    assert score(MONDAY + 32 * DAY) == 0  # the last days may still be collected again
    CostDay.objects.filter(day=MONDAY + 3 * DAY).delete()
    assert score(MONDAY + 33 * DAY) == 0
    cost_days(MONDAY + 3 * DAY, 40, fees=1)
    assert score(MONDAY + 33 * DAY) == 1
    row = CostForecast.objects.get()
    assert (row.actual, row.held) == (360, False)
    assert score(MONDAY + 33 * DAY) == 0


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=SHORTEST, max_size=40))
def test_the_range_holds_what_is_expected(series: list[int]) -> None:
    found = foretell(series, ahead=0, length=AHEAD)
    assert 0 <= found.low <= found.expected <= found.high


def test_what_comes_lies_in_the_range_four_times_out_of_five() -> None:
    chance, held = random.Random(4), 0
    for _round in range(25):
        series = [max(0.0, chance.gauss(200, 60)) for _day in range(42 + AHEAD)]
        found = foretell(series[:42], ahead=0, length=AHEAD)
        held += found.low <= sum(series[42:]) <= found.high
    assert held >= 20
