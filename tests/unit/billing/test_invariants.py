"""Payments, bills, refunds, disputes, credits and their end, told of in any interleaving: the books are right at every
step.

The machine plays Stripe (`StripeModel`): it tells us of one object or another as it is at that moment, or late, or
twice. What customers call meanwhile uses credits up, and staff order refunds.
"""

import random
import sys
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from apps.billing.errors import RefundTooLargeError
from apps.billing.models import CreditGrant, CreditUse, Customer, Order, Payment, Refund
from apps.billing.services import credits, customers, disputes, invoices, orders, payments, refunds, subscriptions
from apps.billing.services.reconciliation import books_side
from apps.billing.services.reconciliation.findings import Findings, Span
from apps.integrations.stripe import objects
from apps.integrations.stripe.watching import NeededFirstError
from apps.ledger.models import Account, Resolution, Transfer
from apps.ledger.selectors import differences
from tests.common.roles import make_organization, make_user
from tests.common.stripe_model import GOING, NEXT, Paid, StripeModel

BEGIN = datetime(2027, 3, 12, 9, tzinfo=UTC)
MONTH = "2027-03"
TAXES, FEES_IN = st.sampled_from([0, 7, 380]), st.sampled_from(["USD", "USD", "EUR"])
OPEN = ("needs_response", "under_review")
PLACES = st.integers(0, 9)
ENDS = st.sampled_from(["", "paid", "paid", "uncollectible"])


def given(what):
    """A rule for when there is one that is so."""
    return precondition(lambda machine: any(getattr(one, what) for one in machine.stripe.all))


