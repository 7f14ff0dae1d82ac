"""Money that comes and goes otherwise than it was thought to: the books say what is true in the end."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
import time_machine
from django.db import transaction

from apps.billing.errors import RefundTooLargeError
from apps.billing.foresight import after_refund
from apps.billing.models import CreditGrant, Customer, Dispute, Invoice, Order, Payment, Refund
from apps.billing.services import disputes, invoices, orders, payments, refunds, subscriptions
from apps.core.entitlements import entitlement
from apps.integrations.models import StripeObject
from apps.integrations.stripe import objects, watching
from apps.integrations.stripe.connection import stripe
from apps.integrations.stripe.fake.refunds import fail_refund
from apps.ledger.models import Account
from apps.ledger.selectors import differences
from apps.usage.plans import API_PLAN
from tests.common.roles import actor_of
from tests.common.usage import call

pytestmark = pytest.mark.django_db
BEGIN = datetime(2027, 3, 12, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(db):
    with time_machine.travel(BEGIN, tick=True) as clock:
        yield clock


def balance(key):
    row = Account.objects.unscoped().filter(key=key).first()
    return row.balance.minor if row else 0


def dispute_of(payment, status="needs_response", fee=1_500, currency="USD"):
    return objects.Dispute(
        "dp_1", payment.stripe_id, payment.amount, "USD", status, "fraudulent", fee, None, BEGIN, currency
    )


def told_of(organization, *, total, tax, amount=None, fee_currency="USD"):
    """Credits that were bought, as Stripe tells of their payment and of their page."""
    order = orders.place_order(None, organization, "credits_1000", quantity=2)
    Customer.objects.unscoped().filter(organization=organization).update(stripe_id="cus_1")
    payment = objects.Payment(
        "pi_1",
        "cus_1",
        "succeeded",
        "USD",
        total,
        total,
        "ch_1",
        44,
        0,
        BEGIN,
        "",
        "",
        BEGIN,
        fee_currency=fee_currency,
    )
    page = objects.CheckoutSession(
        "cs_1", "", "complete", "paid", "payment", "cus_1", "", "pi_1", order.public_id, total, tax, "USD", BEGIN,
        {"order": order.public_id},
    )  # fmt: skip
    return payment, page


def see_page(page):
    with transaction.atomic():
        orders.apply(page)


# Refunds --------------------------------------------------------------------------------------------------------------
def test_a_refund_that_fails_after_it_succeeded_is_back(shop, owner, staff, organization):
    """The card's account was closed meanwhile: the bank sends the money back."""
    shop.buy(owner, organization, "credits_1000", quantity=4)
    payment, before = shop.payment(organization), balance("stripe:USD")
    refunds.order_refund(payment, 500, reason="duplicate", note="", by=staff)
    shop.settle()
    assert (balance("stripe:USD"), Refund.objects.get().state) == (before - 500, Refund.State.SUCCEEDED)
    [refund] = shop.world.find("refund")
    fail_refund(shop.world, refund)
    for _time in range(2):
        shop.settle()
        watching.note("refund", refund["id"])
        shop.work()
    payment.refresh_from_db()
    assert (Refund.objects.get().state, payment.refunded) == (Refund.State.FAILED, 0)
    assert (balance("stripe:USD"), balance("refunds:USD")) == (before, 0)
    assert not StripeObject.objects.exclude(state="seen").exists()
    assert not differences()


def test_the_tax_of_a_refund_waits_until_it_is_known(organization):
    payment, page = told_of(organization, total=1_200, tax=200)
    refund = objects.Refund("re_1", "pi_1", 600, "USD", "pending", "", BEGIN)
    payments.apply(payment)
    refunds.apply(refund)
    assert Refund.objects.get().tax is None
    see_page(page)
    assert StripeObject.objects.filter(kind="refund", object_id="re_1", state="waiting").exists(), "looked at again"
    refunds.apply(replace(refund, status="succeeded"))
    assert Refund.objects.get().tax == 100
    assert (balance("tax:USD"), balance("refunds:USD")) == (200 - 100, 600 - 100 - 500)


