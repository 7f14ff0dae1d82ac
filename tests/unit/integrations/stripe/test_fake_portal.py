"""The fake Stripe's customer portal."""

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from apps.integrations.stripe.gateway import StripeGateway
from tests.common.stripe_pages import Browser
from tests.common.stripe_shop import DAY, Shop

BACK = "https://levqor.example/billing"


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as opened:
        yield opened


def portal(shop: Shop) -> Browser:
    opened = shop.v1.billing_portal.sessions.create({"customer": shop.customer, "return_url": BACK})
    return Browser().open(opened.url)


def default_card(shop: Shop) -> Any:
    customer = shop.v1.customers.retrieve(shop.customer, {"expand": ["invoice_settings.default_payment_method"]})
    return customer.invoice_settings.default_payment_method.card.last4


def test_another_card_is_charged_from_then_on(shop: Shop) -> None:
    bought = shop.buy(shop.pro, payment_method=shop.card)
    tab = portal(shop)
    assert "Charged now: Visa •••• 4242" in tab.text
    tab.press("Use this card", card="fails_later")
    assert "The card was changed." in tab.text
    assert default_card(shop) == "0341"
    assert shop.subscription(bought).default_payment_method != shop.card


def test_a_declined_card_changes_nothing(shop: Shop) -> None:
    tab = portal(shop).press("Use this card", card="declined")
    assert (tab.status, default_card(shop)) == (402, "4242")


def test_a_bank_may_ask_whose_card_it_is(shop: Shop) -> None:
    tab = portal(shop).press("Use this card", card="three_d_secure").press("Fail authentication")
    assert (tab.status, default_card(shop)) == (402, "4242")
    tab.press("Use this card", card="three_d_secure").press("Complete authentication")
    assert default_card(shop) == "3155"


def test_name_and_country_are_for_bills(shop: Shop) -> None:
    portal(shop).press("Save", name="Ann & Co", country="GB")
    customer = shop.v1.customers.retrieve(shop.customer)
    assert (customer.name, customer.address.country) == ("Ann & Co", "GB")


def test_invoices_are_shown_and_the_way_back(shop: Shop) -> None:
    shop.buy(shop.pro)
    [invoice] = shop.invoices()
    tab = portal(shop)
    assert invoice.number in tab.text
    assert f'href="{invoice.hosted_invoice_url}"' in tab.content
    assert f'href="{BACK}"' in tab.content


def test_it_is_open_for_a_day_and_only_for_customers(shop: Shop) -> None:
    tab = portal(shop)
    shop.advance(shop.now() + DAY + 1)
    assert tab.open(tab.address).status == 410
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.billing_portal.sessions.create({"customer": "cus_nobody"})


def test_the_configuration_is_made_once_and_lets_nobody_change_plans(shop: Shop) -> None:
    gateway = StripeGateway(shop.fake.api_key, shop.fake.url)
    shop.v1.billing_portal.configurations.create({"features": {"invoice_history": {"enabled": True}}})
    ours = gateway.ensure_portal(key="portal")
    shop.fake.forget_keys()
    assert gateway.ensure_portal(key="portal") == ours
    assert len(shop.world.find("billing_portal.configuration")) == 2
    features = shop.world.get("billing_portal.configuration", ours)["features"]
    assert features["customer_update"] == {"allowed_updates": ["address", "tax_id"], "enabled": True}
    assert [name for name, one in features.items() if not one["enabled"]] == [
        "subscription_cancel",
        "subscription_update",
    ]
    gateway.open_portal(shop.customer, configuration=ours, return_url=BACK, key="open")
    assert shop.world.find("billing_portal.session")[-1]["configuration"] == ours


def test_a_configuration_that_is_not_there_is_refused(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="bpc_none"):
        shop.v1.billing_portal.sessions.create({"customer": shop.customer, "configuration": "bpc_none"})
    with pytest.raises(stripe.InvalidRequestError, match="subscription_cancel"):
        shop.v1.billing_portal.configurations.create({"features": {"subscription_cancel": {"enabled": True}}})