class Books(RuleBasedStateMachine):
    """See the head of the file."""

    def __init__(self):
        super().__init__()
        self.outer, self.clock = transaction.atomic(), time_machine.travel(BEGIN, tick=False)
        self.outer.__enter__()
        self.time = self.clock.start()
        self.stripe = StripeModel()
        self.patches = [
            patch("apps.core.doorbell.current_app.send_task"),
            patch("apps.billing.services.orders.check_may_buy"),
            patch("apps.billing.services.refunds.stripe", lambda realm: self.stripe),
        ]
        for each in self.patches:
            each.start()
        self.user = make_user("Somebody")
        self.organization = make_organization(self.user)
        self.customer = Customer.objects.create(organization=self.organization, stripe_id="cus_1")
        self.beyond = 0
        self.is_new = False  # something was written since what holds was looked at
        self.made, self.ended = {}, {}

    def teardown(self):
        try:
            if sys.exc_info()[0] is None:
                self.tell_everything(random.Random(1))
        finally:
            self.leave()

    def leave(self):
        for each in self.patches:
            each.stop()
        self.clock.stop()
        transaction.set_rollback(True)
        self.outer.__exit__(None, None, None)

    # What happens at Stripe -----------------------------------------------------------------------------------------
    def some(self, place, what):
        """One of those that are so, of which there are some."""
        found = [one for one in self.stripe.all if getattr(one, what)]
        return found[place % len(found)]

    @rule(quantity=st.integers(1, 5), tax=TAXES, fee_in=FEES_IN, settled=st.booleans())
    def buy(self, quantity, tax, fee_in, settled):
        Order.objects.for_organization(self.organization).filter(state="open").update(state="expired")
        order = orders.place_order(self.user, self.organization, "credits_1000", quantity=quantity)
        payment = self.stripe.new_payment(quantity * 500 + tax)
        session = objects.CheckoutSession(
            self.stripe.new_id("cs"), "", "complete", "paid", "payment", "cus_1", "", payment.id, order.public_id,
            payment.amount, tax, "USD", self.moment(), metadata={"order": order.public_id},
        )  # fmt: skip
        one = Paid(payment, payment.amount, tax, fee_in, order=order, session=session)
        self.stripe.all.append(one)
        self.stripe.pay(one)
        if settled:
            self.stripe.settle_fee(one)

    @given("lacks_fee")
    @rule(place=PLACES)
    def settle_fee(self, place):
        self.stripe.settle_fee(self.some(place, "lacks_fee"))

    @given("left")
    @rule(place=PLACES, share=st.sampled_from([1, 30, 100]), status=st.sampled_from(GOING))
    def refund(self, place, share, status):
        one = self.some(place, "left")
        self.stripe.give_back(one, max(one.left * share // 100, 1), status, self.moment())

    @given("going_back")
    @rule(place=PLACES, before=st.sampled_from([("pending",), GOING]), arrives=st.booleans())
    def end_refund(self, place, before, arrives):
        """One that is on its way; or it had arrived, as was thought."""
        one = self.some(place, "going_back")
        self.stripe.end_refund(one, before, "succeeded" if arrives and before != GOING else "failed")

    @given("may_be_disputed")
    @rule(place=PLACES, share=st.sampled_from([40, 100]), status=st.sampled_from(["warning_needs_response", *OPEN]))
    def dispute(self, place, share, status):
        one = self.some(place, "may_be_disputed")
        self.stripe.dispute(one, max(one.left * share // 100, 1), status, self.moment())

    @given("is_disputed")
    @rule(place=PLACES, which=st.integers(0, 2), fee_back=st.booleans())
    def decide(self, place, which, fee_back):
        one = self.some(place, "is_disputed")
        following = NEXT[one.dispute.status]
        self.stripe.decide(one, following[which % len(following)], fee_back=fee_back)

    @rule(net=st.sampled_from([1_900, 33, 24_900]), tax=TAXES, fee_in=FEES_IN, ends=ENDS)
    def bill(self, net, tax, fee_in, ends):
        """The plan's subscription is there from the first bill on. Credit pays what it can."""
        total = net + tax
        from_credit = min(self.stripe.credit, total)
        self.stripe.credit -= from_credit
        one = self.billed(net, tax, total - from_credit, fee_in, from_credit=from_credit)
        if ends and one.is_unpaid:
            self.stripe.end_bill(one, ends)

    @rule(net=st.sampled_from([900, 20_000]), tax=TAXES)
    def smaller_plan(self, net, tax):
        """What it gives back is to the customer's credit."""
        self.stripe.credit += net + tax
        self.billed(-net, -tax, 0, "USD")

    def billed(self, net, tax, remaining, fee_in, from_credit=0):
        one = self.stripe.new_bill(net, tax, remaining, fee_in, from_credit)
        line = one.invoice.lines[0]
        item = objects.Item("si_1", line.price, line.lookup_key, 1, False, line.period_start, line.period_end)
        subscriptions.apply(
            objects.Subscription("sub_1", "cus_1", "active", "USD", (item,), None, None, None, self.moment(), {})
        )
        return one

    @given("is_unpaid")
    @rule(place=PLACES, ends=st.sampled_from(["paid", "void", "uncollectible"]))
    def end_bill(self, place, ends):
        """What is thought lost may be paid after all."""
        self.stripe.end_bill(self.some(place, "is_unpaid"), ends)

    # What we are told -----------------------------------------------------------------------------------------------
    def facts(self, one):
        if one.session is not None:
            yield "session", orders.apply, one.session
        else:
            yield "invoice", invoices.apply, one.invoice
        if one.is_there:
            yield "payment", payments.apply, one.payment
        for refund in one.refunds:
            yield "refund", refunds.apply, refund
        if one.dispute is not None:
            yield "dispute", disputes.apply, one.dispute

    def tell_one(self, one, name, apply, seen):
        """Returns whether it was taken: another object may be needed first, of which we were told otherwise."""
        missing = ""
        try:
            with transaction.atomic():
                apply(seen)
        except NeededFirstError as needed:
            missing = needed.kind
        if missing:
            is_right = {
                "payment_intent": not one.is_known,
                "refund": any(refund.status == "failed" for refund in one.refunds),
            }
            assert is_right[missing]
            return False
        one.told.add(name)
        self.is_new = True
        return True

    @given("total")
    @rule(place=PLACES, which=PLACES)
    def tell(self, place, which):
        one = self.some(place, "total")
        found = list(self.facts(one))
        self.tell_one(one, *found[which % len(found)])

    @rule()
    def tell_credit(self):
        seen = objects.Customer("cus_1", "a@example.org", "A", "USD", "", (), self.stripe.credit)
        customers.apply(seen)

    @rule(chance=st.randoms(use_true_random=False))
    def tell_everything(self, chance):
        """In any order, what has to wait once more, and all of it again: the tax of a refund is known later, say."""
        self.tell_credit()
        for _time in range(2):
            self.send_ordered("succeeded")
            waiting = [(one, *fact) for one in self.stripe.all for fact in self.facts(one)]
            while waiting:
                chance.shuffle(waiting)
                put_off = [each for each in waiting if not self.tell_one(*each)]
                assert len(put_off) < len(waiting), "all of them wait for each other"
                waiting = put_off
        self.send_ordered("succeeded")
        self.check_what_stripe_says()

    # What staff do --------------------------------------------------------------------------------------------------
    @given("is_known")
    @rule(place=PLACES, share=st.sampled_from([30, 100]))
    def order_refund(self, place, share):
        """As much as is left as far as we know, less what smaller plans gave back, and not a cent more."""
        row = Payment.objects.unscoped().get(stripe_id=self.some(place, "is_known").payment.id)
        ordered = sum(each.amount for each in row.refunds.filter(state="ordered"))
        left = refunds.refundable(row).minor
        assert left <= max(row.amount - row.refunded - row.disputed - ordered, 0)
        with pytest.raises(RefundTooLargeError):
            refunds.order_refund(row, left + 1, reason="duplicate", note="", by=self.user)
        if amount := left * share // 100:
            refunds.order_refund(row, amount, reason="duplicate", note="", by=self.user)

    @rule(status=st.sampled_from(GOING))
    def send_ordered(self, status):
        self.time.shift(timedelta(minutes=2))
        self.stripe.status = status
        self.is_new = refunds.refund_ordered() > 0 or self.is_new

    # What customers do ----------------------------------------------------------------------------------------------
    @rule(calls=st.integers(1, 4_000))
    def use(self, calls):
        self.beyond += calls
        self.settle()

    @rule(calls=st.integers(1, 4_000))
    def use_less(self, calls):
        """Calls are taken back, or a larger plan includes them."""
        self.beyond = max(self.beyond - calls, 0)
        self.settle()

    @rule(days=st.integers(1, 5))
    def time_passes(self, days):
        """Not so far that the month is over, but the oldest credits run out."""
        oldest = CreditGrant.objects.for_organization(self.organization).order_by("pk").first()
        if oldest is not None:
            CreditGrant.objects.for_organization(self.organization).filter(pk=oldest.pk).update(
                expires_at=self.moment() - timedelta(days=days)
            )
            credits.expire_due()
            self.is_new = True

    def settle(self):
        self.is_new = True
        settled = credits.settle(self.organization, MONTH, self.beyond)
        left = sum(one.left for one in self.grants() if one.expires_at > self.moment())
        assert settled <= self.beyond or not left or settled - self.beyond <= self.expired_uses()
        if settled < self.beyond:
            assert left == 0, "there were credits, and they were not used"

    def expired_uses(self):
        uses = CreditUse.objects.for_organization(self.organization).filter(grant__expires_at__lte=self.moment())
        return sum(uses.values_list("units", flat=True))

    # What holds -----------------------------------------------------------------------------------------------------
    def moment(self):
        return datetime.now(UTC)

    def grants(self):
        return list(CreditGrant.objects.for_organization(self.organization))

    def balance(self, name):
        return sum(row.balance.minor for row in self.accounts(name))

    def accounts(self, name):
        return Account.objects.unscoped().filter(key__startswith=f"{name}:")

    @invariant()
    def what_holds(self):
        """Wherever something was written."""
        if self.is_new:
            self.is_new = False
            self.sums_are_zero_and_nothing_is_overdrawn()
            self.what_is_owed_is_what_was_not_used()
            self.nothing_is_edited()

    def sums_are_zero_and_nothing_is_overdrawn(self):
        rows = list(Account.objects.unscoped())
        assert sum(row.debits_posted - row.credits_posted for row in rows) == 0
        assert all(row.may_be_overdrawn or row.available.minor >= 0 for row in rows)
        assert differences() == []

    def what_is_owed_is_what_was_not_used(self):
        owed = sum(
            one.amount - one.amount * (one.used + one.withdrawn + one.expired) // one.units for one in self.grants()
        )
        assert self.balance("credits") == owed
        for one in self.grants():
            assert sum(one.uses.values_list("units", flat=True)) == one.used

    def nothing_is_edited(self):
        made = {row.pk: (row.debit_id, row.credit_id, row.amount) for row in Transfer.objects.all()}
        ended = dict(Resolution.objects.values_list("transfer_id", "outcome"))
        assert made.items() >= self.made.items()
        assert ended.items() >= self.ended.items()
        self.made, self.ended = made, ended

    def check_what_stripe_says(self):
        """Once all of it was told."""
        everything = self.stripe.all
        for currency in ("USD", "EUR"):
            account = Account.objects.unscoped().filter(key=f"stripe:{currency}").first()
            assert (account.available.minor if account else 0) == self.stripe.moved[currency]
        held = sum(one.going_back - one.arrived_back for one in everything)
        held += sum(one.disputed for one in everything if one.dispute is not None and one.dispute.status != "lost")
        assert sum((row.balance - row.available).minor for row in self.accounts("stripe")) == held
        lost = [one.dispute.amount for one in everything if one.dispute is not None and one.dispute.status == "lost"]
        assert self.balance("disputes") == sum(lost)
        bills = [one.invoice for one in everything if one.invoice is not None and one.invoice.status != "void"]
        given_up = sum(one.remaining for one in bills if one.status == "uncollectible")
        assert self.balance("bad_debt") == given_up
        assert self.balance("receivable") == sum(one.remaining for one in bills) - given_up - self.stripe.credit
        assert self.balance("sales:api_pro") == sum(one.total - one.tax for one in bills)
        taxes = sum(one.tax for one in bills) + sum(one.tax for one in everything if one.order is not None)
        went = Refund.objects.filter(state="succeeded").values_list("tax", flat=True)
        assert self.balance("tax") == taxes - sum(went)
        self.customer.refresh_from_db()
        assert self.customer.credit == self.stripe.credit
        assert not Refund.objects.filter(state="ordered").exists()
        there = [(one, Payment.objects.unscoped().get(stripe_id=one.payment.id)) for one in everything if one.is_there]
        for one, row in there:
            self.check_payment(one, row)
        bills = [(one.left, refunds.refundable(row).minor) for one, row in there if one.invoice is not None]
        left, refundable = (sum(each) for each in zip(*bills, strict=True)) if bills else (0, 0)
        assert max(left - self.stripe.credit, 0) <= refundable <= left, "credit may come from no payment here"
        found = Findings()
        books_side.compare(Span(BEGIN, self.moment()), found)
        assert [str(line) for line in found.lines] == []

    def check_payment(self, one, row):
        assert (row.refunded, row.disputed) == (one.going_back, one.disputed)
        refundable = refunds.refundable(row).minor
        assert refundable == one.left if one.order is not None else refundable <= one.left
        taxes = list(row.refunds.filter(state__in=GOING).values_list("tax", flat=True))
        assert all(tax >= 0 for tax in taxes)
        share = one.tax * one.going_back // one.total
        is_exact = one.going_back == one.total or not row.refunds.filter(state="failed").exists()
        assert sum(taxes) == share if is_exact else sum(taxes) <= one.tax
        if one.order is None:
            return
        one.order.refresh_from_db()
        assert (one.order.state == "reversed") == row.is_reversed
        grant = CreditGrant.objects.unscoped().get(order=one.order)
        due = -(-grant.units * row.gone // row.amount)
        assert grant.withdrawn == min(due, grant.units - grant.used - grant.expired)


@pytest.mark.django_db
def test_the_books_are_right():
    """What fails is shown as it was found: making it smaller takes minutes (`Phase.shrink`, by hand)."""
    run_state_machine_as_test(
        Books,
        settings=settings(
            max_examples=12, stateful_step_count=35, deadline=None, phases=(Phase.reuse, Phase.generate),
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )  # fmt: skip
