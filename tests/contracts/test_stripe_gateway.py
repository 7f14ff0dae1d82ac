"""Every call of the port, by the real gateway over HTTP, against the fake: what it does, asks and is answered.

With a key of a Stripe test account the same calls are made there, too:
`STRIPE_TEST_KEY=sk_test_… pytest --allow-hosts=127.0.0.1,api.stripe.com tests/contracts/test_stripe_gateway.py`
"""

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import pytest

from apps.core.clock import now
from apps.integrations.stripe import reading
from apps.integrations.stripe.errors import StripeMissingError, StripeRefusedError
from apps.integrations.stripe.fake import FakeStripe
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
from apps.integrations.stripe.port import ItemChange, Stripe, Wanted
from tests.common.processes import eventually
from tests.contracts.stripe_far_end import DISPUTED, AtStripe, AtTheFake, FarEnd, order
from tests.contracts.stripe_shapes import Conversation, listen

KEY = os.environ.get("STRIPE_TEST_KEY", "")
RUN = uuid.uuid4().hex[:10]  # in a test account things stay: each run has its own
FAR_ENDS = ["fake", "stripe"] if KEY.startswith(("sk_test_", "rk_test_")) else ["fake"]
PATIENCE = 60  # seconds: Stripe does some things a little later


@dataclass(frozen=True)
class Shop:
    """What is on sale: prices by their ids, and a meter."""

    once: str
    monthly: str
    bigger: str
    by_use: str
    meter: str
    coupon: str


@pytest.fixture(scope="module", params=FAR_ENDS)
def far_end(request: pytest.FixtureRequest) -> Iterator[FarEnd]:
    """Where the calls of a test go."""
    if request.param == "stripe":
        yield AtStripe(KEY)
        return
    with FakeStripe(deliver=False) as fake:
        yield AtTheFake(fake)


@pytest.fixture
def stripe(far_end: FarEnd) -> StripeGateway:
    """The gateway."""
    gateway: Stripe = far_end.gateway  # the type checker holds it to the port
    return cast(StripeGateway, gateway)


@pytest.fixture
def fake(far_end: FarEnd) -> AtTheFake:
    """For what only the fake's pages and banks can do on demand."""
    if not isinstance(far_end, AtTheFake):
        pytest.skip("Needs a person, or a bank, at the far end.")
    return far_end


@pytest.fixture(scope="module")
def shop(far_end: FarEnd) -> Shop:
    """A product with prices of each kind."""
    gateway, product = far_end.gateway, f"pro_{RUN}"
    gateway.create_product(product, name="Pro", description="", tax_code="", metadata={}, key=f"{RUN}-product")
    meter = gateway.create_meter(f"calls_{RUN}", name="Calls", key=f"{RUN}-meter").id

    def price(code: str, amount: str, interval: str = "", meter: str = "") -> str:
        return gateway.create_price(
            product, lookup_key=f"{code}_{RUN}", currency="USD", amount=amount, interval=interval, meter=meter,
            metadata={"code": code}, key=f"{RUN}-{code}",
        ).id  # fmt: skip

    coupon = f"LAUNCH_{RUN}"
    gateway.create_coupon(
        coupon, name="Launch", percent="50", duration="once", metadata={"code": "launch"}, key=f"{RUN}-coupon"
    )
    return Shop(
        once=price("once", "9900"),
        monthly=price("monthly", "2000", "month"),
        bigger=price("bigger", "5000", "month"),
        by_use=price("by_use", "0.15", "month", meter),
        meter=meter,
        coupon=coupon,
    )


@pytest.fixture
def customer(stripe: StripeGateway) -> str:
    """Somebody new."""
    made = stripe.create_customer(
        email="ada@example.com", name="Ada", metadata={"organization": "org_1"}, key=uuid.uuid4().hex
    )
    return made.id


@pytest.fixture(autouse=True)
def conversation(monkeypatch: pytest.MonkeyPatch, shop: Shop) -> Iterator[Conversation]:
    """All that is said in a test is of the library's types."""
    heard = listen(monkeypatch)
    yield heard
    assert heard.problems() == []
    _HEARD.update(heard.calls())


_HEARD: set[str] = set()


def key() -> str:
    """For a write that is not repeated."""
    return uuid.uuid4().hex


