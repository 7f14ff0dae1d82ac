"""The daily cost sheet: exact figures, what is estimated and what replaces it, who fails and what stays."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from apps.core.kinds import ScheduledJob
from apps.core.registry import registry
from apps.integrations.stripe.errors import PaymentsNotSetUpError
from apps.monitoring.models import CostDay, CostLine
from apps.monitoring.services import costs_stripe
from apps.monitoring.services.costs import CostIncompleteError, cost_collector, days_to_collect
from tests.common.costs import DAY, Books, FakeAccount, bill, moved, noon, sources

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 12)
YESTERDAY = TODAY - DAY
SLOT = datetime(2026, 3, 12, 1, tzinfo=UTC)


@pytest.fixture
def books() -> Iterator[Books]:
    told = Books()
    with sources(told):
        yield told


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> FakeAccount:
    found = FakeAccount()
    monkeypatch.setattr(costs_stripe, "stripe", lambda: found)
    return found


def sheet(day: date = YESTERDAY) -> CostDay:
    return CostDay.objects.get(day=day)


def content() -> list[tuple[Any, ...]]:
    """All that is on the sheet but when it was collected."""
    days = [tuple(row.values()) for row in CostDay.objects.order_by("day").values().iterator()]
    lines = CostLine.objects.order_by("cost_day__day", "kind", "label")
    left = [tuple(value for value in row if not isinstance(value, datetime)) for row in days]
    return left + list(lines.values_list("cost_day__day", "kind", "category", "source", "label", "amount"))


def test_a_day_adds_up_to_the_cent(books: Books, account: FakeAccount) -> None:
    bill(3_100, date(2026, 1, 1))  # 100 a day in March
    bill(62, date(2026, 3, 1), category="frontend", label="Vercel")
    bill(1_200, YESTERDAY, kind="once", category="other", label="Domain")
    bill(9_999, TODAY, kind="once", label="Tomorrow's")
    bill(9_999, date(2026, 1, 1), YESTERDAY - DAY, label="Ended")
    books.costs = {"ai": 250, "tax": 300}
    books.revenue = {"platform": 6_000, "api": 1_900}
    at = noon(YESTERDAY)
    account.movements = [
        moved("charge", 5_000, 175, at=at),
        moved("payment", 5_000, 175, at=at),
        moved("refund", -1_000, at=at),
        moved("adjustment", -500, 1_500, at=at),  # a dispute, with its fee
        moved("stripe_fee", -40, at=at),
        moved("payout", -7_000, at=at),
        moved("charge", 77_700, 999, at=at, currency="EUR"),
        moved("charge", 1_111, 62, at=noon(TODAY)),
    ]
    words = cost_collector(SLOT)
    row = sheet()
    assert (row.hosting, row.frontend, row.ai, row.other, row.infrastructure) == (100, 2, 250, 1_200, 1_552)
    assert (row.revenue, row.tax, row.fees, row.fees_estimated) == (8_500, 300, 175 + 175 + 1_500 + 40, False)
    assert (row.costs, row.earned, row.margin) == (3_442, 8_200, 4_758)
    assert row.margin_percent == Decimal(475_800) / 8_200
    assert (row.addon, row.balance) == (1_900, 12_345)
    assert row.note == "Without what moved in EUR: there is no rate."
    assert words == "2026-03-11: costs $34.42, earned $82.00, net margin $47.58 (58.0 %)"
    assert sum(line.amount for line in row.lines.filter(kind="cost").exclude(category="tax")) == row.infrastructure


def test_payments_that_can_not_be_counted_leave_the_estimate_as_it_was(books: Books, account: FakeAccount) -> None:
    account.goes_away()
    books.revenue, books.metrics = {"api": 10_000}, {"payments_total": 10_000, "payments": 2}
    cost_collector(SLOT)
    fees = sheet().fees
    assert fees == 290 + 60
    books.metrics, books.costs = {"payments_total": 10_000, "payments": ValueError("broken")}, {"ai": 250}
    with pytest.raises(CostIncompleteError, match="payments: ValueError: broken"):
        cost_collector(SLOT)
    assert (sheet().fees, sheet().ai, sheet().fees_estimated) == (fees, 250, True)


def test_the_same_day_again_is_the_same_day(books: Books, account: FakeAccount) -> None:
    bill(3_100, date(2026, 3, 1))
    books.costs, books.revenue = {"ai": 250}, {"api": 1_900}
    account.movements = [moved("charge", 5_000, 175, at=noon(YESTERDAY))]
    cost_collector(SLOT)
    before, keys = content(), set(CostDay.objects.values_list("pk", flat=True))
    account.on_account = 99
    cost_collector(SLOT + timedelta(hours=9))
    assert content() == before
    assert set(CostDay.objects.values_list("pk", flat=True)) == keys
    assert account.asked == 2


@pytest.mark.parametrize("away", ["away", "not set up"])
def test_without_stripe_fees_are_estimated_until_it_tells(books: Books, account: FakeAccount, away: str) -> None:
    books.revenue = {"platform": 6_000, "api": 1_900}
    books.costs = {"tax": 100}
    books.metrics = {"payments_total": 8_050, "payments": 2}
    account.goes_away()
    if away == "not set up":
        account.away = PaymentsNotSetUpError("no")
    assert "(fees estimated)" in cost_collector(SLOT)
    row = sheet()
    # 2.9 % of 80.50 are 2.3345, rounded once; and 30 cents of each of the two.
    assert (row.revenue, row.tax, row.earned, row.fees) == (8_000, 100, 7_900, 233 + 60)
    assert (row.fees_estimated, row.balance) == (True, None)

    account.away = None
    account.movements = [moved("charge", 8_050, 301, at=noon(YESTERDAY)), moved("refund", -50, at=noon(YESTERDAY))]
    cost_collector(SLOT + 5 * DAY)
    row = sheet()
    assert (row.revenue, row.fees, row.fees_estimated) == (8_000, 301, False)
    assert row.balance is None  # what is there now was not there then
    assert sheet(TODAY + 4 * DAY).balance == 12_345


def test_what_stripe_told_stays_while_it_is_away(books: Books, account: FakeAccount) -> None:
    account.movements = [moved("charge", 5_000, 175, at=noon(YESTERDAY))]
    cost_collector(SLOT)
    account.goes_away()
    books.costs = {"ai": 77}
    cost_collector(SLOT + DAY)
    row = sheet()
    assert (row.revenue, row.fees, row.fees_estimated, row.ai) == (5_000, 175, False, 77)
    assert sheet(TODAY).fees_estimated


def test_stripe_going_away_in_the_middle_counts_for_nothing(books: Books, account: FakeAccount) -> None:
    account.movements = [moved("charge", 5_000, 175, at=noon(YESTERDAY))]
    account.balance_transactions = lambda since, until: _breaks_off(account)  # type: ignore[method-assign]
    cost_collector(SLOT)
    assert (sheet().revenue, sheet().fees_estimated) == (0, True)


def _breaks_off(account: FakeAccount) -> Iterator[Any]:
    yield account.movements[0]
    account.goes_away()
    assert account.away
    raise account.away


def test_a_source_that_fails_hides_no_other_and_keeps_what_it_said(books: Books, account: FakeAccount) -> None:
    books.costs, books.revenue = {"ai": 250, "tax": 5}, {"platform": 100, "api": 40}
    cost_collector(SLOT)
    books.costs, books.revenue = {"ai": RuntimeError("password=hunter22 is wrong"), "tax": 6}, {
        "platform": 100, "api": ValueError("no")
    }  # fmt: skip
    with pytest.raises(CostIncompleteError) as failed:
        cost_collector(SLOT)
    assert "ai: RuntimeError" in str(failed.value)
    assert "api: ValueError: no" in str(failed.value)
    assert "hunter22" not in str(failed.value)
    row = sheet()
    assert (row.ai, row.tax, row.addon) == (250, 6, 40)
    assert row.lines.filter(source="ai").count() == 1


def test_what_is_not_known_is_no_line(books: Books, account: FakeAccount) -> None:
    books.costs, books.revenue = {"ai": None}, {"api": 0}
    cost_collector(SLOT)
    assert not sheet().lines.exists()
    assert sheet().margin_percent is None


def test_missed_days_and_estimates_are_collected_too(db: None) -> None:
    assert days_to_collect(YESTERDAY) == [YESTERDAY - 2 * DAY, YESTERDAY - DAY, YESTERDAY]
    for back, estimated in ((40, True), (30, True), (20, False), (8, False)):
        CostDay.objects.create(day=YESTERDAY - back * DAY, fees_estimated=estimated)
    found = days_to_collect(YESTERDAY)
    expected = [YESTERDAY - back * DAY for back in range(30, -1, -1) if back not in (20, 8)]
    assert found == expected


def test_a_sheet_costs_few_questions(books: Books, account: FakeAccount, django_assert_max_num_queries: Any) -> None:
    for number in range(20):
        bill(3_100 + number, date(2026, 1, 1), label=f"Bill {number}")
    cost_collector(SLOT)
    with django_assert_max_num_queries(1 + 3 * 12 + 1):
        cost_collector(SLOT)


def test_jobs_have_their_names_and_times(db: None) -> None:
    wanted = {
        "cost_collector": "0 1 * * *",
        "kv_costs": "0 * * * *",
        "cost_prediction": "10 2 * * 1",
        "expansion_verifier": "0 2 * * *",
        "health_monitor": "0 */6 * * *",
        "system_health_log": "30 2 * * *",
    }
    jobs = {name: registry(ScheduledJob).get(name) for name in wanted}
    assert {name: job.crontab for name, job in jobs.items()} == wanted
    assert {job.tz for job in jobs.values()} == {"UTC"}
