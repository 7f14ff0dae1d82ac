"""Subscriptions, payments, refunds, disputes and invoices, by the real gateway: see `test_stripe_gateway.py`."""

from dataclasses import replace
from datetime import timedelta
from typing import cast

import pytest

from apps.core.clock import now
from apps.integrations.stripe import reading
from apps.integrations.stripe.errors import StripeRefusedError
from apps.integrations.stripe.gateway import StripeGateway
from apps.integrations.stripe.objects import (
    CheckoutSession,
    Customer,
    Dispute,
    Invoice,
    Kind,
    Payment,
    PaymentMethod,
    Refund,
    Subscription,
)
from apps.integrations.stripe.port import ItemChange, Wanted
from tests.common.processes import eventually
from tests.contracts.stripe.far_end import DISPUTED, FAILS_LATER, PATIENCE, RUN, AtTheFake, FarEnd, Shop, key, order

pytestmark = pytest.mark.usefixtures("conversation")


class TestSubscriptions:
    def test_read(self, stripe: StripeGateway, far_end: FarEnd, customer: str, shop: Shop) -> None:
        made = far_end.subscribe(customer, [Wanted(shop.monthly, 2), Wanted(shop.by_use, None)])
        found = cast(Subscription, stripe.fetch("subscription", made))
        assert (found.customer, found.status, found.currency) == (customer, "active", "USD")
        items = {item.lookup_key: item for item in found.items}
        assert (items[f"monthly_{RUN}"].quantity, items[f"monthly_{RUN}"].metered) == (2, False)
        assert (items[f"by_use_{RUN}"].quantity, items[f"by_use_{RUN}"].metered) == (0, True)
        assert found.period_end is not None
        assert timedelta(days=27) < found.period_end - now() < timedelta(days=32)
        assert [each.id for each in stripe.subscriptions(customer)] == [made]
        assert made in {each.id for each in stripe.subscriptions()}
        who = cast(Customer, stripe.fetch("customer", customer))
        assert (found.method or who.method).startswith("Visa •••• 4242, ")
        assert who.currency == "USD"

    def test_changed_for_what_the_preview_said(
        self, stripe: StripeGateway, far_end: FarEnd, customer: str, shop: Shop
    ) -> None:
        made = far_end.subscribe(customer, [Wanted(shop.monthly)])
        item = cast(Subscription, stripe.fetch("subscription", made)).items[0]
        change, moment = [ItemChange(id=item.id, price=shop.bigger, quantity=2)], now() + timedelta(seconds=5)
        preview = stripe.preview_change(made, change, at=moment)
        assert preview.currency == "USD"
        assert preview.total == preview.due_now == sum(line.amount for line in preview.lines)
        assert 7900 <= preview.total <= 8000
        assert {line.price for line in preview.lines} == {shop.monthly, shop.bigger}
        assert all(line.is_proration for line in preview.lines)
        changed = stripe.change_subscription(made, change, at=moment, metadata={"plan": "bigger"}, key=key())
        assert [(each.lookup_key, each.quantity) for each in changed.items] == [(f"bigger_{RUN}", 2)]
        assert changed.metadata["plan"] == "bigger"
        bills = list(stripe.invoices(customer, since=now() - timedelta(hours=1)))
        assert [bill.reason for bill in bills] == ["subscription_update", "subscription_create"]
        assert (bills[0].total, bills[0].status, bills[0].subscription) == (preview.total, "paid", made)
        assert {line.lookup_key for line in bills[0].lines} == {f"monthly_{RUN}", f"bigger_{RUN}"}

    def test_items_come_and_go(self, stripe: StripeGateway, far_end: FarEnd, customer: str, shop: Shop) -> None:
        made = far_end.subscribe(customer, [Wanted(shop.monthly)])
        first = cast(Subscription, stripe.fetch("subscription", made)).items[0]
        more = stripe.change_subscription(made, [ItemChange(price=shop.by_use)], at=now(), key=key())
        assert {each.lookup_key for each in more.items} == {f"monthly_{RUN}", f"by_use_{RUN}"}
        less = stripe.change_subscription(made, [ItemChange(id=first.id, delete=True)], at=now(), key=key())
        assert [each.lookup_key for each in less.items] == [f"by_use_{RUN}"]

    def test_ended_with_its_period_or_not(
        self, stripe: StripeGateway, far_end: FarEnd, customer: str, shop: Shop
    ) -> None:
        made = far_end.subscribe(customer, [Wanted(shop.monthly)])
        ends = stripe.cancel_subscription(made, at_period_end=True, key=key())
        assert (ends.status, ends.cancel_at) == ("active", ends.period_end)
        assert stripe.resume_subscription(made, key=key()).cancel_at is None

    def test_ended_at_once_and_again(self, stripe: StripeGateway, far_end: FarEnd, customer: str, shop: Shop) -> None:
        made = far_end.subscribe(customer, [Wanted(shop.monthly)])
        ended = stripe.cancel_subscription(made, at_period_end=False, key=key())
        assert ended.status == "canceled"
        assert ended.ended_at is not None
        assert stripe.cancel_subscription(made, at_period_end=False, key=key()) == ended
        assert [each.status for each in stripe.subscriptions(customer)] == ["canceled"]

    def test_a_change_that_cannot_be_paid_changes_nothing(
        self, stripe: StripeGateway, fake: AtTheFake, customer: str, shop: Shop
    ) -> None:
        session = stripe.open_checkout(order("subscription", customer, Wanted(shop.monthly)), key=key())
        fake.pay_page(session.url, FAILS_LATER)
        made = next(stripe.subscriptions(customer))
        change = [ItemChange(id=made.items[0].id, price=shop.bigger, quantity=1)]
        with pytest.raises(StripeRefusedError) as refused:
            stripe.change_subscription(made.id, change, at=now(), key=key())
        assert refused.value.is_payment_failure
        assert (refused.value.stripe_code, str(refused.value)) == ("card_declined", "Your card was declined.")
        assert next(stripe.subscriptions(customer)).items == made.items
        assert len(list(stripe.invoices(customer))) == 1