class TestCatalogue:
    def test_products(self, stripe: StripeGateway) -> None:
        code = f"pack_{RUN}"
        made = stripe.create_product(
            code, name="Pack", description="All of it.", tax_code="txcd_10103001", metadata={"code": "pack"}, key=key()
        )
        assert (made.id, made.name, made.description, made.active) == (code, "Pack", "All of it.", True)
        assert (made.tax_code, made.metadata) == ("txcd_10103001", {"code": "pack"})
        changed = stripe.update_product(
            code, name="Pack 2", description="", active=False, metadata={"code": "pack2"}, key=key()
        )
        assert (changed.name, changed.description, changed.active) == ("Pack 2", "", False)
        assert changed.metadata == {"code": "pack2"}
        assert stripe.update_product(code, active=True, key=key()).active
        assert changed.id in {product.id for product in stripe.products()}

    def test_a_product_twice_is_refused(self, stripe: StripeGateway) -> None:
        with pytest.raises(StripeRefusedError) as refused:
            stripe.create_product(f"pro_{RUN}", name="Pro", description="Again", tax_code="", metadata={}, key=key())
        assert refused.value.code == "resource_already_exists"

    def test_prices(self, stripe: StripeGateway, shop: Shop) -> None:
        found = {price.id: price for price in stripe.prices()}
        once, monthly, by_use = found[shop.once], found[shop.monthly], found[shop.by_use]
        assert (once.product, once.lookup_key) == (f"pro_{RUN}", f"once_{RUN}")
        assert (once.currency, once.amount, once.interval, once.meter) == ("USD", "9900", "", "")
        assert (monthly.amount, monthly.interval, monthly.tax_behavior) == ("2000", "month", "exclusive")
        assert (by_use.amount, by_use.interval, by_use.meter) == ("0.15", "month", shop.meter)
        assert by_use.metadata == {"code": "by_use"}

    def test_a_new_price_takes_over_the_key_of_the_old_one(self, stripe: StripeGateway) -> None:
        terms = {"lookup_key": f"moving_{RUN}", "currency": "USD", "metadata": {}}
        old = stripe.create_price(f"pro_{RUN}", amount="100", **terms, key=key())  # type: ignore[arg-type]
        new = stripe.create_price(f"pro_{RUN}", amount="200", **terms, key=key())  # type: ignore[arg-type]
        archived = stripe.archive_price(old.id, key=key())
        assert (archived.active, archived.lookup_key) == (False, "")
        assert (new.active, new.lookup_key) == (True, f"moving_{RUN}")

    def test_coupons(self, stripe: StripeGateway, shop: Shop) -> None:
        half = next(coupon for coupon in stripe.coupons() if coupon.id == shop.coupon)
        assert (half.name, half.percent, half.duration, half.valid) == ("Launch", "50", "once", True)
        odd = stripe.create_coupon(f"ODD_{RUN}", name="Odd", percent="12.5", duration="forever", metadata={}, key=key())
        assert (odd.percent, odd.duration) == ("12.5", "forever")


class TestCustomers:
    def test_made_and_changed(self, stripe: StripeGateway, customer: str) -> None:
        made = cast(Customer, stripe.fetch("customer", customer))
        assert (made.email, made.name, made.metadata) == ("ada@example.com", "Ada", {"organization": "org_1"})
        assert (made.method, made.tax_ids) == ("", ())
        changed = stripe.update_customer(customer, email="grace@example.com", key=key())
        assert (changed.email, changed.name) == ("grace@example.com", "Ada")
        assert stripe.update_customer(customer, name="Grace", key=key()).name == "Grace"

    def test_without_a_name(self, stripe: StripeGateway) -> None:
        assert stripe.create_customer(email="a@example.com", name="", metadata={}, key=key()).name == ""

    def test_tax_ids(self, stripe: StripeGateway, customer: str) -> None:
        assert stripe.add_tax_id(customer, type="eu_vat", value="DE123456789", key=key()).tax_ids == ("DE123456789",)
        both = stripe.add_tax_id(customer, type="gb_vat", value="GB123456789", key=key()).tax_ids
        assert sorted(both) == ["DE123456789", "GB123456789"]
        assert stripe.remove_tax_ids(customer, key=key()).tax_ids == ()
        assert stripe.remove_tax_ids(customer, key=key()).tax_ids == ()

    def test_a_tax_id_of_the_wrong_form_is_refused(self, stripe: StripeGateway, customer: str) -> None:
        with pytest.raises(StripeRefusedError) as refused:
            stripe.add_tax_id(customer, type="eu_vat", value="nonsense", key=key())
        assert refused.value.code == "tax_id_invalid"

    def test_the_portal(self, stripe: StripeGateway, customer: str) -> None:
        address = stripe.open_portal(customer, return_url="https://levqor.example/settings", key=key())
        assert address.startswith(("http://127.0.0.1:", "https://billing.stripe.com/"))

    def test_a_deleted_customer_is_missing(self, stripe: StripeGateway, far_end: FarEnd, customer: str) -> None:
        far_end.client.v1.customers.delete(customer)
        with pytest.raises(StripeMissingError):
            stripe.fetch("customer", customer)


