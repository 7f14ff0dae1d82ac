"""Objects in any order, often, in full or by id: the same rows, nothing fetched, nothing secret."""

import random
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.core import serializers
from django.db import connection
from djstripe.models import (
    Charge,
    Coupon,
    Customer,
    Dispute,
    Invoice,
    PaymentIntent,
    Price,
    Product,
    Refund,
    Session,
    Subscription,
)

from apps.integrations.stripe import triggers
from apps.integrations.stripe.mirror import MODELS, forget, mirror
from tests.common import stripe_raw as raw

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _alone(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No address is looked up, and the database takes nothing but what is mirrored."""

    def refused(*_: Any, **__: Any) -> Any:
        raise AssertionError("the mirror asked the network")

    monkeypatch.setattr(socket, "getaddrinfo", refused)
    triggers.protection(connection).install(connection)
    yield
    triggers.protection(connection).remove(connection)


def reflect(*objects: dict[str, Any]) -> None:
    for one in objects:
        mirror(one["object"], one)
    connection.check_constraints()  # what a commit would check


def rows() -> dict[str, dict[str, Any]]:
    """All rows by their ids at Stripe, without what differs from one time to the next."""
    found = {}
    for model in MODELS.values():
        for row in serializers.serialize("python", model.objects.all()):
            ours = ("djstripe_created", "djstripe_updated")
            found[row["fields"]["id"]] = {name: row["fields"][name] for name in row["fields"] if name not in ours}
    return found


def test_every_kind_has_a_row_with_its_columns_and_relations():
    reflect(*raw.everything())
    assert {model.objects.count() for model in MODELS.values()} == {1}
    moment = datetime.fromtimestamp(raw.MOMENT, UTC)
    paying = Customer.objects.get()
    assert (paying.id, paying.created, paying.livemode) == ("cus_1", moment, False)
    assert (paying.metadata, paying.balance) == ({"organization": "org_1"}, -500)
    assert Product.objects.get().name == "Developer Pro"
    sold = Price.objects.get()
    assert (sold.product, sold.lookup_key, sold.unit_amount, sold.nickname) == (
        Product.objects.get(),
        "developer_pro_month",
        4900,
        "",
    )
    assert Coupon.objects.get().percent_off == 50
    lasting = Subscription.objects.get()
    assert (lasting.customer, lasting.status) == (paying, "active")
    [item] = lasting.stripe_data["items"]["data"]
    assert (item["quantity"], item["price"]["id"], item["price"]["unit_amount"]) == (3, "price_1", 4900)
    bill = Invoice.objects.get()
    assert (bill.customer, bill.subscription, bill.total, bill.number) == (paying, lasting, 14700, "A1B2C3-0001")
    payment = PaymentIntent.objects.get()
    assert (payment.customer, payment.stripe_data["latest_charge"]) == (paying, "ch_1")
    paid = Charge.objects.get()
    assert (paid.amount, paid.currency, paid.status) == (Decimal("147.00"), "usd", "succeeded")
    assert (paid.customer, paid.payment_intent) == (paying, payment)
    assert paid.stripe_data["payment_method_details"]["card"] == {
        "brand": "visa",
        "last4": "4242",
        "exp_month": 12,
        "exp_year": 2031,
    }
    assert paid.stripe_data["balance_transaction"]["fee"] == 456
    assert (Refund.objects.get().charge, Refund.objects.get().amount) == (paid, 700)
    assert (Dispute.objects.get().charge, Dispute.objects.get().payment_intent) == (paid, payment)
    assert Dispute.objects.get().balance_transactions[0]["fee"] == 1500
    assert (Session.objects.get().customer, Session.objects.get().subscription) == (paying, lasting)


def test_nothing_secret_or_personal_is_stored():
    reflect(*raw.everything())
    for model in MODELS.values():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {model._meta.db_table}")
            stored = str(cursor.fetchall())
        assert model.objects.get().id in stored
        assert raw.LEAK not in stored, model


def test_what_was_given_in_full_is_stored_as_the_id_that_stands_for_it():
    reflect(raw.subscription(), raw.payment_intent())
    lasting, payment = Subscription.objects.get().stripe_data, PaymentIntent.objects.get().stripe_data
    assert (lasting["latest_invoice"], lasting["default_payment_method"]) == ("in_1", "pm_1")
    assert payment["last_payment_error"]["payment_method"] == "pm_1"
    reflect(raw.invoice(customer=raw.customer(), parent={"subscription_details": {"subscription": raw.subscription()}}))
    assert (Invoice.objects.get().customer_id, Invoice.objects.get().subscription_id) == ("cus_1", "sub_1")


@pytest.mark.parametrize("seed", range(6))
def test_any_order_and_any_number_of_times_is_the_same_in_the_end(seed):
    reflect(*raw.everything())
    wanted, counts = rows(), {model: model.objects.count() for model in MODELS.values()}
    for model in reversed(MODELS.values()):
        model.objects.all().delete()
    shuffled = raw.everything() * 3
    random.Random(seed).shuffle(shuffled)
    for one in shuffled:
        reflect(one)
    assert rows() == wanted
    assert {model: model.objects.count() for model in MODELS.values()} == counts


def test_what_has_not_come_yet_has_its_id_and_is_filled_when_it_comes():
    reflect(raw.refund(), raw.price(), raw.invoice())
    waiting = Charge.objects.get()
    assert (waiting.id, waiting.stripe_data, waiting.created, waiting.status) == (
        "ch_1",
        {"id": "ch_1", "currency": ""},
        None,
        "",
    )
    assert (Subscription.objects.get().id, Subscription.objects.get().customer_id) == ("sub_1", "cus_1")
    assert Refund.objects.get().charge == waiting
    reflect(raw.charge(), raw.product())
    filled = Charge.objects.get()
    assert (filled.pk, filled.status, filled.amount) == (waiting.pk, "succeeded", Decimal("147.00"))
    assert Price.objects.get().product.name == "Developer Pro"


def test_what_cannot_have_a_row_yet_leaves_the_relation_empty():
    reflect(raw.session(customer=None))  # a subscription's row needs its customer
    assert (Session.objects.get().subscription, Subscription.objects.count()) == (None, 0)
    reflect(raw.session())
    assert Session.objects.get().subscription_id == "sub_1"


def test_the_present_state_replaces_what_was_there():
    reflect(raw.charge(), raw.subscription())
    reflect(
        raw.charge(status="failed", customer=None, metadata={"a": "b"}, failure_code="expired_card"),
        raw.subscription(status="canceled", customer="cus_2"),
    )
    changed = Charge.objects.get()
    assert (changed.status, changed.customer, changed.metadata) == ("failed", None, {"a": "b"})
    assert changed.stripe_data["failure_code"] == "expired_card"
    assert (Subscription.objects.get().status, Subscription.objects.get().customer_id) == ("canceled", "cus_2")
    assert changed.djstripe_updated > changed.djstripe_created


DELETED = {"id": "cus_1", "object": "customer", "deleted": True}


@pytest.mark.parametrize("again", [lambda: forget("customer", "cus_1"), lambda: mirror("customer", DELETED)])
def test_what_is_deleted_keeps_its_id_for_those_that_it_had(again):
    reflect(*raw.everything())
    again()
    again()
    connection.check_constraints()
    gone = Customer.objects.get()
    assert gone.stripe_data == {**DELETED, "currency": ""}
    assert (gone.deleted, gone.metadata, gone.livemode) == (True, None, False)
    assert (Invoice.objects.get().customer, Subscription.objects.get().customer) == (gone, gone)


def test_forgetting_what_never_came_or_has_no_place_does_nothing():
    forget("customer", "cus_9")
    forget("payment_method", "pm_1")
    mirror("customer", DELETED)
    assert not Customer.objects.exists()


def test_a_coupon_is_another_in_live_mode():
    reflect(raw.coupon(), raw.coupon(livemode=True, percent_off=20), raw.coupon(percent_off=30))
    assert sorted(Coupon.objects.values_list("livemode", "stripe_data__percent_off")) == [(False, 30), (True, 20)]
    forget("coupon", "launch_50")
    assert {one.stripe_data["deleted"] for one in Coupon.objects.all()} == {True}


def test_kinds_without_a_place_and_what_the_tables_cannot_hold_are_left_out():
    reflect(raw.PAYMENT_METHOD, raw.refund(charge=None), raw.invoice(customer=None))
    assert rows() == {}


def test_an_object_of_another_kind_is_refused():
    with pytest.raises(ValueError, match="'customer' is no invoice"):
        mirror("invoice", raw.customer())


def test_what_databases_do_not_take_is_mended():
    reflect(raw.product(name="a\0b"), raw.price(unit_amount_decimal=Decimal("0.15"), metadata={"a": "\ud800"}))
    assert Product.objects.get().name == Product.objects.get().stripe_data["name"] == "a\ufffdb"
    assert Price.objects.get().unit_amount_decimal == "0.15"


def test_a_row_costs_a_handful_of_queries(django_assert_max_num_queries):
    with django_assert_max_num_queries(7):
        mirror("charge", raw.charge())
    with django_assert_max_num_queries(4):
        mirror("charge", raw.charge())
