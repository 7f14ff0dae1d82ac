"""Every call of the port, by the real gateway over HTTP, against the fake: what it does, asks and is answered.

With a key of a Stripe test account the same calls are made there, too:
`STRIPE_TEST_KEY=sk_test_… pytest --allow-hosts=127.0.0.1,api.stripe.com tests/contracts/stripe`
"""

from datetime import timedelta
from typing import cast

import pytest

from apps.core.clock import now
from apps.integrations.stripe.errors import StripeMissingError, StripeRefusedError
from apps.integrations.stripe.gateway import StripeGateway
from apps.integrations.stripe.objects import (
    CheckoutSession,
    Customer,
    Kind,
    Payment,
)
from apps.integrations.stripe.port import Wanted
from tests.common.processes import eventually
from tests.contracts.stripe.far_end import PATIENCE, RUN, AtTheFake, FarEnd, Shop, key, order

pytestmark = pytest.mark.usefixtures("conversation")


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
        configuration = stripe.ensure_portal(key=key())
        assert stripe.ensure_portal(key=key()) == configuration, "it is found again"
        address = stripe.open_portal(
            customer, configuration=configuration, return_url="https://levqor.example/settings", key=key()
        )
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
        fake.pay_page(session.url, country="GB")
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
        made = stripe.create_meter(f"more_{RUN}", name="More", key=key())
        assert (made.event_name, made.name, made.active) == (f"more_{RUN}", "More", True)


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
