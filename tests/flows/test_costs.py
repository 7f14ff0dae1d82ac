"""A day in the shop on the cost sheet: what was bought, given back and taken, by Stripe's own account and by ours."""

from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.models import Organization, User
from apps.billing.revenue import received
from apps.billing.services.refunds import order_refund
from apps.core.jobs import run_now
from apps.core.models import JobRun
from apps.integrations.stripe.connection import stripe
from apps.integrations.stripe.fake.server import Fault
from apps.monitoring.intervals import whole_days
from apps.monitoring.models import CostDay, HealthRun
from apps.monitoring.services.verifying import verify
from tests.common.shopping import BEGIN, Shop

pytestmark = pytest.mark.django_db
DAY = BEGIN.date()
SPAN = whole_days(DAY, DAY)
NEXT = SPAN.end + timedelta(hours=1)


@pytest.fixture
def day(clock: Any, shop: Shop, organization: Organization, owner: User) -> Shop:
    """Credits are bought, and a part of their price is given back; it is an hour past midnight then."""
    shop.buy(owner, organization, "credits_1000", quantity=3)
    shop.buy(owner, organization, "api_pro_monthly")
    order_refund(shop.payment(organization), 100, reason="requested_by_customer", note="", by=owner)
    shop.settle()
    clock.move_to(NEXT)
    return shop


def collected() -> CostDay:
    run = run_now("cost_collector")
    assert run.state == JobRun.State.SUCCEEDED, run.outcome
    return CostDay.objects.get(day=DAY)


def test_stripes_account_is_the_sheet(day: Shop) -> None:
    moved = list(stripe().balance_transactions(SPAN.start, SPAN.end))
    row = collected()
    assert not row.fees_estimated
    assert row.revenue == sum(one.amount for one in moved) == sum(received(SPAN.start, SPAN.end).values())
    assert row.fees == sum(one.fee for one in moved) > 0
    assert row.balance == sum(one.net for one in moved)
    lines = {line.source: line.amount for line in row.lines.all()}
    assert (row.tax, row.addon) == (0, row.revenue)
    assert sum(lines.values()) == row.revenue
    assert lines["credits"] == 1_500


def test_estimates_come_close_and_give_way(day: Shop) -> None:
    day.fake.faults.extend([Fault(), Fault()])
    estimated = collected()
    assert (estimated.fees_estimated, estimated.balance) == (True, None)
    row = collected()
    assert (row.fees_estimated, row.revenue) == (False, estimated.revenue)
    assert abs(row.fees - estimated.fees) <= 1  # each payment of Stripe's is rounded for itself


def test_the_verifier_asks_stripe(day: Shop) -> None:
    run = verify(NEXT)
    assert {one.check_name: one.state for one in run.results.all()}["stripe_balance"] == "ok"
    day.fake.faults.extend([Fault(), Fault()])
    assert not verify(NEXT).ok
    assert HealthRun.objects.get().results.filter(state="failed").count() == 2


def test_a_sandbox_is_not_on_the_sheet(clock: Any, shop: Shop, organization: Organization, owner: User) -> None:
    shop.buy(owner, organization, "credits_1000")
    Organization.objects.filter(pk=organization.pk).update(livemode=False)
    shop.fake.faults.extend([Fault(), Fault()])
    clock.move_to(NEXT)
    row = collected()
    assert (row.revenue, row.fees, row.addon) == (0, 0, 0)
