"""Money that went back is not had twice: neither as credit and refund, nor while what it paid for stays."""

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest

from apps.billing.models import Entitlement, Payment
from apps.billing.services import abuse, refunds, subscriptions
from apps.core.entitlements import most
from apps.core.errors import ConflictError
from apps.integrations.stripe.errors import StripeUnavailableError
from apps.integrations.stripe.fake.disputes import close_dispute, open_dispute
from apps.integrations.stripe.gateway import StripeGateway
from tests.common.roles import actor_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


@pytest.fixture
def seat(shop, owner, organization, clock):
    """One paid seat."""
    shop.buy(owner, organization, "base_monthly", quantity=1)
    clock.shift(timedelta(days=15))
    shop.world.catch_up()
    shop.settle()


@pytest.fixture
def change(shop, owner, organization):
    def do(price, quantity=1, line="api", *, settle=True):
        row = shop.subscription(organization, line)
        offer = subscriptions.offer_change(row, price, quantity)
        actor = actor_of(owner, organization)
        subscriptions.change(actor, row, price, quantity, at=offer.at, period_end=row.period_end)
        if settle:
            shop.settle()
        return offer

    return do


def bank_takes_back(shop, payment, amount=None):
    [charge] = shop.world.find("charge", payment_intent=payment.stripe_id)
    open_dispute(shop.world, charge, **({"amount": amount} if amount else {}))
    shop.settle()


def decide(shop, *, won):
    [dispute] = shop.world.find("dispute")
    with shop.world.atomic():
        close_dispute(shop.world, dispute, won=won)
    shop.settle()


def credit(shop):
    return -shop.world.find("customer")[0]["balance"]


def latest_of(first):
    return Payment.objects.unscoped().exclude(pk=first.pk).get()


def latest():
    return Payment.objects.unscoped().order_by("-paid_at")[0]


def test_a_disputed_bill_is_not_kept_by_a_smaller_plan(shop, owner, organization, change):
    shop.buy(owner, organization, "api_usage_enterprise_monthly")
    payment = shop.payment(organization)
    offer = change("api_enterprise_monthly")
    assert offer.total.minor < 0, "nothing was paid for it"
    bank_takes_back(shop, payment)
    assert shop.subscription(organization).suspended
    decide(shop, won=True)
    assert not shop.subscription(organization).suspended


def test_a_bill_that_a_dearer_plan_was_paid_on_top_of_may_be_disputed(shop, owner, organization, change):
    shop.buy(owner, organization, "api_pro_monthly")
    first = shop.payment(organization)
    change("api_enterprise_monthly")
    bank_takes_back(shop, first)
    assert not shop.subscription(organization).suspended, "it was paid by a bill of its own"


def test_a_bank_takes_back_most_of_it(shop, owner, organization):
    shop.buy(owner, organization, "api_usage_enterprise_monthly")
    payment = shop.payment(organization)
    bank_takes_back(shop, payment, payment.amount - 1)
    assert shop.subscription(organization).suspended


