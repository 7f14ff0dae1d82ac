"""Our rows against the ledger: payments with what went back of them, bills, what organizations owe, and the credits
that are owed to them."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db.models import BigIntegerField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from apps.billing.books import CREDITS
from apps.billing.catalogue import catalogue
from apps.billing.models import CreditGrant, CreditUse, Dispute, Invoice, Order, Payment, Refund
from apps.billing.services.payments import GOING_BACK
from apps.billing.services.reconciliation.findings import (
    MISSING,
    Compared,
    Findings,
    Flows,
    Span,
    batches,
    keys_of,
    money,
    own_key,
)
from apps.ledger.models import Account, Transfer

# What is counted here or against Stripe; it may be voided, taken back, made again. Another code needs a comparison.
CODES = frozenset(
    {
        "payment", "fee", "tax", "credits", "write_off", "refund", "refund:tax", "dispute", "dispute:fee",
        "credits:used", "credits:expired", "credits:withdrawn",
    }
)  # fmt: skip
ENDINGS = (":void", ":back", ":again")
_FAMILIES = (
    "stripe", "fees", "receivable", "sales", "tax", "refunds", "disputes", "bad_debt", CREDITS
)  # fmt: skip
GIVEN_UP = Invoice.Status.UNCOLLECTIBLE
Owner = tuple[UUID, str]  # an organization and a currency


def compare(span: Span, found: Findings) -> None:
    """Payments and bills of the span, or with something in it; balances as they are now; what none of these counts."""
    _payments(span, found)
    _bills(span, found)
    _orders(span, found)
    _receivable(span, found)
    _credits(found)
    _others(span, found)


# Documents ------------------------------------------------------------------------------------------------------------
def _payments(span: Span, found: Findings) -> None:
    within = (span.begin, span.end)
    refunds = Refund.objects.filter(Q(created_at__range=within) | Q(state=Refund.State.PENDING))
    disputes = Dispute.objects.filter(Q(created_at__range=within) | Q(status__in=Dispute.UNDECIDED))
    rows = Payment.objects.unscoped().filter(
        Q(paid_at__range=within)
        | Q(pk__in=refunds.values("payment"), paid_at__lt=span.begin)
        | Q(pk__in=disputes.values("payment"), paid_at__lt=span.begin)
        | Q(stripe_id__in=_booked_in(span).values("subject"), paid_at__lt=span.begin)
    )
    found.check(keys_of(rows), _read_payments)
    nameless = rows.filter(paid_at__range=within, announced=False)
    for row in nameless.order_by("pk").iterator():
        look = ("payment_intent", row.stripe_id)
        found.take(Compared("purpose", row.public_id, "not known", "an order or a bill", row.organization_id, look))


def _read_payments(keys: list[UUID]) -> Iterator[tuple[UUID, Compared]]:
    rows = list(Payment.objects.unscoped().filter(pk__in=keys).prefetch_related("refunds", "disputes"))
    flows = Flows(row.stripe_id for row in rows)
    for row in rows:
        subject = row.stripe_id
        held = [one for one in row.disputes.all() if one.holds_money]
        waiting = sum(one.amount for one in row.refunds.all() if one.state == Refund.State.PENDING)
        undecided = sum(one.amount for one in held if one.status in Dispute.UNDECIDED)
        tax = sum(one.tax or 0 for one in row.refunds.all() if one.state in GOING_BACK)
        should = money(
            paid=row.amount, refunded=row.refunded, tax=tax, waiting=waiting, disputed=sum(one.amount for one in held),
            undecided=undecided,
        )  # fmt: skip
        booked = money(
            paid=-flows.debited(subject, "receivable"), refunded=flows.debited(subject, "refunds", "tax"),
            tax=flows.debited(subject, "tax"), waiting=flows.held(subject, "refunds", "tax"),
            disputed=flows.debited(subject, "disputes"), undecided=flows.held(subject, "disputes"),
        )  # fmt: skip
        yield row.pk, Compared("ledger", row.public_id, booked, should, row.organization_id)


def _bills(span: Span, found: Findings) -> None:
    """What was bought once is booked with its order."""
    within = (span.begin, span.end)
    paid = Payment.objects.unscoped().filter(paid_at__range=within).exclude(invoice=None)
    rows = Invoice.objects.unscoped().filter(order=None)
    rows = rows.filter(
        Q(created_at__range=within)
        | Q(status=Invoice.Status.OPEN, created_at__lt=span.begin)
        | Q(pk__in=paid.values("invoice"))
        | Q(stripe_id__in=_booked_in(span).values("subject"))
    )
    found.check(keys_of(rows), _read_bills)


def _read_bills(keys: list[UUID]) -> Iterator[tuple[UUID, Compared]]:
    rows = list(Invoice.objects.unscoped().filter(pk__in=keys))
    flows = Flows(row.stripe_id for row in rows)
    for row in rows:
        lost = row.remaining if row.status == GIVEN_UP else 0
        billed, tax = (row.total - lost, row.tax) if row.status in Invoice.DUE else (0, 0)
        look = ("invoice", row.stripe_id)
        yield row.pk, _booked(row.public_id, row.stripe_id, billed, tax, flows, row.organization_id, look)


def _booked_in(span: Span) -> QuerySet[Transfer]:
    return Transfer.objects.filter(created_at__range=(span.begin, span.end)).exclude(subject="")


def _orders(span: Span, found: Findings) -> None:
    rows = _billed_orders().filter(paid_at__range=(span.begin, span.end))
    found.check(keys_of(rows), _read_orders)


def _billed_orders() -> Any:
    """Those that were paid and have no bill of a subscription."""
    once = [one.code for each in catalogue().products.values() if not each.is_subscription for one in each.prices]
    return Order.objects.unscoped().filter(paid_at__isnull=False, price__in=once)


def _read_orders(keys: list[UUID]) -> Iterator[tuple[UUID, Compared]]:
    rows = list(Order.objects.unscoped().filter(pk__in=keys))
    flows = Flows(row.public_id for row in rows)
    for row in rows:
        yield row.pk, _booked(row.public_id, row.public_id, row.total, row.tax, flows, row.organization_id, None)


def _booked(
    name: str, subject: str, billed: int, tax: int, flows: Flows, owner: UUID, look: tuple[str, str] | None
) -> Compared:
    ours = money(billed=flows.debited(subject, "receivable"), tax=-flows.debited(subject, "tax"))
    return Compared("bill", name, ours, money(billed=billed, tax=tax), owner, look)


# Balances -------------------------------------------------------------------------------------------------------------
def _receivable(span: Span, found: Findings) -> None:
    """Who owes something has open bills of as much. Who has something ahead was given it by bills (a smaller plan)."""
    moving = Invoice.objects.unscoped().filter(stripe_id__in=span.moving).values("organization")
    rows = Account.objects.unscoped().filter(key__startswith="receivable:").exclude(organization=None)
    rows = rows.exclude(debits_posted=F("credits_posted")).exclude(organization__in=moving)
    found.check(keys_of(rows), lambda keys: _read_receivable(keys, span))


def _read_receivable(keys: list[UUID], span: Span) -> Iterator[tuple[UUID, Compared]]:
    rows = list(Account.objects.unscoped().filter(pk__in=keys).select_related("organization"))
    owners = [row.organization_id for row in rows]
    bills = Invoice.objects.unscoped().filter(organization__in=owners, status__in=Invoice.DUE, order=None)
    given_up = _sums(bills.filter(status=GIVEN_UP), "remaining")
    paid = Payment.objects.unscoped().filter(organization__in=owners)
    paid = paid.filter(Q(announced=True) | Q(paid_at__gt=span.end))  # what nobody knows the purpose of is no payment
    remaining, billed = _sums(bills.exclude(status=GIVEN_UP), "remaining"), _sums(bills, "total")
    ordered, came = _sums(_billed_orders().filter(organization__in=owners), "total"), _sums(paid, "amount")
    for row in rows:
        if row.organization is None:
            continue
        owner = (row.organization.pk, row.currency)
        left = billed.get(owner, 0) - given_up.get(owner, 0) + ordered.get(owner, 0) - came.get(owner, 0)
        should = min(left, remaining.get(owner, 0))  # more would have to be open
        name = row.organization.public_id
        yield row.pk, Compared("receivable", name, row.balance, type(row.balance)(should, row.currency), owner[0])


def _credits(found: Findings) -> None:
    """What is owed is what of the grants is left; of those that nobody paid for there is nothing but their uses."""
    accounts = Account.objects.unscoped().filter(key__startswith="credits:").exclude(organization=None)
    found.check(keys_of(accounts), _read_credits)
    bought = CreditGrant.objects.unscoped().filter(amount__gt=0)
    there = accounts.filter(organization=OuterRef("organization"), currency=OuterRef("currency"))
    for owner, total in _sums(bought.filter(~Exists(there)), "amount").items():
        found.take(Compared("credits", str(owner[0]), "no account", money(paid=total), owner[0]))
    used = CreditUse.objects.unscoped().filter(grant=OuterRef("pk")).order_by().values("grant")
    given = CreditGrant.objects.unscoped().filter(amount=0)
    given = given.annotate(taken=Coalesce(used.annotate(sum=Sum("units")).values("sum"), 0))
    for row in given.exclude(used=F("taken")).order_by("pk").iterator():
        found.take(
            Compared("credits used", row.public_id, money(used=row.used), money(used=row.taken), row.organization_id)
        )


def _read_credits(keys: list[UUID]) -> Iterator[tuple[UUID, Compared]]:
    rows = list(Account.objects.unscoped().filter(pk__in=keys).select_related("organization"))
    spent = F("amount") * (F("used") + F("withdrawn") + F("expired")) / F("units")  # rounded down, as it is booked
    grants = CreditGrant.objects.unscoped().filter(organization__in=[row.organization_id for row in rows], amount__gt=0)
    owed = _sums(grants, ExpressionWrapper(F("amount") - spent, output_field=BigIntegerField()))
    for row in rows:
        if row.organization is None:
            continue
        should = type(row.balance)(owed.get((row.organization.pk, row.currency), 0), row.currency)
        yield row.pk, Compared("credits", row.organization.public_id, row.balance, should, row.organization.pk)


# What is left --------------------------------------------------------------------------------------------------------
def _others(span: Span, found: Findings) -> None:
    """What was booked of nothing that is compared, or as something that nobody counts."""
    of_billing = Q()
    for family in _FAMILIES:
        of_billing |= Q(debit__key__startswith=f"{family}:") | Q(credit__key__startswith=f"{family}:")
    made = Transfer.objects.filter(of_billing, created_at__range=(span.begin, span.end)).order_by()
    for batch in batches(made.values_list("subject", "code").distinct().iterator()):
        known = _known({subject for subject, _code in batch})
        for subject, code in batch:
            name = f"{code} {subject}".strip()
            counted = name if subject in known and is_counted(code) else MISSING
            found.take(Compared("transfer", name, name, counted))


def is_counted(code: str) -> bool:
    """Whether a comparison counts what is booked so."""
    for ending in ENDINGS:
        code = code.removesuffix(ending)
    return code in CODES or code.startswith("sale:")


def _known(subjects: set[str]) -> set[str]:
    """Those that are payments, bills, orders or grants."""
    known = set(Payment.objects.unscoped().filter(stripe_id__in=subjects).values_list("stripe_id", flat=True))
    known |= set(Invoice.objects.unscoped().filter(stripe_id__in=subjects).values_list("stripe_id", flat=True))
    for model in (Order, CreditGrant):
        keys = [key for subject in subjects if (key := own_key(model, subject)) is not None]
        known |= {row.public_id for row in model.objects.unscoped().filter(pk__in=keys).only("pk")}
    return known


def _sums(rows: Any, what: Any) -> dict[Owner, int]:
    """The sum of something by organization and currency."""
    summed = rows.order_by().values_list("organization_id", "currency").annotate(sum=Sum(what))
    return {(owner, currency): total for owner, currency, total in summed}
