"""How money is booked: which transfers a payment, a bill, a refund, a dispute and credits are. All of it happens once.

| account | grows by | what it is |
|---|---|---|
| `stripe:USD` | debit | what is at Stripe; below zero where more went back than is there |
| `fees:USD` | debit | what Stripe took |
| `receivable:org_…:USD` | debit | what the organization was billed and has not paid; below zero what it paid ahead |
| `sales:product:USD` | credit | what was sold; below zero in a month of nothing but corrections |
| `tax:USD` | credit | what belongs to the state |
| `refunds:USD`, `disputes:USD` | debit | what went back |
| `bad_debt:USD` | debit | what was billed and is not paid any more, as far as anybody knows |
| `credits:org_…:USD` | credit | calls that were paid for and are owed; never below zero |
"""

from collections.abc import Mapping

from django.db.models import Q, QuerySet, Sum

from apps.accounts.models import Organization
from apps.core.money import Money
from apps.ledger.models import Account, Resolution, Side, Transfer
from apps.ledger.services import Entry, open_account, post, transfer, void

CREDITS = "credits"
_BILLED = Q(code__startswith="sale:") | Q(code__in=("tax", CREDITS))


def at_stripe(currency: str) -> Account:
    """What is at Stripe."""
    return open_account(f"stripe:{currency}", currency, Side.DEBIT, may_be_overdrawn=True)


def owed_credits(organization: Organization, currency: str) -> Account:
    """Calls that an organization paid for and did not use yet."""
    return open_account(
        f"credits:{organization.public_id}:{currency}", currency, Side.CREDIT, organization=organization
    )


def _receivable(organization: Organization, currency: str) -> Account:
    return open_account(
        f"receivable:{organization.public_id}:{currency}",
        currency,
        Side.DEBIT,
        may_be_overdrawn=True,
        organization=organization,
    )


def _sales(product: str, currency: str) -> Account:
    return open_account(f"sales:{product}:{currency}", currency, Side.CREDIT, may_be_overdrawn=True)


def _tax(currency: str) -> Account:
    return open_account(f"tax:{currency}", currency, Side.CREDIT, may_be_overdrawn=True)


def _cost(name: str, currency: str) -> Account:
    return open_account(f"{name}:{currency}", currency, Side.DEBIT, may_be_overdrawn=True)


def book_payment(organization: Organization, payment: str, amount: Money, fee: Money) -> None:
    """Money arrived, less what Stripe took: of what is there in the fee's currency, which may be another one."""
    stripe = at_stripe(amount.currency)
    receivable = _receivable(organization, amount.currency)
    transfer(Entry(stripe, receivable, amount, "payment", f"payment:{payment}", payment))
    if fee.minor > 0:
        fees = _cost("fees", fee.currency)
        transfer(Entry(fees, at_stripe(fee.currency), fee, "fee", f"fee:{payment}", payment))


def book_bill(
    organization: Organization, document: str, sold: Mapping[str, Money], tax: Money, *, owed: Money | None = None
) -> None:
    """The organization was billed: `sold` by product, tax on top; `owed` of it are credits, no sale yet.

    A bill that is booked stays as it was booked, whatever its products are called by now. Its row is locked meanwhile.
    """
    if _billed(document).exists():
        return
    receivable = _receivable(organization, tax.currency)
    parts: list[tuple[Account, Money, str]] = [
        (_sales(product, money.currency), money, f"sale:{product}") for product, money in sorted(sold.items())
    ]
    parts.append((_tax(tax.currency), tax, "tax"))
    if owed is not None:
        parts.append((owed_credits(organization, owed.currency), owed, CREDITS))
    entries = [
        _signed(receivable, account, money, code, f"{code}:{document}", document)
        for account, money, code in parts
        if money.minor
    ]
    if entries:
        transfer(*entries)


def unbook_bill(document: str) -> None:
    """What was billed is not to be paid after all: the same transfers the other way round."""
    back = [
        Entry(row.credit, row.debit, row.money, f"{row.code}:void", f"void:{row.idempotency_key}", document)
        for row in _billed(document)
    ]
    if back:
        transfer(*back)


def book_write_off(organization: Organization, document: str, lost: Money) -> None:
    """So much of a bill is thought lost. Nothing, or less than before: it was paid, or voided, after all."""
    receivable, bad_debt = _receivable(organization, lost.currency), _cost("bad_debt", lost.currency)
    _book_up_to(bad_debt, receivable, lost, code="write_off", key=f"write_off:{document}", subject=document)


def _billed(document: str) -> QuerySet[Transfer]:
    made = Transfer.objects.filter(_BILLED, subject=document).exclude(code__endswith=":void")
    return made.select_related("debit", "credit").order_by("pk")