class TestMoney:
    def test_a_payment_and_its_refunds(self, stripe: StripeGateway, far_end: FarEnd, customer: str, shop: Shop) -> None:
        made = far_end.pay_once(customer, shop.once, 9900)
        payment = self.settled(stripe, made)
        assert (payment.customer, payment.status, payment.currency) == (customer, "succeeded", "USD")
        assert (payment.amount, payment.received, payment.refunded) == (9900, 9900, 0)
        assert payment.fee > 0
        assert payment.paid_at is not None
        assert payment.charge
        assert [each.id for each in stripe.payments(customer, since=now() - timedelta(hours=1))] == [made]
        part = stripe.refund(made, amount=900, reason="requested_by_customer", metadata={"case": "1"}, key=key())
        assert (part.payment_intent, part.amount, part.currency) == (made, 900, "USD")
        assert (part.reason, part.metadata, part.status) == ("requested_by_customer", {"case": "1"}, "succeeded")
        with pytest.raises(StripeRefusedError) as refused:
            stripe.refund(made, amount=9001, reason="duplicate", metadata={}, key=key())
        assert refused.value.code == "amount_too_large"
        rest = stripe.refund(made, amount=9000, reason="duplicate", metadata={}, key=key())
        with pytest.raises(StripeRefusedError) as refused:
            stripe.refund(made, amount=1, reason="duplicate", metadata={}, key=key())
        assert refused.value.code == "charge_already_refunded"
        assert cast(Payment, stripe.fetch("payment_intent", made)).refunded == 9900
        assert {each.id for each in stripe.refunds(made)} == {part.id, rest.id}
        assert part.id in {each.id for each in stripe.refunds(since=now() - timedelta(hours=1))}
        assert cast(Refund, stripe.fetch("refund", part.id)) == part

    def test_a_dispute(self, stripe: StripeGateway, far_end: FarEnd, customer: str, shop: Shop) -> None:
        made = far_end.pay_once(customer, shop.once, 9900, DISPUTED)
        eventually(lambda: list(stripe.disputes(made)), PATIENCE, "the bank disputes the payment")
        (dispute,) = stripe.disputes(made, since=now() - timedelta(hours=1))
        assert (dispute.payment_intent, dispute.amount, dispute.currency) == (made, 9900, "USD")
        assert (dispute.was_withdrawn, dispute.is_won, dispute.is_lost) == (True, False, False)
        assert dispute.due_by is not None
        assert dispute.fee > 0
        assert cast(Dispute, stripe.fetch("dispute", dispute.id)) == dispute

    def test_a_dispute_that_is_won(self, stripe: StripeGateway, fake: AtTheFake, customer: str, shop: Shop) -> None:
        dispute = fake.dispute(fake.pay_once(customer, shop.once, 9900))
        fake.decide_dispute(dispute, won=True)
        assert cast(Dispute, stripe.fetch("dispute", dispute)).is_won

    def test_what_moved_on_our_account(self, stripe: StripeGateway, far_end: FarEnd, customer: str, shop: Shop) -> None:
        payment = self.settled(stripe, far_end.pay_once(customer, shop.once, 9900))
        since = now() - timedelta(hours=1)
        moved = {each.source: each for each in stripe.balance_transactions(since, now() + timedelta(minutes=1))}
        ours = moved[payment.charge]
        assert (ours.amount, ours.fee, ours.net) == (9900, payment.fee, 9900 - payment.fee)
        assert (ours.type, ours.currency) == ("charge", payment.fee_currency)
        assert list(stripe.balance_transactions(since - timedelta(days=2), since - timedelta(days=1))) == []
        there = stripe.balance()
        assert "USD" in there.available
        if isinstance(far_end, AtTheFake):  # real money is pending for some days
            everything = stripe.balance_transactions(since - timedelta(days=30))
            assert there.available["USD"] == sum(each.net for each in everything if each.currency == "USD")

    @staticmethod
    def settled(stripe: StripeGateway, payment: str) -> Payment:
        """Stripe works the fee out a little later."""
        eventually(
            lambda: cast(Payment, stripe.fetch("payment_intent", payment)).fee_currency,
            PATIENCE,
            "the payment is settled",
        )
        return cast(Payment, stripe.fetch("payment_intent", payment))


