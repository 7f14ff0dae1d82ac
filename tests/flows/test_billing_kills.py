"""A worker killed at any statement: whoever works next ends where it would have, with nothing lost and nothing twice.

A kill is an exception that nobody catches, raised just before a statement: what the transaction did is gone, as when a
connection breaks. What was asked of Stripe before is done there.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from apps.billing.models import CreditGrant, Order, Payment, Refund
from apps.billing.services import orders, refunds
from apps.core import events
from apps.core.clock import now
from apps.core.models import DomainEvent, EventDelivery
from apps.integrations.inbox import services as inbox
from apps.integrations.models import ExternalEvent, MailMessage, StripeObject
from apps.integrations.stripe import watching
from apps.ledger.models import Account, Transfer
from apps.ledger.selectors import differences
from apps.usage.limits import limits_of

pytestmark = pytest.mark.django_db(transaction=True)
WRITES = ("INSERT", "UPDATE", "DELETE")


class Killed(BaseException):
    """The process ends here."""


@contextmanager
def killed_at(number: int) -> Iterator[None]:
    """Until so many statements that write or commit were made. Reads change nothing: to die before one is to die before
    the next write."""
    left = number

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal left
        if sql.lstrip().upper().startswith(WRITES):
            left -= 1
            if left == 0:
                raise Killed
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        yield


def revive() -> None:
    """Time passes: what the dead held is free again."""
    for model, waiting in ((ExternalEvent, "received"), (EventDelivery, "pending")):
        model._base_manager.filter(state=waiting).update(due_at=now(), attempts=0)
    StripeObject.objects.update(lease_until=None, attempts=0)
    Refund.objects.filter(state="ordered").update(due_at=now())


def done() -> tuple[int, ...]:
    """How far it is."""
    return (
        ExternalEvent.objects.filter(state="handled").count(),
        sum(StripeObject.objects.filter(state="seen").values_list("noted", flat=True)),
        EventDelivery.objects.filter(state="done").count(),
        Refund.objects.exclude(state="ordered").count(),
        Transfer.objects.count(),
    )


def work() -> int:
    return inbox.handle_due(1) + watching.look_at_due(1) + events.deliver_due(1) + refunds.refund_ordered()


def work_and_die(shop) -> int:
    """Kill a worker before each statement of everything there is to do. Returns how many died."""
    kills = 0
    number = 1
    for _attempt in range(6_000):
        revive()
        before = done()
        try:
            with killed_at(number):
                idle = not work()
        except Killed:
            kills += 1
            number = 1 if done() != before else number + 1
            continue
        number = 1
        fresh = shop.new_events()
        for event in fresh:
            shop.send(event)
        if idle and not fresh and not StripeObject.objects.filter(state="waiting").update(due_at=now()):
            return kills
    raise AssertionError("there is no end to it")


def test_a_worker_killed_at_any_statement(shop, owner, staff, organization, settings):
    settings.API_DEFAULT_PLAN = "sandbox"
    for price, quantity in (("api_pro_monthly", 1), ("credits_1000", 3)):
        shop.pay(orders.place_order(owner, organization, price, quantity=quantity))
    kills = work_and_die(shop)
    assert limits_of(organization).quota == 10_000
    plan = Payment.objects.for_organization(organization).exclude(order__price="credits_1000").get()
    bought = Payment.objects.for_organization(organization).get(order__price="credits_1000")
    for payment, amount in ((plan, plan.amount), (bought, 500)):
        refunds.order_refund(payment, amount, reason="duplicate", note="", by=staff)
    kills += work_and_die(shop)
    assert kills > 100

    assert limits_of(organization).quota == 1_000
    assert sorted(Refund.objects.values_list("amount", "state")) == sorted(
        [(500, "succeeded"), (plan.amount, "succeeded")]
    )
    assert len(shop.world.find("refund")) == 2
    assert CreditGrant.objects.for_organization(organization).get().left == 2_000
    assert Order.objects.for_organization(organization).filter(state="paid").count() == 2
    balances = {row.key.split(":")[0]: row.balance.minor for row in Account.objects.unscoped()}
    fees = sum(one["fee"] for one in shop.world.find("balance_transaction"))
    assert balances["stripe"] == 1_000 - fees
    assert balances["receivable"] == 0
    assert balances["credits"] == 1_000
    assert not differences()
    names = list(DomainEvent.objects.values_list("name", flat=True))
    assert names.count("payment_succeeded") == 2
    assert names.count("payment_reversed") == 2
    assert MailMessage.objects.filter(template="billing/refunded").count() == 2
