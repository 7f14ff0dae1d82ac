"""The fake Stripe's payment page, from its opening to what is left of it afterwards."""

import http.client
from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from tests.common.stripe_pages import Browser
from tests.common.stripe_shop import APRIL, DAY, Shop

BACK = "https://levqor.example/done?session={CHECKOUT_SESSION_ID}"


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as opened:
        yield opened


def session(shop: Shop, price: str = "", quantity: int | None = 1, **more: Any) -> Any:
    item: dict[str, Any] = {"price": price or shop.setup}
    if quantity is not None:
        item["quantity"] = quantity
    return shop.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "customer": shop.customer,
            "line_items": [item],
            "success_url": BACK,
            "cancel_url": "https://levqor.example/cancelled",
            **more,
        }
    )


def subscription(shop: Shop, **data: Any) -> Any:
    return session(shop, shop.pro, mode="subscription", subscription_data={"metadata": {"org": "org_1"}, **data})


def after(shop: Shop, opened: Any) -> Any:
    return shop.v1.checkout.sessions.retrieve(opened.id, {"expand": ["payment_intent", "line_items"]})


def test_a_payment_leads_back_with_the_sessions_id(shop: Shop) -> None:
    opened = session(
        shop,
        payment_intent_data={"metadata": {"org": "org_1"}},
        invoice_creation={"enabled": True, "invoice_data": {"metadata": {"org": "org_1"}}},
        client_reference_id="order_1",
    )
    assert (opened.status, opened.payment_status, opened.amount_total) == ("open", "unpaid", 200_000)
    tab = Browser().open(opened.url)
    assert "Test payments: no money moves" in tab.text
    tab.press("Pay $2,000.00")
    assert tab.address == BACK.replace("{CHECKOUT_SESSION_ID}", opened.id)
    done = after(shop, opened)
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    assert (done.payment_intent.status, done.payment_intent.metadata["org"]) == ("succeeded", "org_1")
    invoice = shop.v1.invoices.retrieve(done.invoice, {"expand": ["payments"]})
    assert (invoice.status, invoice.total, invoice.metadata["org"]) == ("paid", 200_000, "org_1")
    assert invoice.payments.data[0].payment.payment_intent == done.payment_intent.id
    assert shop.events()[-1] == "checkout.session.completed"
    assert Browser().open(f"{shop.fake.url}/pay/{opened.id}").address == tab.address  # looking again changes nothing


@pytest.mark.parametrize(("data", "kept"), [({}, False), ({"setup_future_usage": "off_session"}, True)])
def test_a_card_is_kept_only_for_who_wants_to_use_it_again(shop: Shop, data: dict[str, str], kept: bool) -> None:
    opened = session(shop, payment_intent_data=data)
    Browser().open(opened.url).press("Pay $2,000.00")
    method = shop.v1.payment_methods.retrieve(after(shop, opened).payment_intent.payment_method)
    assert method.customer == (shop.customer if kept else None)


def test_a_declined_card_can_be_followed_by_another(shop: Shop) -> None:
    opened = session(shop)
    tab = Browser().open(opened.url).press("Pay $2,000.00", card="declined")
    assert (tab.status, "Your card was declined." in tab.text) == (402, True)
    failed = after(shop, opened)
    assert (failed.status, failed.payment_intent.status) == ("open", "requires_payment_method")
    tab.press("Pay $2,000.00", card="succeeds")
    done = after(shop, opened)
    assert (done.status, done.payment_intent.id) == ("complete", failed.payment_intent.id)
    assert [charge.status for charge in shop.v1.charges.list().data] == ["succeeded", "failed"]


def test_the_bank_may_ask_who_pays(shop: Shop) -> None:
    opened = session(shop)
    tab = Browser().open(opened.url).press("Pay $2,000.00", card="three_d_secure")
    assert tab.address.endswith("/authenticate")
    assert after(shop, opened).payment_intent.status == "requires_action"
    tab.press("Fail authentication")
    assert tab.status == 402
    assert "unable to authenticate" in tab.text
    assert after(shop, opened).status == "open"
    tab.press("Pay $2,000.00", card="three_d_secure").press("Complete authentication")
    assert after(shop, opened).payment_intent.status == "succeeded"


def test_a_coupon_and_the_tax_of_a_country_are_shown_before_they_are_paid(shop: Shop) -> None:
    shop.v1.coupons.create({"id": "LAUNCH", "name": "Launch offer", "percent_off": 50, "duration": "once"})
    opened = session(
        shop,
        discounts=[{"coupon": "LAUNCH"}],
        automatic_tax={"enabled": True},
        customer_update={"address": "auto"},
        invoice_creation={"enabled": True},
    )
    assert opened.automatic_tax.status == "requires_location_inputs"
    tab = Browser().open(opened.url)
    assert "Discount (Launch offer) −$1,000.00" in tab.text
    tab.press("Pay $1,000.00", card="succeeds")
    assert (tab.status, "Choose a country." in tab.text) == (400, True)
    tab.press("Pay $1,000.00", country="DE")
    assert (tab.status, "Tax $200.00" in tab.text) == (200, True)  # another total than was shown: not paid yet
    tab.press("Pay $1,200.00")
    done = after(shop, opened)
    assert (done.amount_subtotal, done.total_details.amount_discount, done.total_details.amount_tax) == (
        200_000, 100_000, 20_000,
    )  # fmt: skip
    assert (done.amount_total, done.payment_intent.amount) == (120_000, 120_000)
    assert done.line_items.data[0].amount_total == 120_000
    assert shop.v1.invoices.retrieve(done.invoice).total == 120_000
    assert shop.v1.customers.retrieve(shop.customer).address.country == "DE"
    assert shop.v1.coupons.retrieve("LAUNCH").times_redeemed == 1