@pytest.mark.parametrize("first", ["re_1", "re_2", "re_3"])
def test_parts_give_back_the_tax_exactly(organization, first):
    """Whichever is told of first, and though one of them failed."""
    payment, page = told_of(organization, total=1_011, tax=11)
    payments.apply(payment)
    see_page(page)
    amounts = {"re_1": 500, "re_2": 505, "re_3": 6}
    seen = [objects.Refund(key, "pi_1", amount, "USD", "pending", "", BEGIN) for key, amount in amounts.items()]
    for one in sorted(seen, key=lambda one: one.id != first):
        refunds.apply(one)
    assert sum(Refund.objects.values_list("tax", flat=True)) == 11
    refunds.apply(replace(seen[0], status="failed"))
    for one in seen[1:]:
        refunds.apply(replace(one, status="succeeded"))
    refunds.apply(objects.Refund("re_4", "pi_1", 500, "USD", "succeeded", "", BEGIN))
    assert sum(Refund.objects.exclude(state="failed").values_list("tax", flat=True)) == 11
    assert balance("tax:USD") == 0
    assert not differences()


def test_parts_that_fail_leave_the_tax_exact(organization):
    """The last of them was given what the others' rounding left; of these, some fail."""
    payment, page = told_of(organization, total=1_200, tax=200)
    payments.apply(payment)
    see_page(page)
    seen = [objects.Refund(f"re_{n}", "pi_1", n, "USD", "succeeded", "", BEGIN) for n in (5, 4, 1_191)]
    for one in seen:
        refunds.apply(one)
    for one in seen[:2]:
        refunds.apply(replace(one, status="failed"))
    for number in (6, 3):
        refunds.apply(objects.Refund(f"re_{number}", "pi_1", number, "USD", "succeeded", "", BEGIN))
    assert sum(Refund.objects.exclude(state="failed").values_list("tax", flat=True)) == 200
    assert (balance("tax:USD"), balance("refunds:USD")) == (0, 0)
    assert not differences()


def test_the_tax_of_what_credit_paid_stays(shop, owner, organization):
    """A bill of 24 with a tax of 4, of which 6 were paid with credit: 18 go back, and 3 of the tax."""
    shop.buy(owner, organization, "api_pro_monthly")
    first = shop.payment(organization)
    Invoice.objects.unscoped().filter(pk=first.invoice.pk).update(total=2_400, tax=400)
    Payment.objects.unscoped().filter(pk=first.pk).update(amount=1_800)
    for number, amount in enumerate((1_000, 800)):
        refunds.apply(objects.Refund(f"re_{number}", first.stripe_id, amount, "USD", "succeeded", "", BEGIN))
    assert sum(Refund.objects.values_list("tax", flat=True)) == 300


def test_a_refund_that_takes_the_place_of_one_that_failed(shop, owner, staff, organization, clock):
    """And of the failure no event came: what seems too much makes us look at the others first."""
    shop.buy(owner, organization, "credits_1000", quantity=4)
    payment, before = shop.payment(organization), balance("stripe:USD")
    refunds.order_refund(payment, payment.amount, reason="duplicate", note="", by=staff)
    shop.settle()
    [failed] = shop.world.find("refund")
    clock.shift(timedelta(minutes=5))
    fail_refund(shop.world, failed)
    shop.new_events()
    stripe().refund(payment.stripe_id, amount=payment.amount, reason="", metadata={}, key="again")
    shop.settle()
    assert StripeObject.objects.filter(state="waiting", last_error__contains="needed first").exists()
    clock.shift(timedelta(minutes=5))
    shop.settle()
    payment.refresh_from_db()
    assert payment.refunded == payment.amount == before - balance("stripe:USD")
    assert set(Refund.objects.values_list("state", flat=True)) == {"failed", "succeeded"}
    assert not StripeObject.objects.exclude(state="seen").exists()
    assert not differences()


def test_what_was_ordered_waits_until_it_is_known_that_another_failed(shop, owner, staff, organization, clock):
    shop.buy(owner, organization, "credits_1000", quantity=4)
    payment = shop.payment(organization)
    stripe().refund(payment.stripe_id, amount=1_500, reason="", metadata={}, key="first")
    shop.settle()
    refunds.order_refund(payment, 500, reason="duplicate", note="", by=staff)
    clock.shift(timedelta(minutes=5))
    [first] = shop.world.find("refund")
    fail_refund(shop.world, first)
    shop.new_events()  # of which nobody tells us
    stripe().refund(payment.stripe_id, amount=500, reason="", metadata={}, key="second")
    shop.settle()  # all of it is on its way now, as far as anybody here knows
    clock.shift(timedelta(minutes=5))
    shop.settle()
    payment.refresh_from_db()
    assert sorted(Refund.objects.values_list("state", "amount")) == [
        ("failed", 1_500), ("succeeded", 500), ("succeeded", 500)
    ]  # fmt: skip
    assert payment.refunded == 1_000
    assert not differences()


