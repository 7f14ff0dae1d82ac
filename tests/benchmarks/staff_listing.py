"""What the benchmark of billing's staff pages asks the driver process to do: many customers, and what staff look at."""

import time
from datetime import timedelta
from functools import cache
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts import selectors
from apps.accounts.models import Membership, Organization, Role, User
from apps.billing.models import (
    AbuseFlag,
    CreditGrant,
    CreditUse,
    Customer,
    Dispute,
    Entitlement,
    Invoice,
    InvoiceLine,
    Order,
    OverageReport,
    Payment,
    PrivateCoupon,
    Refund,
    Subscription,
)
from apps.core.clock import now
from apps.core.ids import new_id
from apps.core.scope import unscoped
from apps.core.static_files import collect
from apps.integrations.models import StripeObject
from tests.common.roles import client_of, make_user

BATCH = 2_000
PRODUCTS = ("base", "api_pro", "api_usage_developer", "api_enterprise")
FEW, RARE = 10, 6  # of a hundred customers: those whose rows are in a state that somebody looks for


def prepare(customers: int) -> int:
    """So many customers, each with one row or more of what billing keeps. Returns how many there are."""
    make_user("Stella Staff", email="staff@example.com", is_staff=True, is_superuser=True)
    realm, moment = selectors.default_realm(), now()
    for first in range(0, customers, BATCH):
        made: dict[type, list[Any]] = {}
        for number in range(first, min(first + BATCH, customers)):
            user = User(id=new_id(), email=f"owner{number}@example.com", name=f"Owner {number}", password="!")
            organization = Organization(realm=realm, name=f"Bench {number}", slug=f"bench-{number}", created_by=user)
            for row in (user, organization, *_rows(organization, user, number, moment)):
                made.setdefault(type(row), []).append(row)
        for model, rows in made.items():
            model._base_manager.bulk_create(rows)
    collect()  # pages name the files that it writes
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as the server does by itself a while after so many rows
    return customers


def _rows(organization: Organization, user: User, number: int, moment: Any) -> list[Any]:
    few, rare = number % 100 < FEW, number % 100 < RARE
    time = {"period_start": moment, "period_end": moment + timedelta(days=30)}
    product, at = PRODUCTS[number % len(PRODUCTS)], moment - timedelta(seconds=number)
    of_it = {"organization": organization, "currency": "USD"}
    subscription = Subscription(
        **of_it, **time, stripe_id=f"sub_{number}", line="api", product=product, price=f"{product}_monthly",
        status="past_due" if rare else "canceled" if few else "active", created_at=at,
    )  # fmt: skip
    order = Order(**of_it, price="credits_1000", state="open" if few else "paid", total=500, created_at=at)
    invoice = Invoice(
        **of_it, **time, subscription=subscription, stripe_id=f"in_{number}", number=f"LV-{number}", total=1_900,
        status="open" if rare else "paid", attempts=int(rare), created_at=at,
    )  # fmt: skip
    line = InvoiceLine(invoice=invoice, stripe_id="il", description="API Pro", quantity=1, amount=1_900, **time)
    payment = Payment(
        **of_it, order=order, stripe_id=f"pi_{number}", charge=f"ch_{number}", amount=500, announced=True, paid_at=at
    )
    grant = CreditGrant(
        **of_it, order=order, reason="API credits", units=1_000, amount=500, expires_at=moment + timedelta(days=365)
    )
    rows = [
        Membership(organization=organization, user=user, role=Role.OWNER),
        Customer(**of_it, stripe_id=f"cus_{number}", held_because="Looked at" if rare else "", created_at=at),
        subscription, order, invoice, line, payment, grant,
        CreditUse(grant=grant, organization=organization, period="2026-01", units=10),
        Entitlement(organization=organization, feature="api.plan", value="pro", source=subscription.public_id),
        OverageReport(
            organization=organization, subscription=subscription, period="2026-01", meter="api_overage", value=5,
            state="refused" if rare else "sent", counted_at=at,
        ),
        StripeObject(kind="customer", object_id=f"cus_{number}", state="dead" if rare else "seen", due_at=moment),
    ]  # fmt: skip
    if few:
        rows.append(Refund(payment=payment, amount=100, state="refused" if rare else "succeeded", created_at=at))
        rows.append(PrivateCoupon(organization=organization, code=f"gift-{number}", coupon="launch50"))
        rows.append(AbuseFlag(organization=organization, sign="refunds", count=3, created_at=at))
    if rare:
        status = "needs_response"
        rows.append(Dispute(payment=payment, stripe_id=f"dp_{number}", amount=500, status=status, created_at=at))
    return rows


def count_queries(address: str) -> int:
    """How often the page asks the database, the second time."""
    client = _client()
    client.get(_filled(address))
    with CaptureQueriesContext(connection) as asked:
        assert client.get(_filled(address), follow=True).status_code == 200
    return len(asked)


def seconds(address: str, times: int) -> float:
    """How long the page takes, so many times."""
    client, whole = _client(), _filled(address)
    began = time.perf_counter()
    for _number in range(times):
        assert client.get(whole, follow=True).status_code == 200
    return time.perf_counter() - began


@cache
def _filled(address: str) -> str:
    """With the key of a customer from the middle, where one is wanted."""
    with unscoped():
        rows = Customer.objects.filter(organization__slug="bench-500")
        return address.format(customer=rows.values_list("pk", flat=True).get())


@cache
def _client() -> Client:
    return client_of(User.objects.get(email="staff@example.com"))
