"""Many at once: workers that look at the same objects, requests for the same order, refunds of the same rest.

SQLite has one writer at a time; here PostgreSQL is tried.
"""

import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from unittest.mock import patch

import pytest
from django.db import connection, transaction

from apps.billing import books
from apps.billing.errors import RefundTooLargeError
from apps.billing.models import CreditGrant, CreditUse, Customer, Order, Payment, Refund
from apps.billing.services import credits, invoices, orders, payments, refunds
from apps.billing.services.reconciliation import reconcile
from apps.core import events
from apps.core.clock import now
from apps.core.models import DomainEvent
from apps.integrations.inbox import services as inbox
from apps.integrations.models import StripeObject
from apps.integrations.stripe import errands, watching
from apps.integrations.stripe.connection import stripe
from apps.integrations.stripe.gateway import StripeGateway
from apps.ledger.models import Account
from apps.ledger.selectors import differences
from tests.common.roles import api_client_of, client_of, make_organization, make_user
from tests.common.threads import run_in_threads

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time, one connection in memory"),
]
WORKERS = 4
MONTH = "2027-03"


@pytest.fixture
def put_off():
    """Why anything was put off by a worker: nothing but that another object is needed first may be."""
    found = []

    def note(original, row, error, *more):
        found.append(error)
        return original(row, error, *more)

    with (
        patch.object(watching, "_put_off", partial(note, watching._put_off)),
        patch.object(errands, "_put_off", partial(note, errands._put_off)),
        patch.object(events, "_put_off", partial(note, events._put_off)),
        patch.object(inbox, "_put_off", partial(note, inbox._put_off)),
    ):
        yield found
    assert [error for error in found if not isinstance(error, watching.NeededFirstError)] == []


@contextmanager
def looks_counted():
    """How many look at each object, and the most who did so at the same moment."""
    looks, most, here, lock = Counter(), Counter(), Counter(), threading.Lock()
    fetch = StripeGateway.fetch_raw

    def look(gateway, kind, object_id):
        with lock:
            looks[kind, object_id] += 1
            here[kind, object_id] += 1
            most[kind, object_id] = max(most[kind, object_id], here[kind, object_id])
        try:
            return fetch(gateway, kind, object_id)
        finally:
            with lock:
                here[kind, object_id] -= 1

    with patch.object(StripeGateway, "fetch_raw", look):
        yield looks, most


def work():
    """What one worker does until nothing is left that is due. Returns how much it was."""
    done = 0
    while found := inbox.handle_due() + watching.look_at_due() + events.deliver_due() + refunds.refund_ordered():
        done += found
    return done


def work_together(shop):
    """Several workers, and whatever happens at Stripe brought to them, until nothing is left."""
    for _round in range(20):
        fresh = shop.new_events()
        *done, _brought = run_in_threads(*[work] * WORKERS, partial(bring, shop, fresh))
        waiting = StripeObject.objects.filter(state="waiting").update(due_at=now())
        if not fresh and not waiting and not any(done):
            return
    raise AssertionError("there is no end to it")


def bring(shop, found):
    for event in found:
        shop.send(event)


def balances(prefix):
    return sum(row.balance.minor for row in Account.objects.unscoped() if row.key.startswith(f"{prefix}:"))


def agree(shop):
    """The books add up, and are what Stripe has."""
    assert not differences()
    moved = shop.world.find("balance_transaction")
    assert balances("stripe") == sum(one["net"] for one in moved)
    assert balances("receivable") == 0
    with patch("apps.billing.services.reconciliation.SETTLED", timedelta(0)):
        assert [str(line) for line in reconcile().lines.all()] == []


def test_several_workers_look_at_the_same_objects(shop, owner, organization, put_off):
    order = place(owner, organization, "credits_1000", 3)
    shop.pay(order)
    for event in shop.new_events():
        shop.send(event)
    inbox.handle_due()
    with looks_counted() as (looks, most):
        run_in_threads(*[watching.look_at_due] * WORKERS)
        waiting = [(row.kind, row.object_id) for row in StripeObject.objects.all()]
        for _time in range(3):
            run_in_threads(*[partial(watching.look_now, *one) for one in waiting for _worker in range(2)])
    assert set(looks) == set(waiting)
    assert set(most.values()) == {1}, "one at a time looks at an object"
    work_together(shop)
    assert CreditGrant.objects.for_organization(organization).get().units == 3_000
    assert Payment.objects.for_organization(organization).get().announced
    assert DomainEvent.objects.filter(name="payment_succeeded").count() == 1
    agree(shop)


