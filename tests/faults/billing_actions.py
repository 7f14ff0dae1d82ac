"""What fault tests do in the shop, inside of the platform: buy, pay at the fake Stripe, want money back."""

import http.client
import random
from collections import Counter
from datetime import timedelta
from io import StringIO
from typing import Any

import time_machine
from django.conf import settings
from django.core.management import call_command

from apps.accounts.models import Organization, User
from apps.accounts.services.organizations import create_organization
from apps.billing.models import CreditGrant, Entitlement, Order, Payment, Refund, Subscription
from apps.billing.selectors import subscription_of
from apps.billing.services import checkout, orders, refunds
from apps.core.clock import now
from apps.core.errors import ConflictError
from apps.core.models import DomainEvent, EventDelivery
from apps.integrations.models import ExternalEvent, MailMessage, StripeObject
from apps.integrations.stripe.errors import StripeUnavailableError
from apps.ledger.models import Account
from apps.ledger.selectors import differences
from tests.common.stripe_pages import Browser

PLAN, CREDITS = "api_pro_monthly", "credits_1000"
MOST_UNPAID = 3
chance = random.Random()
_paid: set[Any] = set()  # as far as whoever pays knows


def keys() -> dict[str, str]:
    """What the fake Stripe's process is started with."""
    return {
        "STRIPE_FAKE_API_KEY": settings.STRIPE_API_KEY,
        "STRIPE_FAKE_WEBHOOK_SECRET": settings.STRIPE_WEBHOOK_SECRETS[0],
        "STRIPE_FAKE_PORT": settings.STRIPE_API_URL.rpartition(":")[2],
    }


def open_shop(customers: int, seed: int) -> int:
    """So many organizations that may buy. Returns how many there are."""
    chance.seed(seed)
    for number in range(customers):
        person = User.objects.create_user(f"buyer{number}@example.com", "correct-horse-battery", name=f"Buyer {number}")
        create_organization(person, name=f"Buyer {number}")
    return _customers().count()


def _customers() -> Any:
    return Organization.objects.filter(name__startswith="Buyer ")


# While everything is killed -------------------------------------------------------------------------------------------
def go_shopping() -> str:
    """Somebody orders, pays or wants money back. Returns what happened."""
    unpaid = _unpaid()
    what = chance.choice(("order", "pay", "pay", "refund"))
    if what == "refund":
        return _want_back()
    if what == "pay" and unpaid:
        return _pay(chance.choice(unpaid))
    return _order(chance.choice(_customers())) if len(unpaid) < MOST_UNPAID else "enough is ordered"


def pay_the_rest() -> int:
    """Pay what was ordered. Returns how many orders are left."""
    for order in _unpaid():
        _pay(order)
    return len(_unpaid())


def _unpaid() -> list[Order]:
    rows = Order.objects.unscoped().filter(state=Order.State.OPEN).select_related("organization").order_by("pk")
    return [order for order in rows if order.pk not in _paid]


def _order(organization: Organization) -> str:
    wants_plan = chance.random() < 0.4 and subscription_of(organization, "api") is None
    price, quantity = (PLAN, 1) if wants_plan else (CREDITS, chance.randint(1, 9))
    orders.place_order(organization.created_by, organization, price, quantity=quantity)
    return "ordered"


def _pay(order: Order) -> str:
    """As a browser does. Cut off on the way, it comes again to the same page, or learns that it is paid."""
    try:
        try:
            address = checkout.open_page(order)
        except ConflictError:  # by another order, paid a moment ago
            checkout.cancel_page(order)
            return "not wanted any more"
        page = Browser().open(address) if address.startswith(settings.STRIPE_API_URL) else Browser()  # else it is paid
        for button in [words for form in page.forms for words in form.buttons if words.startswith("Pay ")]:
            page.press(button, card="succeeds")
    except (StripeUnavailableError, OSError, http.client.HTTPException):
        return "not reached"
    _paid.add(order.pk)
    return "paid"