class TestCheckout:
    def test_a_page_for_one_payment(self, stripe: StripeGateway, customer: str, shop: Shop) -> None:
        wanted = order("payment", customer, Wanted(shop.once, 2), coupon=shop.coupon, metadata={"order": "1"})
        session = stripe.open_checkout(wanted, key=key())
        assert session.url.startswith(("http://127.0.0.1:", "https://checkout.stripe.com/"))
        assert (session.status, session.payment_status, session.mode) == ("open", "unpaid", "payment")
        assert (session.customer, session.reference, session.metadata) == (customer, "ref_1", {"order": "1"})
        assert (session.total, session.tax, session.currency) == (9900, 0, "USD")
        assert session.expires_at == wanted.expires_at.replace(microsecond=0)
        assert stripe.fetch("checkout.session", session.id) == session

    def test_a_page_for_a_subscription(self, stripe: StripeGateway, customer: str, shop: Shop) -> None:
        trial = order("subscription", customer, Wanted(shop.monthly, 3), Wanted(shop.by_use, None), trial_days=14)
        assert stripe.open_checkout(trial, key=key()).total == 0
        anchored = order("subscription", customer, Wanted(shop.monthly), anchor=now() + timedelta(days=10))
        assert 0 < stripe.open_checkout(anchored, key=key()).total < 2000

    def test_a_page_that_asks_where_the_tax_is_due(self, stripe: StripeGateway, customer: str, shop: Shop) -> None:
        wanted = order("payment", customer, Wanted(shop.once), automatic_tax=True)
        assert stripe.open_checkout(wanted, key=key()).total == 9900

    def test_a_page_is_closed(self, stripe: StripeGateway, customer: str, shop: Shop) -> None:
        session = stripe.open_checkout(order("payment", customer, Wanted(shop.once)), key=key())
        closed = stripe.expire_checkout(session.id, key=key())
        assert (closed.status, closed.url) == ("expired", "")
        with pytest.raises(StripeRefusedError):
            stripe.expire_checkout(session.id, key=key())

    @pytest.mark.parametrize("quantity", [-1, 0, 10**9])
    def test_impossible_quantities_are_refused(
        self, stripe: StripeGateway, customer: str, shop: Shop, quantity: int
    ) -> None:
        with pytest.raises(StripeRefusedError) as refused:
            stripe.open_checkout(order("payment", customer, Wanted(shop.once, quantity)), key=key())
        assert refused.value.code == "parameter_invalid_integer"

    def test_what_an_order_names_has_to_be_there(self, stripe: StripeGateway, customer: str) -> None:
        with pytest.raises(StripeRefusedError) as refused:
            stripe.open_checkout(order("payment", customer, Wanted("price_none")), key=key())
        assert (refused.value.code, refused.value.param) == ("resource_missing", "line_items[0][price]")

    def test_a_page_that_was_paid(self, stripe: StripeGateway, fake: AtTheFake, customer: str, shop: Shop) -> None:
        wanted = order("payment", customer, Wanted(shop.once), metadata={"order": "7"}, automatic_tax=True)
        session = stripe.open_checkout(wanted, key=key())
        fake.pay_page(session.id, country="GB")
        done = cast(CheckoutSession, stripe.fetch("checkout.session", session.id))
        assert (done.status, done.payment_status, done.url) == ("complete", "paid", "")
        assert (done.total, done.tax) == (11880, 1980)
        payment = cast(Payment, stripe.fetch("payment_intent", done.payment_intent))
        assert (payment.status, payment.received, payment.metadata) == ("succeeded", 11880, {"order": "7"})
        (bill,) = stripe.invoices(customer)
        assert (bill.status, bill.total, bill.tax, bill.paid) == ("paid", 11880, 1980, 11880)
        assert bill.payment_intents == (payment.id,)
        with pytest.raises(StripeRefusedError):
            stripe.expire_checkout(session.id, key=key())


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
        fake.pay_page(session.id, card="pm_card_chargeCustomerFail")
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
        assert (dispute.takes_money, dispute.is_won, dispute.is_lost) == (True, False, False)
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

    @staticmethod
    def settled(stripe: StripeGateway, payment: str) -> Payment:
        """Stripe works the fee out a little later."""
        eventually(
            lambda: cast(Payment, stripe.fetch("payment_intent", payment)).fee_currency,
            PATIENCE,
            "the payment is settled",
        )
        return cast(Payment, stripe.fetch("payment_intent", payment))


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