# Disputes -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("ends", [("lost", "won"), ("won", "lost"), ("lost", "won", "lost", "lost")])
def test_a_dispute_is_decided_again(shop, owner, organization, ends):
    shop.buy(owner, organization, "credits_1000", quantity=4)
    payment, before = shop.payment(organization), balance("stripe:USD")
    for status in ends:
        disputes.apply(dispute_of(payment, status))
    gone = payment.amount if ends[-1] == "lost" else 0
    assert balance("disputes:USD") == gone
    assert balance("stripe:USD") == before - gone - 1_500
    assert not differences()


def test_what_stripe_gives_back_of_a_disputes_fee_is_booked_back(shop, owner, organization):
    shop.buy(owner, organization, "credits_1000", quantity=4)
    payment, before = shop.payment(organization), balance("fees:USD")
    disputes.apply(dispute_of(payment))
    assert balance("fees:USD") == before + 1_500
    for _time in range(2):
        disputes.apply(dispute_of(payment, "won", fee=0))
    assert (balance("fees:USD"), Dispute.objects.get().fee) == (before, 0)


def test_a_dispute_that_is_won_in_the_next_month_leaves_nothing_behind(shop, owner, organization, clock):
    """What is charged again is given again, whether or not the bank has decided."""
    shop.buy(owner, organization, "api_pro_monthly")
    payment = shop.payment(organization)
    disputes.apply(dispute_of(payment))
    assert shop.subscription(organization).suspended
    clock.move_to(datetime(2027, 4, 1, 2, tzinfo=UTC))
    shop.world.catch_up()
    shop.settle()
    assert not shop.subscription(organization).suspended, "April is paid"
    disputes.apply(dispute_of(payment, "won"))
    shop.settle()
    assert shop.subscription(organization).grants
    assert entitlement(organization.pk, API_PLAN) == "pro"


# What a bill paid for -------------------------------------------------------------------------------------------------
def change(shop, owner, organization, price, quantity=1, line="api"):
    row = shop.subscription(organization, line)
    offer = subscriptions.offer_change(row, price, quantity)
    actor = actor_of(owner, organization)
    subscriptions.change(actor, row, price, quantity, at=offer.at, period_end=row.period_end)
    shop.settle()


def give_back(shop, payment, staff):
    coming = after_refund(payment, payment.amount)
    refunds.order_refund(payment, payment.amount, reason="duplicate", note="", by=staff)
    shop.settle()
    return coming


def test_the_bill_of_one_seat_more_is_not_the_plan(shop, owner, staff, organization, clock):
    shop.buy(owner, organization, "base_monthly", quantity=2)
    clock.shift(timedelta(days=16))
    shop.world.catch_up()
    shop.settle()
    change(shop, owner, organization, "base_monthly", 3, "platform")
    seat = Payment.objects.for_organization(organization).order_by("amount")[0]
    coming = give_back(shop, seat, staff)
    assert shop.subscription(organization, "platform").status == "active"
    assert any("goes on" in line for line in coming)


def test_the_first_bill_is_not_the_plan_that_was_changed_to(shop, owner, staff, organization):
    shop.buy(owner, organization, "api_pro_monthly")
    first = shop.payment(organization)
    change(shop, owner, organization, "api_enterprise_monthly")
    assert any("goes on" in line for line in give_back(shop, first, staff))
    row = shop.subscription(organization)
    assert (row.status, row.product, row.suspended) == ("active", "api_enterprise", False)
    changed = Payment.objects.for_organization(organization).order_by("-amount")[0]
    assert any("ends at once" in line for line in give_back(shop, changed, staff))
    assert shop.subscription(organization).status == "canceled"


# Bills that nobody pays -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("ends", ["paid", "void", "uncollectible"])
def test_what_was_given_up_is_paid_after_all_or_void(shop, owner, organization, ends):
    shop.buy(owner, organization, "api_pro_monthly")
    known = Invoice.objects.for_organization(organization).get()
    sales, there = balance("sales:api_pro:USD"), stripe().fetch("invoice", known.stripe_id)
    bill = replace(
        there, id="in_x", status="open", total=1_900, tax=0, paid=0, remaining=1_900, payment_intents=(),
        lines=(replace(there.lines[0], id="il_x", amount=1_900),),
    )  # fmt: skip
    receivable = f"receivable:{organization.public_id}:USD"
    for status in ("open", "uncollectible", "uncollectible"):
        invoices.apply(replace(bill, status=status))
    assert (balance("bad_debt:USD"), balance(receivable), balance("sales:api_pro:USD")) == (1_900, 0, sales + 1_900)
    if ends == "paid":
        invoices.apply(replace(bill, status=ends, paid=1_900, remaining=0, payment_intents=("pi_x",)))
        paid = stripe().fetch("payment_intent", shop.payment(organization).stripe_id)
        payments.apply(replace(paid, id="pi_x", amount=1_900, received=1_900, charge="ch_x"))
    else:
        invoices.apply(replace(bill, status=ends))
    lost, sold = {"paid": (0, 1_900), "void": (0, 0), "uncollectible": (1_900, 1_900)}[ends]
    assert (balance("bad_debt:USD"), balance(receivable), balance("sales:api_pro:USD")) == (lost, 0, sales + sold)
    assert not differences()