class TestPages:
    def test_listed_as_they_are(self, stripe: StripeGateway, customer: str, shop: Shop) -> None:
        since = now() - timedelta(hours=1)
        made = stripe.open_checkout(order("payment", customer, Wanted(shop.once, 2)), key=key())
        listed = {each.id: each for each in stripe.checkouts(since)}
        found = cast(CheckoutSession, stripe.fetch("checkout.session", made.id))
        assert listed[made.id] == found
        assert (found.status, found.payment_status, found.mode) == ("open", "unpaid", "payment")
        assert (found.customer, found.reference, found.total, found.currency) == (customer, "ref_1", 19_800, "USD")
        assert made.id in {each.id for each in stripe.checkouts()}
        assert made.id not in {each.id for each in stripe.checkouts(since=now() + timedelta(hours=1))}
        stripe.expire_checkout(made.id, key=key())
        closed = next(each for each in stripe.checkouts(since) if each.id == made.id)
        assert (closed.status, closed.payment_status) == ("expired", "unpaid")

    def test_paid_ones(self, stripe: StripeGateway, fake: AtTheFake, customer: str, shop: Shop) -> None:
        payment = fake.pay_once(customer, shop.once, 9900)
        paid = next(each for each in stripe.checkouts(now() - timedelta(hours=1)) if each.payment_intent == payment)
        assert (paid.status, paid.payment_status, paid.total, paid.tax) == ("complete", "paid", 9900, 0)


class TestCustomers:
    def test_listed_as_they_are(self, stripe: StripeGateway, far_end: FarEnd, customer: str, shop: Shop) -> None:
        """With what a smaller plan gave back to their credit, and with their tax ids."""
        stripe.add_tax_id(customer, type="eu_vat", value="DE123456789", key=key())
        made = far_end.subscribe(customer, [Wanted(shop.bigger)])
        item = cast(Subscription, stripe.fetch("subscription", made)).items[0]
        change = [ItemChange(id=item.id, price=shop.monthly, quantity=1)]
        stripe.change_subscription(made, change, at=now(), key=key())
        listed = {each.id: each for each in stripe.customers()}
        assert listed[customer] == stripe.fetch("customer", customer)
        assert listed[customer].tax_ids == ("DE123456789",)
        assert 2_900 <= listed[customer].credit <= 3_000


