"""Taxes of a day: of payments by their bills, less those that went back; none of a sandbox or of other money."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from apps.accounts.models import Organization, User
from apps.billing.models import Dispute, Invoice, Payment, Refund
from apps.billing.revenue import received
from apps.billing.taxes import of_day, taxes
from apps.core.ids import new_hex

pytestmark = pytest.mark.django_db
DAY = date(2026, 3, 11)
START = datetime(2026, 3, 11, tzinfo=UTC)
END = START + timedelta(days=1)


def paid(organization: Organization, amount: int, tax: int, **more: Any) -> Payment:
    """A bill that was paid at its day's noon."""
    at = more.pop("at", START + timedelta(hours=12))
    invoice = Invoice.objects.create(
        organization=organization, stripe_id=f"in_{new_hex()}", status=Invoice.Status.PAID, currency="USD",
        total=amount, tax=tax, created_at=at, period_start=at, period_end=at,
    )  # fmt: skip
    values = {"currency": "USD", "announced": True, "paid_at": at, **more}
    return Payment.objects.create(
        organization=organization, invoice=invoice, stripe_id=f"pi_{new_hex()}", amount=amount, **values
    )


def test_taxes_are_what_is_paid_and_not_earned(organization: Organization) -> None:
    payment = paid(organization, 11_900, 1_900)
    paid(organization, 5_000, 0)
    assert (of_day(DAY), sum(received(START, END).values())) == (1_900, 15_000)
    Refund.objects.create(
        payment=payment, amount=1_190, tax=190, state=Refund.State.SUCCEEDED, created_at=START + timedelta(hours=13)
    )
    Refund.objects.create(payment=payment, amount=999, state=Refund.State.REFUSED, created_at=START)
    assert (of_day(DAY), sum(received(START, END).values())) == (1_710, 14_000)
    for status in ("lost", "won", "warning_closed"):
        Dispute.objects.create(payment=payment, stripe_id=f"dp_{status}", amount=1_190, status=status, created_at=START)
    assert (of_day(DAY), sum(received(START, END).values())) == (1_520, 13_000)


def test_a_day_without_taxes_has_no_line(organization: Organization) -> None:
    assert of_day(DAY) is None
    paid(organization, 5_000, 0)
    paid(organization, 11_900, 1_900, at=END)
    paid(organization, 11_900, 1_900, currency="EUR")
    assert of_day(DAY) is None
    assert taxes(START, END + timedelta(hours=1)) == 1_900


def test_a_sandbox_pays_no_taxes(organization: Organization, owner: User) -> None:
    twin = Organization.objects.create(
        realm=organization.realm, name="Twin", slug="twin", livemode=False, twin_of=organization, created_by=owner
    )
    paid(twin, 11_900, 1_900)
    assert of_day(DAY) is None