def test_a_bank_takes_back_a_part(shop, owner, organization):
    shop.buy(owner, organization, "api_usage_enterprise_monthly")
    payment = shop.payment(organization)
    bank_takes_back(shop, payment, payment.amount // 2)
    assert not shop.subscription(organization).suspended


def test_seats_whose_bill_was_taken_back_go_and_come(shop, organization, change, seat):
    change("base_monthly", 500, line="platform")
    assert most(organization.pk, "organization.members") == 500
    bank_takes_back(shop, latest())
    assert not shop.subscription(organization, "platform").suspended, "the first seat is paid"
    assert shop.subscription(organization, "platform").quantity == 500, "as Stripe has it"
    assert Entitlement.objects.for_organization(organization).get(feature="organization.members").value == 1
    decide(shop, won=True)
    assert most(organization.pk, "organization.members") == 500


def test_a_credit_that_was_spent_is_not_refunded(shop, owner, organization, change, seat):
    """A large plan, changed to a small one; the difference pays for seats; then the first payment is refunded."""
    shop.buy(owner, organization, "api_usage_enterprise_monthly")
    first = latest()
    change("api_pro_monthly")
    given = credit(shop)
    assert given > 0
    change("base_monthly", 3, line="platform")
    assert credit(shop) < given, "some of it is spent"
    assert refunds.refundable(first).minor == first.amount - given


def test_a_refund_before_the_credit_is_known(shop, owner, organization, change):
    """A smaller plan was taken this moment, and no event has come."""
    shop.buy(owner, organization, "api_usage_enterprise_monthly")
    payment = shop.payment(organization)
    change("api_pro_monthly", settle=False)
    assert credit(shop) > 0
    with pytest.raises(ConflictError, match="a moment ago"):
        refunds.order_refund(payment, payment.amount, reason="duplicate", note="", by=owner)
    shop.settle()
    assert refunds.refundable(payment).minor == payment.amount - credit(shop)


def test_a_larger_plan_again_is_paid_by_the_credit(shop, owner, organization, change):
    """Down and up: nothing is left as credit, and all that was paid can be refunded."""
    shop.buy(owner, organization, "api_usage_enterprise_monthly")
    payment = shop.payment(organization)
    change("api_pro_monthly")
    change("api_usage_enterprise_monthly")
    assert credit(shop) == 0
    paid = list(Payment.objects.unscoped())
    assert sum(refunds.refundable(one).minor for one in paid) == sum(one.amount for one in paid)
    assert refunds.refundable(payment).minor == payment.amount


def test_what_a_smaller_plan_gave_back_is_off_the_latest_payment_first(shop, owner, organization, change):
    shop.buy(owner, organization, "api_pro_monthly")
    first = shop.payment(organization)
    change("api_usage_enterprise_monthly")
    second = latest_of(first)
    change("api_usage_professional_monthly")
    assert 0 < credit(shop) < second.amount
    assert refunds.refundable(first).minor == first.amount
    assert refunds.refundable(second).minor == second.amount - credit(shop)


def test_a_bill_of_the_month_before_is_refunded_whole(shop, owner, organization, change, clock):
    shop.buy(owner, organization, "api_usage_enterprise_monthly")
    first = shop.payment(organization)
    clock.move_to(datetime(2027, 4, 2, 9, 30, tzinfo=UTC))
    shop.world.catch_up()
    shop.settle()
    change("api_pro_monthly")
    assert credit(shop) > 0
    assert refunds.refundable(first).minor == first.amount, "April's bill gave that back"


def test_a_part_that_was_refunded_is_not_credited_too(shop, owner, staff, organization, change, clock):
    shop.buy(owner, organization, "api_usage_enterprise_monthly")
    payment = shop.payment(organization)
    refunds.order_refund(payment, 100, reason="requested_by_customer", note="", by=staff)
    with pytest.raises(ConflictError, match="1 April"):
        change("api_pro_monthly")
    shop.settle()
    with pytest.raises(ConflictError, match="1 April"):
        change("api_pro_monthly")
    clock.move_to(datetime(2027, 4, 2, 9, 30, tzinfo=UTC))
    shop.world.catch_up()
    shop.settle()
    change("api_pro_monthly")


def test_a_refund_whose_answer_was_lost_is_not_done_again_after_stripe_forgot(shop, owner, staff, organization, clock):
    shop.buy(owner, organization, "credits_1000", quantity=4)
    refunds.order_refund(shop.payment(organization), 500, reason="duplicate", note="", by=staff)
    real = StripeGateway.refund

    def lost(gateway, *what, **more):
        real(gateway, *what, **more)
        raise StripeUnavailableError("", ambiguous=True)

    with patch.object(StripeGateway, "refund", lost):
        refunds.refund_ordered()
    clock.shift(timedelta(hours=25))
    shop.new_events()
    refunds.refund_ordered()
    assert [one["amount"] for one in shop.world.find("refund")] == [500]


def test_credit_that_is_left_after_a_lost_dispute_is_told(shop, owner, organization, change):
    shop.buy(owner, organization, "api_usage_enterprise_monthly")
    payment = shop.payment(organization)
    change("api_pro_monthly")
    bank_takes_back(shop, payment)
    assert abuse.look() == 0, "it is not decided"
    decide(shop, won=False)
    assert shop.subscription(organization).status == "canceled"
    assert credit(shop) > 0
    assert abuse.look() == 1
