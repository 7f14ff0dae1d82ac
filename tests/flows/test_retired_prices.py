"""A price that is no longer sold: who pays it goes on paying it, and has what it gives."""

import sys
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from apps.billing.ahead import next_bill
from apps.billing.catalogue import catalogue
from apps.billing.errors import NotOnSaleError
from apps.billing.models import CreditGrant, Invoice, Order, PriceAtStripe
from apps.billing.services import checkout, invoices, orders
from apps.billing.services.catalogue_sync import sync_catalogue
from apps.core.entitlements import entitlement
from apps.integrations.models import StripeObject
from apps.integrations.stripe.connection import stripe
from apps.integrations.stripe.fake.cards import CARDS
from apps.integrations.stripe.fake.completing import submit
from apps.ledger.models import Account
from apps.usage.plans import API_PLAN

pytestmark = pytest.mark.django_db
BEGIN = datetime(2027, 3, 12, 9, 30, tzinfo=UTC)
APRIL = datetime(2027, 4, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(db):
    with time_machine.travel(BEGIN, tick=True) as clock:
        yield clock


@pytest.fixture
def raise_price(monkeypatch):
    """A product costs more from now on, under another code."""

    def raised(code, amount):
        whole = catalogue()
        product = whole.products[code]
        new = product.price.model_copy(update={"code": f"{product.price.code}_b", "amount": amount})
        old = product.price.model_copy(update={"retired": True})
        product = product.model_copy(update={"prices": (old, new, *product.prices[1:])})
        changed = whole.model_copy(update={"products": {**whole.products, code: product}})
        for module in [one for name, one in sys.modules.items() if name.startswith("apps.billing")]:
            if getattr(module, "catalogue", None) is catalogue:
                monkeypatch.setattr(module, "catalogue", lambda: changed)
        sync_catalogue()
        return product

    return raised


def sales():
    rows = Account.objects.unscoped().filter(key__startswith="sales:")
    return {row.key: row.balance.minor for row in rows if row.balance.minor}


def test_who_pays_an_old_price_goes_on_paying_it(shop, owner, organization, clock, raise_price, settings):
    settings.API_DEFAULT_PLAN = "sandbox"
    shop.buy(owner, organization, "api_pro_monthly")
    assert raise_price("api_pro", 2_100).price.code == "api_pro_monthly_b"
    assert not PriceAtStripe.objects.get(code="api_pro_monthly").is_current
    clock.move_to(APRIL + timedelta(minutes=70))
    shop.world.catch_up()
    shop.settle()
    row = shop.subscription(organization)
    assert (row.product, row.price, row.status) == ("api_pro", "api_pro_monthly", "active")
    assert entitlement(organization.pk, API_PLAN) == "pro"
    april = Invoice.objects.for_organization(organization).order_by("-created_at")[0]
    assert (april.total, [line.price for line in april.lines.all()]) == (1_900, ["api_pro_monthly"])
    assert set(sales()) == {"sales:api_pro:USD"}
    assert next_bill(row).amount.minor == 1_900
    stripe().cancel_subscription(row.stripe_id, at_period_end=False, key="end")
    shop.settle()
    assert shop.subscription(organization).status == "canceled"
    assert entitlement(organization.pk, API_PLAN) != "pro"


def test_a_bill_is_booked_once_whatever_its_lines_are_called(shop, owner, organization, monkeypatch):
    shop.buy(owner, organization, "api_pro_monthly")
    before, [row] = sales(), Invoice.objects.for_organization(organization)
    monkeypatch.setattr(invoices, "_product", lambda price: "other")
    invoices.apply(stripe().fetch("invoice", row.stripe_id))
    assert sales() == before


def test_what_was_on_an_open_page_is_given(shop, owner, organization, raise_price):
    order = orders.place_order(owner, organization, "credits_1000")
    checkout.open_page(order)
    raise_price("credits", 600)
    order.refresh_from_db()
    with shop.world.atomic():
        submit(shop.world, shop.world.get("checkout.session", order.session_id), CARDS["succeeds"])
    shop.settle()
    order.refresh_from_db()
    assert (order.state, CreditGrant.objects.for_organization(organization).get().units) == (Order.State.PAID, 1_000)
    assert not StripeObject.objects.exclude(state="seen").exists()
    with pytest.raises(NotOnSaleError):
        orders.place_order(owner, organization, "credits_1000")
