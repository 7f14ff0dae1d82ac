"""Months and what they include: nobody pays for what was included, nor uses what was not, whatever the plan became."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.billing.models import CreditGrant, Invoice, OverageReport
from apps.billing.selectors import credits_left, credits_used, overage_reported
from apps.billing.services import holds, overage, refunds, subscriptions
from apps.billing.services.customers import customer_of
from apps.billing.tasks import settle
from apps.core.errors import ConflictError
from apps.integrations.stripe.fake.disputes import open_dispute
from apps.usage.limits import limits_of
from apps.usage.periods import month_of
from apps.usage.services.corrections import correct
from tests.common.roles import actor_of
from tests.common.shopping import BEGIN
from tests.common.usage import call

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]
APRIL = datetime(2027, 4, 1, tzinfo=UTC)
MARCH = "2027-03"


@pytest.fixture
def actor(owner, organization):
    return actor_of(owner, organization)


def count(shop):
    settle()
    overage.count_all()
    shop.settle()


def change(actor, shop, organization, price):
    offer = subscriptions.offer_change(shop.subscription(organization), price, 1)
    subscriptions.change(actor, offer.subscription, price, 1, at=offer.at, period_end=offer.subscription.period_end)
    shop.settle()


def april(shop, clock, minutes=65):
    clock.move_to(APRIL + timedelta(minutes=minutes))
    shop.world.catch_up()
    shop.settle()


def test_credits_are_good_in_the_months_after_too(shop, owner, organization, clock):
    shop.buy(owner, organization, "credits_1000", quantity=5)
    clock.move_to(APRIL + timedelta(days=5))
    settle()
    assert limits_of(organization).ceiling(month_of(APRIL)) == 6_000
    call(organization, 3_000)
    settle()
    assert (credits_used(organization, "2027-04"), credits_left(organization)) == (2_000, 3_000)


def test_a_month_is_billed_by_the_plan_that_it_had(shop, actor, owner, organization, clock):
    """A smaller plan from the 1st on: what was included in March stays included."""
    clock.move_to(BEGIN - timedelta(days=28))
    shop.buy(owner, organization, "api_usage_professional_monthly")
    clock.move_to(BEGIN)
    shop.world.catch_up()
    shop.settle()
    call(organization, 60_000)
    count(shop)
    april(shop, clock, minutes=10)
    change(actor, shop, organization, "api_usage_developer_monthly")
    count(shop)
    assert overage_reported(organization, MARCH) == 10_000


@pytest.mark.parametrize("how", ["refund", "end of the month"])
def test_calls_that_a_plan_included_cost_no_credits(shop, actor, owner, staff, organization, clock, how):
    shop.buy(owner, organization, "api_pro_monthly")
    paid = shop.payment(organization)
    shop.buy(owner, organization, "credits_1000", quantity=9)
    call(organization, 9_000)
    settle()
    if how == "refund":
        refunds.order_refund(paid, paid.amount, reason="duplicate", note="", by=staff)
        shop.settle()
    else:
        subscriptions.cancel(actor, shop.subscription(organization))
        april(shop, clock)
    assert limits_of(organization).quota == 1_000
    settle()
    assert credits_left(organization) == 9_000


@pytest.mark.parametrize("told_after", [5, 60 * 24 * 3])
def test_a_plan_that_ended_with_its_month_includes_nothing_of_the_next(
    shop, actor, owner, organization, clock, told_after
):
    shop.buy(owner, organization, "api_enterprise_monthly")
    shop.buy(owner, organization, "credits_1000", quantity=4)
    subscriptions.cancel(actor, shop.subscription(organization))
    shop.settle()
    clock.move_to(APRIL + timedelta(minutes=1))
    settle()
    april(shop, clock, minutes=told_after)
    assert limits_of(organization).quota == 1_000
    call(organization, 3_000)
    settle()
    assert (credits_used(organization, "2027-04"), credits_left(organization)) == (2_000, 2_000)


def test_back_within_the_plan_nothing_is_billed(shop, owner, organization, clock):
    shop.buy(owner, organization, "api_usage_developer_monthly")
    wrong = call(organization, 500)
    call(organization, 10_000)
    count(shop)
    clock.shift(timedelta(hours=1))
    correct(wrong, "counted twice")
    count(shop)
    assert overage_reported(organization, MARCH) == 0


def test_credits_that_were_used_stay_used(shop, actor, owner, organization, clock):
    """20,000 calls in advance, used up; then a plan without a limit for the last hour of the month, canceled."""
    shop.buy(owner, organization, "api_pro_monthly")
    shop.buy(owner, organization, "credits_1000", quantity=20)
    wrong = call(organization, 400)
    call(organization, 29_500)
    settle()
    call(organization, 50)  # which are not settled yet
    clock.move_to(datetime(2027, 3, 31, 23, tzinfo=UTC))
    shop.world.catch_up()
    change(actor, shop, organization, "api_enterprise_monthly")
    subscriptions.cancel(actor, shop.subscription(organization))
    call(organization, 1)
    settle()
    assert (credits_used(organization, MARCH), credits_left(organization)) == (19_950, 50)
    call(organization, 50_000)
    settle()
    assert credits_used(organization, MARCH) == 19_950, "the larger plan included these"
    assert limits_of(organization).quota is None
    correct(wrong, "counted twice")
    settle()
    assert credits_used(organization, MARCH) == 19_950, "of the 50,001 later ones: those cost nothing either way"


def test_what_staff_take_back_gives_credits_back_under_a_larger_plan_too(shop, owner, organization, clock):
    shop.buy(owner, organization, "credits_1000", quantity=5)
    wrong = call(organization, 500)
    call(organization, 3_500)
    settle()
    assert credits_left(organization) == 2_000
    shop.buy(owner, organization, "api_pro_monthly")
    call(organization, 1)
    settle()
    assert credits_left(organization) == 2_000, "a larger plan includes what is called from now on"
    clock.shift(timedelta(hours=1))
    correct(wrong, "counted twice")
    settle()
    assert credits_left(organization) == 2_499


def test_nothing_is_paid_by_credits_and_billed_too(shop, owner, organization, clock):
    shop.buy(owner, organization, "api_usage_developer_monthly")
    call(organization, 15_000)
    count(shop)
    clock.shift(timedelta(days=2))
    shop.buy(owner, organization, "credits_1000", quantity=5)
    call(organization, 1_000)
    count(shop)
    assert overage_reported(organization, MARCH) == 5_000
    assert credits_left(organization) == 4_000


def test_credits_of_april_pay_nothing_of_march(shop, owner, organization, clock):
    shop.buy(owner, organization, "api_usage_developer_monthly")
    call(organization, 12_000)
    clock.move_to(APRIL + timedelta(minutes=10))
    shop.buy(owner, organization, "credits_1000", quantity=5)
    count(shop)
    assert (credits_left(organization), overage_reported(organization, MARCH)) == (5_000, 2_000)


def test_the_last_calls_of_a_plan_that_ends_are_on_its_last_bill(shop, actor, owner, organization, clock):
    shop.buy(owner, organization, "api_usage_developer_monthly")
    subscriptions.cancel(actor, shop.subscription(organization))
    shop.settle()
    clock.move_to(APRIL - timedelta(seconds=20))
    call(organization, 40_000)
    clock.move_to(APRIL + timedelta(minutes=5))
    shop.world.catch_up()
    shop.settle()
    count(shop)
    assert overage_reported(organization, MARCH) == 30_000


def test_what_is_late_is_on_the_next_bill(shop, owner, organization, clock):
    """The job ran three hours late: March's bill is final."""
    shop.buy(owner, organization, "api_usage_developer_monthly")
    call(organization, 12_000)
    april(shop, clock, minutes=185)
    count(shop)
    assert OverageReport.objects.for_organization(organization).get().state == "sent"
    clock.move_to(datetime(2027, 5, 1, 1, 5, tzinfo=UTC))
    shop.world.catch_up()
    shop.settle()
    bill = Invoice.objects.for_organization(organization).order_by("-created_at")[0]
    assert bill.lines.get(price="api_usage_developer_overage").quantity == 2_000