def test_many_customers_and_many_workers(shop, staff, put_off):
    """Plans and credits bought, some of it given back, by several workers at once: each thing happens once."""
    bought = []
    for number in range(4):
        person = make_user(f"Buyer {number}")
        organization = make_organization(person, f"Buyer {number}")
        for price, quantity in (("api_pro_monthly", 1), ("credits_1000", 2)):
            bought.append(shop.pay(place(person, organization, price, quantity)))
    work_together(shop)
    assert Order.objects.unscoped().filter(state=Order.State.PAID).count() == len(bought)
    rows = list(Payment.objects.unscoped().order_by("pk"))
    assert len(rows) == len(bought)
    run_in_threads(*[partial(give_back, row, row.amount // 2, staff) for row in rows])
    work_together(shop)
    run_in_threads(*[partial(give_back, row, row.amount - row.amount // 2, staff) for row in rows])
    work_together(shop)
    assert set(Refund.objects.values_list("state", flat=True)) == {"succeeded"}
    assert len(shop.world.find("refund")) == Refund.objects.count() == 2 * len(rows)
    assert all(row.is_reversed for row in Payment.objects.unscoped())
    assert balances("credits") == 0
    names = Counter(DomainEvent.objects.values_list("name", flat=True))
    assert (names["payment_succeeded"], names["payment_reversed"]) == (len(rows), 2 * len(rows))
    agree(shop)


def test_two_requests_place_the_same_order(shop, owner, organization):
    """By pages and by the API, for the first thing that anybody ever buys here: one order, one page, one customer."""

    def by_page():
        client = client_of(owner, organization)
        answer = client.post("/billing/orders", {"price": "credits_1000", "quantity": "5"})
        return client.get(answer["Location"])["Location"]

    def by_program():
        program = api_client_of(owner, organization)
        answer = program.post("/api/v1/billing/purchase-credits", {"quantity": 5})
        assert answer.status_code == 201, answer.content
        return client_of(owner, organization).get(answer.json()["checkout_url"])["Location"]

    pages = run_in_threads(by_page, by_page, by_program, by_program)
    [order] = Order.objects.for_organization(organization)
    [session] = shop.world.find("checkout.session")
    assert set(pages) == {session["url"]}
    assert (order.session_id, order.sessions) == (session["id"], 1)
    assert [one["id"] for one in shop.world.find("customer")] == [Customer.objects.unscoped().get().stripe_id]


def test_two_refunds_of_the_rest(shop, owner, staff, organization, put_off):
    shop.buy(owner, organization, "credits_1000", quantity=4)
    payment = shop.payment(organization)

    def try_it():
        try:
            return give_back(payment, 1_500, staff)
        except RefundTooLargeError:
            return None

    made = [row for row in run_in_threads(*[try_it] * WORKERS) if row is not None]
    assert len(made) == 1, "$15.00 of $20.00 can be given back once"
    work_together(shop)
    assert [one["amount"] for one in shop.world.find("refund")] == [1_500]
    assert CreditGrant.objects.for_organization(organization).get().left == 1_000
    agree(shop)


@pytest.mark.parametrize("price", ["api_pro_monthly", "credits_1000"])
def test_what_was_paid_and_its_payment_are_booked_by_two(price, shop, owner, organization):
    """Both lock the payment first: none waits for what the other has, while the other waits for it."""
    order = shop.buy(owner, organization, price)
    payment = shop.payment(organization)
    if payment.invoice is not None:
        seen, apply = stripe().fetch("invoice", payment.invoice.stripe_id), invoices.apply
    else:
        seen, apply = stripe().fetch("checkout.session", order.session_id), orders.apply
        Order.objects.unscoped().update(state=Order.State.OPEN)
    paid = stripe().fetch("payment_intent", payment.stripe_id)
    both, bill, book = threading.Barrier(2), books.book_bill, books.book_payment

    def meet():
        with suppress(threading.BrokenBarrierError):  # one waits for the other's lock, as it should
            both.wait(1)

    def bill_slowly(*what, **more):
        bill(*what, **more)
        meet()

    def book_slowly(*what):
        meet()
        book(*what)

    with patch.object(books, "book_bill", bill_slowly), patch.object(books, "book_payment", book_slowly):
        run_in_threads(lambda: transaction.atomic()(apply)(seen), partial(payments.apply, paid))
    agree(shop)


def test_a_refund_is_done_while_its_event_is_looked_at(shop, owner, staff, organization, put_off):
    """Who did it and who was told of it write the same row, and neither waits for the other for ever."""
    shop.buy(owner, organization, "credits_1000", quantity=4)
    row = give_back(shop.payment(organization), 500, staff)
    there = threading.Barrier(2, timeout=10)

    def note_slowly(row, seen):
        there.wait()  # the event came before the answer was written down
        time.sleep(0.5)
        done(row, seen)

    def told():
        there.wait()
        for event in shop.new_events():
            shop.send(event)
        work()

    done = refunds._done
    with patch.object(refunds, "_done", note_slowly):
        run_in_threads(refunds.refund_ordered, told)
    work_together(shop)
    row.refresh_from_db()
    assert row.state == Refund.State.SUCCEEDED
    agree(shop)


def test_workers_that_settle_the_same_credits(shop, owner, organization):
    """They take what is needed once, whoever comes first, while others give, take back and end some."""
    shop.buy(owner, organization, "credits_1000", quantity=2)
    credits.give(organization, 300, "Sorry", now() + timedelta(days=30))
    found = run_in_threads(*[partial(credits.settle, organization, MONTH, 1_250)] * WORKERS)
    assert found == [1_250] * WORKERS
    assert sum(CreditUse.objects.for_organization(organization).values_list("units", flat=True)) == 1_250
    given, bought = CreditGrant.objects.for_organization(organization).order_by("priority")
    assert (given.left, bought.left) == (0, 1_050)
    assert balances("credits") == 525

    CreditGrant.objects.for_organization(organization).filter(pk=bought.pk).update(expires_at=now())
    run_in_threads(
        credits.expire_due, credits.expire_due, partial(credits.settle, organization, MONTH, 1_900), credits.expire_due
    )
    bought.refresh_from_db()
    assert (bought.left, bought.used + bought.expired) == (0, 2_000)
    assert balances("credits") == 0
    assert balances("sales") == 1_000
    assert not differences()


def place(user, organization, price, quantity):
    return orders.place_order(user, organization, price, quantity=quantity)


def give_back(payment, amount, staff):
    return refunds.order_refund(payment, amount, reason="duplicate", note="", by=staff)
