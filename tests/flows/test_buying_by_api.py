"""A program buys credits and asks what became of its order: live through a fake Stripe, and in the sandbox."""

from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
import time_machine
from django.conf import settings as installation
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.utils.encoders import JSONEncoder

from apps.accounts.services import api_keys
from apps.accounts.services.api_keys import Terms
from apps.billing.models import CreditGrant, Customer, Order
from apps.billing.services import orders, refunds
from apps.billing.services.checkout import cancel_page
from apps.core.api import document
from tests.common.bills import make_grant, make_order
from tests.common.gate_calls import billed
from tests.common.roles import actor_of, api_client_of, client_of

pytestmark = pytest.mark.django_db
BUY, ORDERS = "/api/v1/billing/purchase-credits", "/api/v1/billing/orders/"
NOW = datetime(2027, 3, 12, 9, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(db):
    with time_machine.travel(NOW, tick=True):
        yield


@pytest.fixture
def program(owner, organization):
    return api_client_of(owner, organization)


def key_of(owner, organization, environment, *scopes):
    terms = Terms("Program", list(scopes) or None)
    secret = api_keys.create_key(actor_of(owner, organization), organization, environment, terms).secret
    return Client(headers={"X-API-Key": secret})


def buy(program, quantity=5, address=BUY, **headers):
    answer = program.post(address, {"quantity": quantity}, headers=headers, content_type="application/json")
    assert answer.status_code == 201, answer.content
    return answer


def written(moment):
    return JSONEncoder().default(moment)


def became(program, key):
    answer = program.get(f"{ORDERS}{key}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_a_program_buys_and_asks_until_it_is_paid(shop, program, owner, organization):
    ordered = buy(program).json()
    page = f"{installation.SITE_URL}/billing/orders/{ordered['id']}/pay"
    wish = {"calls": 5_000, "amount": 2_500, "currency": "USD"}
    assert ordered == {**wish, "id": ordered["id"], "status": "open", "checkout_url": page}
    opened, order = became(program, ordered["id"]), Order.objects.for_organization(organization).get()
    assert opened == {
        **ordered,
        "product": "credits",
        "price": "credits_1000",
        "quantity": 5,
        "total": None,
        "tax": None,
        "credits": None,
        "created_at": written(order.created_at),
        "paid_at": None,
    }
    assert client_of(owner, organization).get(opened["checkout_url"])["Location"].startswith(shop.fake.url)
    shop.pay(order)
    shop.settle()
    order.refresh_from_db()
    paid = became(program, ordered["id"])
    grant = CreditGrant.objects.for_organization(organization).get()
    assert paid == {
        **opened,
        "status": "paid",
        "checkout_url": None,
        "total": order.total,
        "tax": order.tax,
        "paid_at": written(order.paid_at),
        "credits": {
            "id": grant.public_id,
            "reason": "API credits",
            "calls": 5_000,
            "remaining": 5_000,
            "priority": 50,
            "expires_at": written(grant.expires_at),
        },
    }
    assert order.total - order.tax == 2_500
    assert timedelta(days=365) <= grant.expires_at - order.paid_at < timedelta(days=365, minutes=1)


def test_what_was_bought_with_a_key_is_bought_once(shop, program, organization):
    first = buy(program, **{"Idempotency-Key": "november"})
    shop.pay(Order.objects.for_organization(organization).get())
    shop.settle()
    second = buy(program, **{"Idempotency-Key": "november"})
    assert (second.json(), second["Idempotent-Replayed"]) == (first.json(), "true")
    assert Order.objects.for_organization(organization).count() == 1
    assert became(program, second.json()["id"])["status"] == "paid"
    assert buy(program).json()["id"] != first.json()["id"], "without the key it is another order"


def test_an_order_that_nobody_paid_is_told(shop, program, owner, organization):
    order = orders.place_order(owner, organization, "credits_1000", quantity=2)
    assert cancel_page(order)
    told = became(program, order.public_id)
    assert (told["status"], told["checkout_url"], told["total"], told["credits"]) == ("expired", None, None, None)


def test_a_payment_that_went_back_is_told(shop, program, owner, staff, organization):
    order = shop.buy(owner, organization, "credits_1000", quantity=2)
    payment = shop.payment(organization)
    refunds.order_refund(payment, payment.amount, reason="requested_by_customer", note="", by=staff)
    shop.settle()
    told = became(program, order.public_id)
    assert (told["status"], told["total"]) == ("reversed", order.total)
    assert (told["credits"]["calls"], told["credits"]["remaining"]) == (2_000, 0)


def test_orders_of_other_things_are_told_too(shop, program, owner, organization):
    order = shop.buy(owner, organization, "api_pro_monthly")
    told = became(program, order.public_id)
    assert (told["product"], told["price"], told["quantity"]) == ("api_pro", "api_pro_monthly", 1)
    assert (told["status"], told["amount"], told["total"]) == ("paid", 1_900, order.total)
    assert (told["calls"], told["credits"]) == (None, None)


# Who may ask ----------------------------------------------------------------------------------------------------------
def test_orders_of_others_are_not_there(program, outsider, owner, organization):
    order, grant = make_order(organization), make_grant(organization, 1_000)
    theirs = make_order(outsider.memberships.get().organization)
    assert became(program, order.public_id)["status"] == "expired"
    assert api_client_of(outsider).get(f"{ORDERS}{order.public_id}").status_code == 404
    for key in (theirs.public_id, grant.public_id, "order_nonsense", organization.public_id):
        answer = program.get(f"{ORDERS}{key}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), key
    sandbox = key_of(owner, organization, "test")
    assert sandbox.get(f"/api/sandbox/v1/billing/orders/{order.public_id}").status_code == 404


@pytest.mark.parametrize(("scope", "status"), [("usage:view", 403), ("billing:manage", 200)])
def test_orders_are_for_whoever_buys(viewer, owner, organization, scope, status):
    order, reader = make_order(organization), api_client_of(viewer, organization)
    for refused in (reader.get(f"{ORDERS}{order.public_id}"), reader.post(BUY, {"quantity": 1})):
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    program = key_of(owner, organization, "live", scope)
    assert program.get(f"{ORDERS}{order.public_id}").status_code == status


def test_asking_is_free_and_one_query(program, organization):
    order = make_order(organization, state=Order.State.PAID)
    make_grant(organization, 1_000, order=order)
    became(program, order.public_id)
    with CaptureQueriesContext(connection) as found:
        became(program, order.public_id)
    assert sum("billing_" in query["sql"] for query in found) == 1
    assert billed(organization) == 0


# The sandbox ----------------------------------------------------------------------------------------------------------
def test_in_the_sandbox_it_is_given_at_once(owner, organization):
    program, place = key_of(owner, organization, "test"), "/api/sandbox/v1/billing/"
    first = buy(program, 2, f"{place}purchase-credits").json()
    assert (first["status"], first["checkout_url"]) == ("given", None)
    told = program.get(f"{place}orders/{first['id']}").json()
    assert {name: told[name] for name in first} == first
    assert told["credits"]["expires_at"] == "2027-03-13T00:00:00Z"
    assert (told["product"], told["price"], told["quantity"]) == ("credits", "credits_1000", 2)
    assert (told["total"], told["tax"], told["paid_at"]) == (None, None, None)
    assert buy(program, 3, f"{place}purchase-credits").json()["id"] == first["id"]
    told = program.get(f"{place}orders/{first['id']}").json()
    assert (told["calls"], told["quantity"], told["credits"]["calls"]) == (5_000, 5, 5_000)
    assert api_client_of(owner, organization).get(f"{ORDERS}{first['id']}").status_code == 404


# What is refused, as the document says --------------------------------------------------------------------------------
def no_payments(_organization, settings):
    settings.STRIPE_API_KEY, settings.STRIPE_IS_FAKE = "", False


def held(organization, _settings):
    Customer.objects.create(organization=organization, held_because="a dispute")


def other_currency(organization, _settings):
    Customer.objects.create(organization=organization, currency="EUR")


def many_open(organization, _settings):
    for quantity in range(100, 100 + orders.MOST_OPEN):
        make_order(organization, state=Order.State.OPEN, quantity=quantity)


@pytest.mark.parametrize(
    ("arrange", "quantity", "key", "status", "code"),
    [
        (no_payments, 5, "one", 503, "payments_not_set_up"),
        (held, 5, "one", 409, "customer_held"),
        (other_currency, 5, "one", 409, "currency_switch"),
        (many_open, 5, "one", 422, "limit_exceeded"),
        (None, 0, "one", 422, "invalid_input"),
        (None, 5, "x" * 256, 422, "invalid_idempotency_key"),
    ],
)
def test_refusals_are_in_the_document(arrange, quantity, key, status, code, program, organization, settings):
    if arrange:
        arrange(organization, settings)
    before = Order.objects.for_organization(organization).count()
    answer = program.post(BUY, {"quantity": quantity}, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert Order.objects.for_organization(organization).count() == before
    assert f"`{code}`" in document()["paths"][BUY]["post"]["responses"][str(status)]["description"]


def test_what_is_no_longer_sold_is_refused(program, organization):
    with patch("apps.billing.catalogue.Product.on_sale", False):
        answer = program.post(BUY, {"quantity": 5})
    assert (answer.status_code, answer.json()["code"]) == (409, "not_on_sale")


def test_a_key_of_another_purchase_is_refused(program, organization):
    buy(program, 5, **{"Idempotency-Key": "one"})
    answer = program.post(BUY, {"quantity": 6}, headers={"Idempotency-Key": "one"})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_the_page_says_so_too_where_payments_are_not_set_up(owner, organization, settings):
    no_payments(organization, settings)
    answer = client_of(owner).post("/billing/orders", {"price": "credits_1000", "quantity": "5"})
    assert (answer.status_code, Order.objects.for_organization(organization).exists()) == (422, False)
    assert "payments are not set up" in answer.content.decode()