# Fees in another currency ---------------------------------------------------------------------------------------------
def test_a_fee_in_another_currency_is_taken_of_what_is_there_in_it(organization):
    payment, page = told_of(organization, total=1_000, tax=0, fee_currency="EUR")
    payments.apply(payment)
    see_page(page)
    row = Payment.objects.for_organization(organization).get()
    assert (row.amount, row.order.state) == (1_000, Order.State.PAID)
    assert (balance("stripe:USD"), balance("stripe:EUR"), balance("fees:EUR")) == (1_000, -44, 44)
    disputes.apply(dispute_of(row, fee=1_400, currency="EUR"))
    assert (balance("stripe:EUR"), balance("fees:EUR")) == (-1_444, 1_444)
    assert not differences()


# Somebody else's ------------------------------------------------------------------------------------------------------
def test_what_goes_back_of_others_payments_is_nobodys_trouble(shop, clock):
    """Others may sell through the same account."""
    theirs = stripe().create_customer(email="a@example.org", name="Theirs", metadata={}, key="theirs")
    payment = {
        "id": "pi_f", "object": "payment_intent", "customer": theirs.id, "status": "succeeded", "currency": "usd",
        "amount": 5, "amount_received": 5, "created": int(BEGIN.timestamp()), "metadata": {},
        "latest_charge": {"id": "ch_f", "created": int(BEGIN.timestamp())},
    }  # fmt: skip
    refund = {
        "id": "re_f", "payment_intent": "pi_f", "amount": 5, "currency": "usd", "status": "succeeded",
        "created": int(BEGIN.timestamp()), "metadata": {},
    }  # fmt: skip
    known = {"pi_f": payment, "re_f": refund, "re_g": {**refund, "id": "re_g", "payment_intent": None}}
    with (
        patch.object(watching, "mirror"),
        patch("apps.integrations.stripe.gateway.StripeGateway.fetch_raw", lambda gateway, kind, key: known[key]),
    ):
        for key in ("re_f", "re_g"):
            watching.note("refund", key)
        for _time in range(4):
            watching.look_at_due()
            clock.shift(timedelta(hours=2))
    assert dict(StripeObject.objects.values_list("object_id", "state")) == dict.fromkeys(known, "seen")
    assert not Refund.objects.exists()


def test_what_a_smaller_plan_gave_back_is_not_refunded_too(shop, owner, staff, organization):
    """The difference is to the customer's credit at Stripe and pays coming bills: it goes back once."""
    shop.buy(owner, organization, "api_usage_enterprise_monthly")
    payment = shop.payment(organization)
    row = shop.subscription(organization)
    offer = subscriptions.offer_change(row, "api_pro_monthly", 1)
    actor = actor_of(owner, organization)
    subscriptions.change(actor, row, "api_pro_monthly", 1, at=offer.at, period_end=row.period_end)
    shop.settle()
    credit = -shop.world.find("customer")[0]["balance"]
    assert credit == -offer.total.minor > 0
    payment.refresh_from_db()
    left = payment.amount - credit
    assert refunds.refundable(payment).minor == left
    assert any("given back by a smaller plan" in line for line in after_refund(payment, left))
    with pytest.raises(RefundTooLargeError):
        refunds.order_refund(payment, left + 1, reason="duplicate", note="", by=staff)
    refunds.order_refund(payment, left, reason="duplicate", note="", by=staff)
    shop.settle()
    payment.refresh_from_db()
    assert (payment.refunded, payment.is_reversed) == (left, False)
    assert shop.subscription(organization).grants, "the credit pays for it"
    assert refunds.refundable(payment).minor == 0


def test_calls_before_a_refund_are_used(shop, owner, staff, organization, settings):
    """Called, and refunded before the next minute's settling."""
    settings.API_DEFAULT_PLAN = "sandbox"
    shop.buy(owner, organization, "credits_1000", quantity=4)
    payment = shop.payment(organization)
    call(organization, 2_200)
    refunds.order_refund(payment, payment.amount, reason="requested_by_customer", note="", by=staff)
    shop.settle()
    grant = CreditGrant.objects.for_organization(organization).get()
    assert grant.left == 0
    assert grant.used == 1_200
