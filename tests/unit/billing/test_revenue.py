"""What came in by product: taxes off, what went back off, live organizations in US dollars alone."""

from datetime import datetime, timedelta

import pytest

from apps.accounts.models import Organization
from apps.billing import pulse, revenue
from apps.billing.models import Dispute, OverageReport, Refund, Subscription
from apps.billing.services.invoices import PAYMENT_FAILED
from apps.core.clock import now
from apps.core.events import emit
from apps.core.kinds import Concern, PulseMetric, RevenueSource
from apps.core.registry import registry
from tests.common.bills import OVERAGE, make_invoice, make_order, make_payment, make_subscription

pytestmark = pytest.mark.django_db


@pytest.fixture
def week() -> tuple[datetime, datetime]:
    return now() - timedelta(days=7), now() + timedelta(seconds=5)


@pytest.fixture
def twin(organization: Organization) -> Organization:
    """A sandbox, which never counts."""
    return Organization.objects.create(
        realm=organization.realm, name="Twin", slug="twin", livemode=False, twin_of=organization
    )


def test_by_product_without_taxes(
    organization: Organization, twin: Organization, week: tuple[datetime, datetime]
) -> None:
    plan = make_subscription(organization)
    bill = make_invoice(
        organization,
        ("api_usage_developer_monthly", 1, 2_900),
        (OVERAGE, 2_000, 600),
        subscription=plan,
        total=4_165,
        tax=665,
    )
    make_payment(organization, 4_165, invoice=bill)
    seats = make_subscription(organization, "base", quantity=2)
    make_payment(organization, 4_000, invoice=make_invoice(organization, subscription=seats, total=4_000))
    make_payment(organization, 595, order=make_order(organization, total=595, tax=95))
    make_payment(organization, 700)  # nobody knows for what
    make_payment(organization, 900, order=make_order(organization), paid_at=week[0] - timedelta(seconds=1))
    make_payment(organization, 900, order=make_order(organization), currency="EUR")
    make_payment(twin, 900, order=make_order(twin))
    found = revenue.received(*week)
    assert found == {"api": 2_900, "api_overage": 600, "platform": 4_000, "credits": 500, "other": 700}
    assert pulse.api_revenue(*week) == 4_000
    assert pulse.total_revenue(*week) == 8_700
    assert pulse.payments_total(*week) == 4_165 + 4_000 + 595 + 700
    assert revenue.other_currencies(*week) == ["EUR"]


def test_what_went_back_is_taken_off_when_it_goes(organization: Organization, week: tuple[datetime, datetime]) -> None:
    order = make_order(organization, total=1_190, tax=190)
    old = make_payment(organization, 1_190, order=order, paid_at=week[0] - timedelta(days=30))
    Refund.objects.create(payment=old, amount=595, tax=95, state=Refund.State.SUCCEEDED)
    Refund.objects.create(payment=old, amount=300, state=Refund.State.REFUSED)
    taken = {"stripe_id": "dp_1", "amount": 119, "status": "needs_response", "created_at": now()}
    Dispute.objects.create(payment=old, **taken)
    Dispute.objects.create(payment=old, **{**taken, "stripe_id": "dp_2", "status": "won"})
    Dispute.objects.create(payment=old, **{**taken, "stripe_id": "dp_3", "status": "warning_needs_response"})
    assert revenue.received(*week) == {"credits": -500 - 100}


def test_each_source_says_its_own_part(organization: Organization, week: tuple[datetime, datetime]) -> None:
    make_payment(organization, 500, order=make_order(organization))
    told = {source.name: source.collect(*week) for source in registry(RevenueSource).all()}
    assert {name: amount for name, amount in told.items() if amount} == {"credits": 500}
    assert [source.name for source in registry(RevenueSource).all() if not source.addon] == ["platform"]


def test_recurring_revenue_is_that_of_who_pays(organization: Organization, twin: Organization) -> None:
    end = now() + timedelta(seconds=5)
    make_subscription(organization, "base", quantity=3)
    make_subscription(organization, "api_pro", status=Subscription.Status.PAST_DUE)
    make_subscription(organization, "api_enterprise", status=Subscription.Status.TRIALING)
    make_subscription(organization, "api_enterprise", suspended=True)
    make_subscription(organization, "api_enterprise", created_at=end)
    make_subscription(twin, "api_enterprise")
    ended = make_subscription(organization, "api_pro", status=Subscription.Status.CANCELED, ended_at=end)
    assert pulse.monthly(end) == 3 * 2_000 + 2 * 1_900
    assert pulse.monthly(ended.ended_at + timedelta(seconds=1)) == 3 * 2_000 + 1_900 + 19_900
    metrics = registry(PulseMetric)
    assert metrics.get("mrr_base").compute(end, end) == 6_000
    assert metrics.get("subscriptions_api_pro").compute(end, end) == 2
    assert metrics.get("active_subscriptions").compute(end, end) == 3


def test_what_is_not_sold_yet_has_no_figure(db: None) -> None:
    metrics = registry(PulseMetric)
    assert metrics.get("subscriptions_white_label_basic").compute(now(), now()) is None
    assert metrics.get("mrr_insights").compute(now(), now()) is None
    assert metrics.get("subscriptions_api_pro").compute(now(), now()) == 0


def test_overage_and_failures(organization: Organization, week: tuple[datetime, datetime]) -> None:
    plan = make_subscription(organization)
    values = {"organization": organization, "subscription": plan, "period": "2026-01", "meter": "api_overage"}
    OverageReport.objects.create(**values, value=70)
    OverageReport.objects.create(**values, value=5, state=OverageReport.State.TAKEN_BACK)
    emit(PAYMENT_FAILED, {"invoice": "inv_1", "attempt": 1, "next_attempt": None}, organization_id=organization.pk)
    assert pulse.overage_calls(*week) == 70
    assert pulse.payments_failed(*week) == 1


def test_concerns_count_and_lead_somewhere(organization: Organization) -> None:
    make_invoice(organization, total=100, status="open", attempts=1)
    found = {one.name: one.count() for one in registry(Concern).all() if one in pulse.CONCERNS}
    assert found == {"failed_bills": 1, "open_disputes": 0, "failed_refunds": 0, "reconciliation": 0, "abuse": 0}
    assert all(one.url().startswith("/admin/billing/") for one in pulse.CONCERNS)
