"""Payments, refunds, disputes, credits and their end, told of in any interleaving: the books are right at every step.

The machine plays Stripe: it keeps what is true there, and tells us of one object or another as it is at that moment, or
late, or twice. What customers call meanwhile uses credits up.
"""

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from apps.billing.models import CreditGrant, CreditUse, Customer, Order, Payment
from apps.billing.services import credits, disputes, invoices, orders, payments, refunds, subscriptions
from apps.integrations.stripe import objects
from apps.integrations.stripe.watching import NeededFirstError
from apps.ledger.models import Account, Resolution, Transfer
from apps.ledger.selectors import differences
from tests.common.roles import make_organization, make_user

BEGIN = datetime(2027, 3, 12, 9, tzinfo=UTC)
FEE, DISPUTE_FEE = 44, 1_500
MONTH = "2027-03"


@dataclass
class Purchase:
    """Credits that were bought, as Stripe knows it."""

    order: Order
    session: objects.CheckoutSession
    payment: objects.Payment
    refunds: list[objects.Refund] = field(default_factory=list)
    dispute: objects.Dispute | None = None
    told: set[str] = field(default_factory=set)

    @property
    def going_back(self) -> int:
        """By refunds that did not fail."""
        return sum(one.amount for one in self.refunds if one.status != "failed")

    @property
    def disputed(self) -> int:
        return self.dispute.amount if self.dispute is not None and self.dispute.status != "won" else 0


@dataclass
class Bill:
    """A month of a plan with tax, as Stripe knows it."""

    invoice: objects.Invoice
    payment: objects.Payment