def _signed(debit: Account, credit: Account, money: Money, code: str, key: str, subject: str) -> Entry:
    """A transfer of an amount that may be below zero: a bill gives something back (a proration), credits come back."""
    if money.minor < 0:
        return Entry(credit, debit, -money, code, key, subject)
    return Entry(debit, credit, money, code, key, subject)


def book_refund(refund: str, payment: str, amount: Money, *, tax: Money | None, succeeded: bool) -> None:
    """Money goes back; it is held until it has arrived. `tax` is the part of it that the state gives back; it is booked
    later where it is not known yet."""
    currency = amount.currency
    refunds = _cost("refunds", currency)
    entries = [Entry(refunds, at_stripe(currency), amount, "refund", f"refund:{refund}", payment, pending=True)]
    if tax is not None and tax.minor:
        entries.append(Entry(_tax(currency), refunds, tax, "refund:tax", f"refund_tax:{refund}", payment, pending=True))
    made = list(_pending(*(entry.key for entry in entries)))
    known = {row.idempotency_key for row in made}
    if missing := [entry for entry in entries if entry.key not in known]:
        made += transfer(*missing)
    if succeeded:
        for row in made:
            _end(row, taken=True)


def unbook_refund(refund: str) -> None:
    """A refund did not arrive: what was held is free again. Where it was thought to have arrived, it is back."""
    for row in _pending(f"refund:{refund}", f"refund_tax:{refund}"):
        _end(row, taken=False)


def book_dispute(dispute: str, payment: str, amount: Money, *, fee: Money, won: bool, lost: bool) -> None:
    """A bank takes a payment back: held while it is open, gone when it is lost, given back when it is won.

    `fee` is what Stripe takes for it now: it may give some of that back.
    """
    currency = amount.currency
    stripe = at_stripe(currency)
    [held] = transfer(
        Entry(_cost("disputes", currency), stripe, amount, "dispute", f"dispute:{dispute}", payment, pending=True)
    )
    fees, source = _cost("fees", fee.currency), at_stripe(fee.currency)
    _book_up_to(fees, source, fee, code="dispute:fee", key=f"dispute_fee:{dispute}", subject=payment)
    if lost or won:
        _end(held, taken=lost)


def book_credit_use(organization: Organization, amount: Money, key: str, *, code: str, subject: str) -> None:
    """Credits were used, or ran out: what was paid for them is a sale now. Below zero some came back."""
    owed = owed_credits(organization, amount.currency)
    if amount.minor:
        transfer(_signed(owed, _sales(CREDITS, amount.currency), amount, code, key, subject))


def book_credit_withdrawal(organization: Organization, amount: Money, key: str, *, subject: str, back: bool) -> None:
    """The payment of unused credits went back: they are not owed any more. With `back`, a dispute was won: they are."""
    owed, refunds = owed_credits(organization, amount.currency), _cost("refunds", amount.currency)
    if amount.minor:
        pair = (refunds, owed) if back else (owed, refunds)
        transfer(Entry(*pair, amount, "credits:back" if back else "credits:withdrawn", key, subject))


def _pending(*keys: str) -> QuerySet[Transfer]:
    made = Transfer.objects.filter(idempotency_key__in=keys, is_pending=True)
    return made.select_related("debit", "credit").order_by("pk")


def _end(held: Transfer, *, taken: bool) -> None:
    """Take for good what was held, or give it back. What ended the other way before is put right by a transfer of its
    own, under the lock of the payment that it belongs to."""
    found = Resolution.objects.filter(transfer=held).first()
    if found is None:
        (post if taken else void)(held)
        return
    key = f"again:{held.idempotency_key}:"
    number = Transfer.objects.filter(idempotency_key__startswith=key).count()
    if taken == ((found.outcome == Resolution.Outcome.POSTED) != (number % 2 == 1)):
        return
    pair = (held.debit, held.credit) if taken else (held.credit, held.debit)
    code = f"{held.code}:again" if taken else f"{held.code}:back"
    transfer(Entry(*pair, held.money, code, f"{key}{number}", held.subject))


def _book_up_to(debit: Account, credit: Account, wanted: Money, *, code: str, key: str, subject: str) -> None:
    """Book what is missing to an amount that may change: more, or some of it back. The document's row is locked."""
    made = Transfer.objects.filter(Q(idempotency_key=key) | Q(idempotency_key__startswith=f"{key}:"))
    made = made.filter(currency=wanted.currency)
    there = made.filter(debit=debit).aggregate(sum=Sum("amount"))["sum"] or 0
    there -= made.filter(debit=credit).aggregate(sum=Sum("amount"))["sum"] or 0
    missing, number = wanted.minor - there, made.count()
    if not missing:
        return
    pair, name = ((debit, credit), code) if missing > 0 else ((credit, debit), f"{code}:back")
    change = Money(abs(missing), wanted.currency)
    transfer(Entry(*pair, change, name, f"{key}:{number}" if number else key, subject))