def test_nothing_due_needs_no_card(shop: Shop) -> None:
    shop.v1.coupons.create({"id": "FREE", "percent_off": 100})
    opened = session(shop, discounts=[{"coupon": "FREE"}])
    Browser().open(opened.url).press("Complete the order")
    done = after(shop, opened)
    assert (done.status, done.payment_status, done.payment_intent) == ("complete", "no_payment_required", None)


def test_a_subscription_begins_in_proportion(shop: Shop) -> None:
    opened = subscription(shop, billing_cycle_anchor=APRIL, proration_behavior="create_prorations")
    tab = Browser().open(opened.url)
    assert "in proportion until 1 Apr 2031" in tab.text
    [button] = [words for words in tab.forms[0].buttons if words.startswith("Pay")]
    tab.press(button)
    done = after(shop, opened)
    bought = shop.subscription(done.subscription)
    assert (bought.status, bought.metadata["org"], bought.billing_cycle_anchor) == ("active", "org_1", APRIL)
    [invoice] = shop.invoices()
    assert (done.invoice, done.amount_total, done.payment_intent) == (invoice.id, invoice.total, None)
    assert 0 < invoice.total < 4900
    method = shop.v1.payment_methods.retrieve(bought.default_payment_method)
    assert method.customer == shop.customer


def test_a_refused_card_leaves_no_subscription(shop: Shop) -> None:
    opened = subscription(shop)
    tab = Browser().open(opened.url).press("Pay $49.00", card="insufficient_funds")
    assert (tab.status, "insufficient funds" in tab.text) == (402, True)
    assert not shop.v1.subscriptions.list({"status": "all"}).data
    assert not shop.invoices()
    assert shop.v1.charges.list().data[0].status == "failed"
    tab.press("Pay $49.00", card="three_d_secure").press("Complete authentication")
    assert shop.subscription(after(shop, opened).subscription).status == "active"


def test_a_trial_begins_without_a_payment(shop: Shop) -> None:
    opened = subscription(shop, trial_period_days=14)
    tab = Browser().open(opened.url)
    assert "Free until 26 Mar 2031" in tab.text
    tab.press("Start the trial")
    done = after(shop, opened)
    assert (done.payment_status, done.amount_total) == ("no_payment_required", 0)
    assert shop.subscription(done.subscription).status == "trialing"


def test_a_page_can_be_closed_and_closes_by_itself(shop: Shop) -> None:
    first, second = session(shop), session(shop, expires_at=shop.now() + 3600)
    assert shop.v1.checkout.sessions.expire(first.id).status == "expired"
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.checkout.sessions.expire(first.id)
    tab = Browser().open(f"{shop.fake.url}/pay/{first.id}")
    assert (tab.status, tab.forms) == (410, [])
    shop.advance(shop.now() + 3600)
    assert after(shop, second).status == "expired"
    assert shop.events()[-1] == "checkout.session.expired"


@pytest.mark.parametrize(
    ("quantity", "code"),
    [(-1, "parameter_invalid_integer"), (0, "parameter_invalid_integer"), (10**9, "parameter_invalid_integer"),
     (None, "parameter_missing"), (999_999, "amount_too_large")],
)  # fmt: skip
def test_odd_quantities_are_refused(shop: Shop, quantity: int | None, code: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        session(shop, quantity=quantity)
    assert refused.value.code == code
    assert not shop.v1.checkout.sessions.list().data


def test_what_cannot_be_sold_so_is_refused(shop: Shop) -> None:
    def refused(**more: Any) -> str:
        with pytest.raises(stripe.InvalidRequestError) as told:
            session(shop, **more)
        return str(told.value)

    assert "recurring price" in refused(price=shop.pro)
    assert "at least one recurring" in refused(mode="subscription")
    assert "metered" in refused(price=shop.calls, mode="subscription")
    assert "valid address" in refused(automatic_tax={"enabled": True})
    assert "expires_at" in refused(expires_at=shop.now() + 60)
    assert "expires_at" in refused(expires_at=shop.now() + 2 * DAY)
    assert "valid URL" in refused(success_url="javascript:alert(1)")
    euro = shop.price("pro", currency="eur", unit_amount=4900, recurring={"interval": "month"})
    assert "same currency" in refused(
        mode="subscription",
        line_items=[{"price": euro, "quantity": 1}, {"price": shop.pro, "quantity": 1}],
    )
    shop.buy(shop.pro)
    assert "combine currencies" in refused(mode="subscription", price=euro)
    shop.v1.prices.update(shop.setup, {"active": False})
    assert "inactive" in refused()


def test_another_sites_page_cannot_pay(shop: Shop) -> None:
    opened = session(shop)
    connection = http.client.HTTPConnection(shop.fake.url.removeprefix("http://"))
    connection.request("POST", f"/pay/{opened.id}", "card=succeeds", {"Sec-Fetch-Site": "cross-site"})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert (answer.status, after(shop, opened).status) == (403, "open")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Host": "evil.example", "Sec-Fetch-Site": "same-origin"}, 421),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 421),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Origin": "{address}"}, 303),
    ],
)
def test_time_passes_for_our_own_pages_alone(shop: Shop, headers: dict[str, str], status: int) -> None:
    told = {name: value.format(address=shop.fake.url) for name, value in headers.items()}
    connection = http.client.HTTPConnection(shop.fake.url.removeprefix("http://"))
    connection.request("POST", "/advance", "to=day", told)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == status
