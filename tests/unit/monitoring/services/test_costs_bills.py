"""Bills by the day: a month adds up exactly, and what staff change later is put into days that are known."""

from datetime import date, timedelta
from unittest.mock import patch

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from apps.monitoring.models import Category, CostDay, CostLine, InfrastructureCost
from apps.monitoring.services import costs_bills
from apps.monitoring.services.costs_bills import entered, known, share_of
from tests.common.costs import DAY, bill, cost_days

MARCH = date(2026, 3, 1)
days = st.dates(date(2020, 1, 1), date(2032, 12, 31))


@given(amount=st.integers(0, 10**12), day=days)
def test_the_days_of_a_month_are_its_bill(amount: int, day: date) -> None:
    row = InfrastructureCost(amount=amount, kind="monthly", first_day=date(2019, 1, 1))
    first = day.replace(day=1)
    month = [first + number * DAY for number in range(31) if (first + number * DAY).month == first.month]
    shares = [share_of(row, each) for each in month]
    assert sum(shares) == amount
    assert max(shares) - min(shares) <= 1


@pytest.mark.django_db
@given(amount=st.integers(0, 10**7), first=days, length=st.integers(0, 70))
def test_what_is_known_ahead_is_what_the_days_will_say(amount: int, first: date, length: int) -> None:
    last = first + length * DAY
    row = InfrastructureCost(
        label="x", category="ai", amount=amount, first_day=first + 3 * DAY, last_day=first + 40 * DAY
    )
    with patch.object(costs_bills, "_due", lambda first, last: [row]):
        by_day = sum(line.amount for number in range(length + 1) for line in entered(first + number * DAY))
        assert known(first, last) == by_day


@pytest.mark.django_db
def test_a_bill_counts_from_its_first_to_its_last_day() -> None:
    bill(3_100, MARCH + 4 * DAY, MARCH + 6 * DAY)
    assert [sum(line.amount for line in entered(MARCH + number * DAY)) for number in range(3, 8)] == [
        0, 100, 100, 100, 0
    ]  # fmt: skip
    once = bill(777, MARCH + 5 * DAY, kind="once")
    assert known(MARCH, MARCH + 30 * DAY) == 300 + 777
    assert [line.amount for line in entered(once.first_day)] == [100, 777]


@pytest.mark.django_db
def test_days_that_are_known_follow_what_staff_enter() -> None:
    cost_days(MARCH + 9 * DAY, *[50] * 10)
    for row in CostDay.objects.all():
        CostLine.objects.create(
            cost_day=row, kind="cost", category="key_value", source="redis", label="Redis", amount=50
        )
    new = InfrastructureCost(label="Server", category="hosting", amount=3_100, first_day=MARCH + 2 * DAY)
    assert costs_bills.save(new) == 8
    assert hosting() == [0, 0, 100, 100, 100, 100, 100, 100, 100, 100]

    new.first_day, new.last_day, new.amount = MARCH + 5 * DAY, MARCH + 6 * DAY, 6_200
    assert costs_bills.save(new) == 8  # the days that it left, too
    assert hosting() == [0, 0, 0, 0, 0, 200, 200, 0, 0, 0]

    assert costs_bills.delete(new) == 5
    assert hosting() == [0] * 10
    assert not InfrastructureCost.objects.exists()
    assert {row.key_value for row in CostDay.objects.all()} == {50}
    assert CostLine.objects.count() == 10


def hosting() -> list[int]:
    return [row.hosting for row in CostDay.objects.order_by("day")]


@pytest.mark.django_db
def test_a_bill_is_put_into_years_in_a_few_questions(django_assert_max_num_queries: object) -> None:
    cost_days(MARCH, *[1] * 400)
    with django_assert_max_num_queries(50):  # type: ignore[operator]
        costs_bills.save(InfrastructureCost(label="x", category="mail", amount=3_000, first_day=MARCH - 900 * DAY))
    assert CostDay.objects.filter(mail__gt=0).count() == 400


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        {"last_day": MARCH - DAY},
        {"kind": "once", "last_day": MARCH + DAY},
        {"amount": 10**12 + 1},
        {"category": "tax"},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    values = {"label": "x", "category": Category.AI, "amount": 1, "first_day": MARCH, **wrong}
    with pytest.raises(ValidationError):
        costs_bills.save(InfrastructureCost(**values))
    if "category" not in wrong:
        with pytest.raises(IntegrityError), transaction.atomic():
            InfrastructureCost.objects.create(**values)


def test_a_year_of_days_is_twelve_bills() -> None:
    row = InfrastructureCost(amount=999, kind="monthly", first_day=date(2027, 1, 1))
    year = [date(2028, 1, 1) + timedelta(days=number) for number in range(366)]
    assert sum(share_of(row, day) for day in year) == 12 * 999