class TestUsage:
    def test_counted_once_and_taken_back(self, stripe: StripeGateway, customer: str, shop: Shop) -> None:
        moment = now() - timedelta(minutes=5)
        between = (moment - timedelta(minutes=1), moment + timedelta(minutes=3))
        first, second, event = key(), key(), f"calls_{RUN}"
        for identifier, value in ((first, 1000), (second, 234)):
            stripe.report_usage(event, customer, value, identifier=identifier, at=moment)
        eventually(lambda: stripe.reported_usage(shop.meter, customer, *between) == 1234, PATIENCE, "usage is added up")
        stripe.report_usage(event, customer, 1000, identifier=first, at=moment)
        stripe.report_usage(event, customer, 1000, identifier=first, at=moment + timedelta(seconds=1))
        assert stripe.reported_usage(shop.meter, customer, *between) == 1234
        stripe.take_usage_back(event, identifier=second)
        stripe.take_usage_back(event, identifier=second)
        eventually(
            lambda: stripe.reported_usage(shop.meter, customer, *between) == 1000, PATIENCE, "usage is taken back"
        )

    def test_less_than_a_minute_has_no_usage(self, stripe: StripeGateway, customer: str, shop: Shop) -> None:
        start = now().replace(second=1)
        assert stripe.reported_usage(shop.meter, customer, start, start + timedelta(seconds=5)) == 0

    def test_meters(self, stripe: StripeGateway, shop: Shop) -> None:
        found = next(meter for meter in stripe.meters() if meter.id == shop.meter)
        assert (found.event_name, found.name, found.active) == (f"calls_{RUN}", "Calls", True)


class TestEvents:
    def test_what_happened(self, stripe: StripeGateway, far_end: FarEnd, customer: str, shop: Shop) -> None:
        made = far_end.pay_once(customer, shop.once, 9900)
        since = now() - timedelta(minutes=10)
        eventually(
            lambda: (
                ("payment_intent.succeeded", made) in {(each.type, each.object_id) for each in stripe.events(since)}
            ),
            PATIENCE,
            "events are told of",
        )
        found = list(stripe.events(since, now() + timedelta(minutes=1)))
        assert found == sorted(found, key=lambda each: each.created, reverse=True)
        charged = next(each for each in found if each.type == "charge.succeeded" and each.object_id == made)
        assert charged.object_kind == "payment_intent"
        assert charged.payload == {
            "id": charged.id, "type": "charge.succeeded", "created": int(charged.created.timestamp()),
            "livemode": False, "object_kind": "payment_intent", "object_id": made,
        }  # fmt: skip
        assert all(each.created < since for each in stripe.events(since - timedelta(days=1), since))


@pytest.mark.parametrize(
    "kind",
    [
        "customer", "subscription", "invoice", "payment_intent", "refund", "dispute", "checkout.session",
        "payment_method",
    ],
)  # fmt: skip
def test_what_is_not_there_is_missing(stripe: StripeGateway, kind: Kind) -> None:
    with pytest.raises(StripeMissingError):
        stripe.fetch(kind, "xx_none")


def test_writes_to_what_is_not_there(stripe: StripeGateway) -> None:
    for write in (
        lambda: stripe.update_customer("cus_none", name="x", key=key()),
        lambda: stripe.update_product("none", name="x", key=key()),
        lambda: stripe.archive_price("price_none", key=key()),
        lambda: stripe.expire_checkout("cs_test_none", key=key()),
        lambda: stripe.cancel_subscription("sub_none", at_period_end=False, key=key()),
        lambda: stripe.resume_subscription("sub_none", key=key()),
    ):
        with pytest.raises(StripeMissingError):
            write()