class Books(RuleBasedStateMachine):
    """See the head of the file."""

    purchases, bills = Bundle("purchases"), Bundle("bills")

    def __init__(self):
        super().__init__()
        self.outer, self.clock = transaction.atomic(), time_machine.travel(BEGIN, tick=False)
        self.outer.__enter__()
        self.time = self.clock.start()
        self.silence = patch("apps.core.doorbell.current_app.send_task")
        self.silence.start()
        self.user = make_user("Somebody")
        self.organization = make_organization(self.user)
        self.customer = Customer.objects.create(organization=self.organization, stripe_id="cus_1")
        self.all: list[Purchase] = []
        self.billed: list[Bill] = []
        self.beyond = self.number = 0
        self.made, self.ended = {}, {}

    def teardown(self):
        self.silence.stop()
        self.clock.stop()
        transaction.set_rollback(True)
        self.outer.__exit__(None, None, None)

    # What happens at Stripe -----------------------------------------------------------------------------------------
    @rule(target=purchases, quantity=st.integers(1, 5))
    def buy(self, quantity):
        self.number += 1
        Customer.objects.unscoped().update(held_because="")
        Order.objects.for_organization(self.organization).filter(state="open").update(state="expired")
        order = orders.place_order(self.user, self.organization, "credits_1000", quantity=quantity)
        amount, moment, key = quantity * 500, self.moment(), f"pi_{self.number}"
        purchase = Purchase(
            order,
            objects.CheckoutSession(
                f"cs_{self.number}", "", "complete", "paid", "payment", "cus_1", "", key, order.public_id, amount, 0,
                "USD", moment, metadata={"order": order.public_id},
            ),
            objects.Payment(
                key, "cus_1", "succeeded", "USD", amount, amount, f"ch_{self.number}", FEE, 0, moment, "", "", moment,
                fee_currency="USD",
            ),
        )  # fmt: skip
        self.all.append(purchase)
        return purchase

    @rule(purchase=purchases, share=st.sampled_from([1, 30, 100]), status=st.sampled_from(["pending", "succeeded"]))
    def refund(self, purchase, share, status):
        left = purchase.payment.amount - purchase.going_back - purchase.disputed
        amount = left * share // 100
        if amount:
            self.number += 1
            purchase.refunds.append(
                objects.Refund(f"re_{self.number}", purchase.payment.id, amount, "USD", status, "", self.moment())
            )

    @rule(purchase=purchases, arrives=st.booleans())
    def end_refund(self, purchase, arrives):
        for place, one in enumerate(purchase.refunds):
            if one.status == "pending":
                purchase.refunds[place] = replace(one, status="succeeded" if arrives else "failed")
                return

    @rule(purchase=purchases)
    def dispute(self, purchase):
        left = purchase.payment.amount - purchase.going_back
        if purchase.dispute is None and left:
            self.number += 1
            purchase.dispute = objects.Dispute(
                f"dp_{self.number}", purchase.payment.id, left, "USD", "needs_response", "fraudulent", DISPUTE_FEE,
                None, self.moment(), "USD",
            )  # fmt: skip

    @rule(purchase=purchases, won=st.booleans())
    def decide(self, purchase, won):
        if purchase.dispute is not None and purchase.dispute.status == "needs_response":
            purchase.dispute = replace(purchase.dispute, status="won" if won else "lost")

    @rule(target=bills, net=st.sampled_from([1_900, 33, 24_900]), tax=st.sampled_from([0, 7, 380]))
    def bill(self, net, tax):
        """The plan's subscription is there from the first bill on; the bill is open at first."""
        self.number += 1
        moment, key, total = self.moment(), f"pi_{self.number}", net + tax
        end = moment + timedelta(days=30)
        item = objects.Item("si_1", "price_pro", "api_pro_monthly", 1, False, moment, end)
        subscriptions.apply(
            objects.Subscription("sub_1", "cus_1", "active", "USD", (item,), None, None, None, moment, {})
        )
        line = objects.Line("il_1", "API Pro", net, 1, "price_pro", "api_pro_monthly", False, "si_1", moment, end)
        made = Bill(
            objects.Invoice(
                f"in_{self.number}", "cus_1", "sub_1", "", "open", "subscription_cycle", "USD", total, tax, 0, total, 0,
                None, (key,), "", "", moment, end, moment, (line,),
            ),
            objects.Payment(
                key, "cus_1", "succeeded", "USD", total, total, f"ch_{self.number}", FEE, 0, moment, "", "", moment,
                fee_currency="USD",
            ),
        )  # fmt: skip
        self.billed.append(made)
        return made

    @rule(bill=bills)
    def pay_bill(self, bill):
        if bill.invoice.status == "open":
            bill.invoice = replace(bill.invoice, status="paid", paid=bill.invoice.total, remaining=0)

    @rule(bill=bills)
    def void_bill(self, bill):
        if bill.invoice.status == "open":
            bill.invoice = replace(bill.invoice, status="void", remaining=0)

    @rule(bill=bills, money_first=st.booleans())
    def tell_bill(self, bill, money_first):
        for is_money in (money_first, not money_first):
            if not is_money:
                invoices.apply(bill.invoice)
            elif bill.invoice.status == "paid":
                payments.apply(bill.payment)

    # What we are told -----------------------------------------------------------------------------------------------
    def facts(self, purchase):
        yield "session", orders.apply, purchase.session
        yield "payment", payments.apply, purchase.payment
        for one in purchase.refunds:
            yield one.id, refunds.apply, one
        if purchase.dispute is not None:
            yield purchase.dispute.id, disputes.apply, purchase.dispute

    @rule(purchase=purchases, place=st.integers(0, 9))
    def tell(self, purchase, place):
        found = list(self.facts(purchase))
        name, apply, seen = found[place % len(found)]
        try:
            with transaction.atomic():
                apply(seen)
            purchase.told.add(name)
        except NeededFirstError:
            assert "payment" not in purchase.told

    @rule(chance=st.randoms(use_true_random=False))
    def tell_everything(self, chance):
        facts = [(purchase, *fact) for purchase in self.all for fact in self.facts(purchase)]
        chance.shuffle(facts)
        for purchase, name, apply, seen in sorted(facts, key=lambda fact: fact[1] != "payment"):
            apply(seen)
            purchase.told.add(name)
        for number, bill in enumerate(self.billed):
            self.tell_bill(bill, bool(number % 2))
        self.check_what_stripe_says()

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

    def settle(self):
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
        rows = Account.objects.unscoped().filter(key__startswith=f"{name}:")
        return sum(row.balance.minor for row in rows)

    @invariant()
    def sums_are_zero_and_nothing_is_overdrawn(self):
        rows = list(Account.objects.unscoped())
        assert sum(row.debits_posted - row.credits_posted for row in rows) == 0
        assert all(row.may_be_overdrawn or row.available.minor >= 0 for row in rows)
        assert differences() == []

    @invariant()
    def what_is_owed_is_what_was_not_used(self):
        owed = sum(
            one.amount - one.amount * (one.used + one.withdrawn + one.expired) // one.units for one in self.grants()
        )
        assert self.balance("credits") == owed
        for one in self.grants():
            assert sum(one.uses.values_list("units", flat=True)) == one.used

    @invariant()
    def nothing_is_edited(self):
        made = {row.pk: (row.debit_id, row.credit_id, row.amount) for row in Transfer.objects.all()}
        ended = dict(Resolution.objects.values_list("transfer_id", "outcome"))
        assert made.items() >= self.made.items()
        assert ended.items() >= self.ended.items()
        self.made, self.ended = made, ended

    def check_what_stripe_says(self):
        """Once all of it was told."""
        came = [one for one in self.billed if one.invoice.status == "paid"]
        due = [one.invoice for one in self.billed if one.invoice.status in ("open", "paid")]
        paid = sum(one.payment.amount - FEE for one in [*self.all, *came])
        back = sum(refund.amount for one in self.all for refund in one.refunds if refund.status == "succeeded")
        lost = sum(one.dispute.amount for one in self.all if one.dispute is not None and one.dispute.status == "lost")
        fees = DISPUTE_FEE * sum(one.dispute is not None for one in self.all)
        assert self.balance("stripe") == paid - back - lost - fees
        stripe = Account.objects.unscoped().filter(key="stripe:USD").first()
        held = sum(refund.amount for one in self.all for refund in one.refunds if refund.status == "pending")
        held += sum(one.disputed for one in self.all) - lost
        assert stripe is None or (stripe.balance - stripe.available).minor == held
        assert self.balance("receivable") == sum(one.remaining for one in due)
        assert self.balance("tax") == sum(one.tax for one in due)
        assert self.balance("sales:api_pro") == sum(one.total - one.tax for one in due)
        assert self.balance("disputes") == lost
        for one in self.all:
            row = Payment.objects.unscoped().get(stripe_id=one.payment.id)
            assert (row.refunded, row.disputed) == (one.going_back, one.disputed)
            one.order.refresh_from_db()
            assert (one.order.state == "reversed") == row.is_reversed
            grant = CreditGrant.objects.unscoped().get(order=one.order)
            due = -(-grant.units * row.gone // row.amount)
            assert grant.withdrawn == min(due, grant.units - grant.used - grant.expired)


@pytest.mark.django_db
def test_the_books_are_right():
    run_state_machine_as_test(
        Books,
        settings=settings(
            max_examples=25, stateful_step_count=30, deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("won", [True, False])
def test_what_was_held_is_gone_or_free(arrives, won):
    """The same machine, led where chance seldom goes."""
    machine = Books()
    try:
        refunded, disputed = machine.buy(quantity=3), machine.buy(quantity=2)
        machine.refund(refunded, 100, "pending")
        machine.dispute(disputed)
        for _time in range(2):
            machine.tell_everything(random.Random(1))
            machine.end_refund(refunded, arrives)
            machine.decide(disputed, won)
        machine.tell_everything(random.Random(2))
        assert machine.balance("credits") == (0 if arrives else 1_500) + (1_000 if won else 0)
    finally:
        machine.teardown()