def _want_back() -> str:
    found = [
        (row, left) for row in Payment.objects.unscoped().order_by("pk") if (left := refunds.refundable(row).minor)
    ]
    if not found:
        return "nothing to give back"
    row, left = chance.choice(found)
    refunds.order_refund(row, chance.choice((left, max(left // 3, 1))), reason="duplicate", note="", by=None)
    return "refund ordered"


def revive() -> int:
    """Free what the dead worker held, as time does. Only while none is alive. Returns how much that was."""
    moment = now()
    freed = StripeObject.objects.filter(lease_until__gt=moment).update(lease_until=None)
    for rows in (
        Refund.objects.filter(state=Refund.State.ORDERED),
        Subscription.objects.unscoped().filter(end_ordered_at__isnull=False),
        ExternalEvent.objects.filter(state=ExternalEvent.State.RECEIVED),
        EventDelivery.objects.filter(state=EventDelivery.State.PENDING),
    ):
        freed += rows.filter(due_at__gt=moment).update(due_at=moment)
    return freed


# Afterwards -----------------------------------------------------------------------------------------------------------
def what_waits() -> dict[str, int]:
    """How much there is to do still, by what it is; nothing where all is done."""
    found = {
        "events": ExternalEvent.objects.exclude(state=ExternalEvent.State.HANDLED).count(),
        "objects": StripeObject.objects.exclude(state=StripeObject.State.SEEN).count(),
        "deliveries": EventDelivery.objects.exclude(state=EventDelivery.State.DONE).count(),
        "refunds": Refund.objects.filter(state__in=(Refund.State.ORDERED, Refund.State.PENDING)).count(),
        "ends": Subscription.objects.unscoped().filter(end_ordered_at__isnull=False).count(),
        "mails": MailMessage.objects.filter(state__in=(MailMessage.State.QUEUED, MailMessage.State.SENDING)).count(),
    }
    return {name: count for name, count in found.items() if count}


def tried_again() -> dict[str, int]:
    """How much needed more than one attempt."""
    return {
        "events": ExternalEvent.objects.filter(attempts__gt=1).count(),
        "refunds": Refund.objects.filter(attempts__gt=1).count(),
        "deliveries": EventDelivery.objects.filter(attempts__gt=1).count(),
    }


def bought() -> list[dict[str, Any]]:
    """Every order that is not open, with what it gave."""
    rows = Order.objects.unscoped().exclude(state=Order.State.OPEN).select_related("organization").order_by("pk")
    return [
        {
            "id": order.public_id,
            "state": order.state,
            "price": order.price,
            "quantity": order.quantity,
            "session": order.session_id,
            "grants": list(CreditGrant.objects.unscoped().filter(order=order).values("units", "withdrawn", "amount")),
        }
        for order in rows
    ]


def subscriptions() -> list[dict[str, Any]]:
    """Every subscription, with the sources of the organization's plan."""
    rows = Subscription.objects.unscoped().order_by("pk")
    return [
        {
            "id": row.stripe_id,
            "status": row.status,
            "gives": Entitlement.objects.unscoped().filter(source=row.public_id).count(),
        }
        for row in rows
    ]


def payments() -> list[dict[str, Any]]:
    """Every payment, with its refunds and how often it was told of."""
    told = Counter(
        (event.name, event.payload["payment"])
        for event in DomainEvent.objects.filter(name__in=("payment_succeeded", "payment_reversed"))
    )
    return [
        {
            "id": row.stripe_id,
            "amount": row.amount,
            "refunded": row.refunded,
            "settled": row.settled,
            "refunds": list(row.refunds.values("stripe_id", "amount", "state")),
            "succeeded": told["payment_succeeded", row.public_id],
            "reversed": told["payment_reversed", row.public_id],
        }
        for row in Payment.objects.unscoped().order_by("pk")
    ]


def balances() -> dict[str, int]:
    """What is in the books, by the first word of each account; and how much in them contradicts itself."""
    found: Counter[str] = Counter()
    for account in Account.objects.unscoped():
        found[account.key.partition(":")[0]] += account.balance.minor
    return {**found, "contradictions": len(differences())}


def reconcile() -> str:
    """What `manage.py reconcile` prints in a quarter of an hour, when nothing is too young for it."""
    said = StringIO()
    with time_machine.travel(now() + timedelta(minutes=15)):
        try:
            call_command("reconcile", stdout=said)
        except SystemExit as error:
            said.write(f"exit code {error.code}\n")
    return said.getvalue()