class TestInvoices:
    def test_whole(self, stripe: StripeGateway, far_end: FarEnd, customer: str, shop: Shop) -> None:
        made = far_end.subscribe(customer, [Wanted(shop.monthly, 2)])
        (listed,) = stripe.invoices(customer)
        found = cast(Invoice, stripe.fetch("invoice", listed.id))
        assert found == listed
        assert (found.customer, found.subscription, found.status) == (customer, made, "paid")
        assert (found.reason, found.currency, found.number != "") == ("subscription_create", "USD", True)
        assert (found.total, found.tax, found.paid, found.remaining) == (4000, 0, 4000, 0)
        (payment,) = found.payment_intents
        assert cast(Payment, stripe.fetch("payment_intent", payment)).received == 4000
        (line,) = found.lines
        assert (line.amount, line.quantity, line.price) == (4000, 2, shop.monthly)
        assert (line.lookup_key, line.is_proration) == (f"monthly_{RUN}", False)
        subscription = cast(Subscription, stripe.fetch("subscription", made))
        assert line.subscription_item == subscription.items[0].id
        assert line.period_end == subscription.period_end

    def test_of_a_status_and_in_outline(
        self, stripe: StripeGateway, far_end: FarEnd, customer: str, shop: Shop
    ) -> None:
        """Those that are not whole are the same but for the codes of their prices, and for lines after the first."""
        far_end.subscribe(customer, [Wanted(shop.monthly, 2)])
        since = now() - timedelta(hours=1)
        (whole,) = stripe.invoices(customer, since)
        (outline,) = stripe.invoices(customer, since, status="paid", whole=False)
        assert [line.lookup_key for line in outline.lines] == [""]
        assert outline == replace(whole, lines=tuple(replace(line, lookup_key="") for line in whole.lines))
        assert list(stripe.invoices(customer, status="paid")) == [whole]
        for status in ("draft", "open", "uncollectible", "void"):
            assert list(stripe.invoices(customer, status=status, whole=False)) == []
        assert whole.id in {each.id for each in stripe.invoices(since=since, status="paid", whole=False)}
        assert list(stripe.invoices(customer, since=now() + timedelta(hours=1), whole=False)) == []

    def test_all_lines_of_a_long_one(self, stripe: StripeGateway, far_end: FarEnd, customer: str, shop: Shop) -> None:
        made = far_end.subscribe(customer, [Wanted(shop.monthly)])
        for number in range(6):  # each gives two lines to one invoice in a fortnight's dispute between two prices
            current = cast(Subscription, stripe.fetch("subscription", made)).items[0]
            price = shop.bigger if number % 2 == 0 else shop.monthly
            stripe.change_subscription(made, [ItemChange(id=current.id, price=price)], at=now(), key=key())
        raw = stripe.fetch_raw("invoice", next(stripe.invoices(customer)).id)
        assert raw["lines"]["has_more"] is False
        assert all(isinstance(line["pricing"]["price_details"]["price"], dict) for line in raw["lines"]["data"])

    def test_raw_objects_are_read_alike(
        self, stripe: StripeGateway, far_end: FarEnd, customer: str, shop: Shop
    ) -> None:
        made = far_end.subscribe(customer, [Wanted(shop.monthly)])
        bill = next(stripe.invoices(customer))
        own = stripe.fetch_raw("customer", customer)["invoice_settings"]["default_payment_method"]
        method = (stripe.fetch_raw("subscription", made)["default_payment_method"] or own)["id"]
        ids: dict[Kind, str] = {
            "customer": customer,
            "subscription": made,
            "invoice": bill.id,
            "payment_intent": bill.payment_intents[0],
            "payment_method": method,
        }
        for kind, object_id in ids.items():
            raw = stripe.fetch_raw(kind, object_id)
            assert (raw["object"], raw["id"]) == (kind, object_id)
            assert reading.read(kind, raw) == stripe.fetch(kind, object_id)
        card = cast(PaymentMethod, stripe.fetch("payment_method", method))
        assert (card.customer, card.type, card.words[:14]) == (customer, "card", "Visa •••• 4242")