def test_a_large_plan_used_up_is_not_given_back(shop, actor, owner, organization):
    shop.buy(owner, organization, "api_usage_enterprise_monthly")
    call(organization, 240_000)
    with pytest.raises(ConflictError, match="1 April"):
        subscriptions.offer_change(shop.subscription(organization), "api_pro_monthly", 1)


def test_one_organizations_trouble_is_no_others(shop, owner, organization, outsider, monkeypatch):
    elsewhere = outsider.memberships.select_related("organization")[0].organization
    for place, person in ((organization, owner), (elsewhere, outsider)):
        shop.buy(person, place, "credits_1000", quantity=2)
        call(place, 1_500)
    whole = overage.credits.settle

    def broken(place, *rest):
        if place == organization:
            raise ValueError("broken")
        return whole(place, *rest)

    monkeypatch.setattr(overage.credits, "settle", broken)
    settle()
    assert (credits_left(organization), credits_left(elsewhere)) == (2_000, 1_500)


def test_who_is_idle_costs_one_query_a_month(shop, owner, organization, django_assert_num_queries):
    shop.buy(owner, organization, "credits_1000", quantity=2)
    call(organization, 1_500)
    settle()
    with django_assert_num_queries(1):
        assert overage.settle_all() == 0


def test_until_a_bill_is_paid_there_is_no_overage(shop, owner, organization, clock):
    shop.buy(owner, organization, "api_usage_developer_monthly", card="fails_later")
    april(shop, clock)
    assert shop.subscription(organization).status == "past_due"
    assert limits_of(organization).ceiling(month_of(APRIL)) == 10_000
    with pytest.raises(ConflictError, match="not paid"):
        subscriptions.offer_change(shop.subscription(organization), "api_pro_monthly", 1)


@pytest.mark.parametrize("by", ["a dispute", "staff"])
def test_on_hold_there_is_no_overage(shop, owner, organization, clock, by):
    shop.buy(owner, organization, "api_usage_developer_monthly")
    assert limits_of(organization).overage is None
    if by == "staff":
        holds.hold_by_staff(customer_of(organization), "looked at")
    else:
        [charge] = shop.world.find("charge", payment_intent=shop.payment(organization).stripe_id)
        open_dispute(shop.world, charge, inquiry=True)
        shop.settle()
    assert limits_of(organization).overage == 0
    assert limits_of(organization).ceiling(month_of(BEGIN)) == 10_000
    holds.release(customer_of(organization))
    assert limits_of(organization).overage is None


def test_what_runs_out_pays_for_what_was_called_before(shop, owner, organization, clock):
    shop.buy(owner, organization, "credits_1000", quantity=2)
    grant = CreditGrant.objects.for_organization(organization).get()
    CreditGrant.objects.for_organization(organization).update(expires_at=BEGIN + timedelta(minutes=1))
    call(organization, 1_500)
    clock.shift(timedelta(minutes=2))
    settle()
    grant.refresh_from_db()
    assert (grant.used, grant.expired) == (500, 1_500)
    assert limits_of(organization).credits == 500
