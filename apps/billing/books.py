"""How money is booked: which transfers a payment, a bill, a refund, a dispute and credits are. All of it happens once.

| account | grows by | what it is |
|---|---|---|
| `stripe:USD` | debit | what is at Stripe; below zero where more went back than is there |
| `fees:USD` | debit | what Stripe took |
| `receivable:org_…:USD` | debit | what the organization was billed and has not paid; below zero what it paid ahead |
| `sales:product:USD` | credit | what was sold; below zero in a month of nothing but corrections |
| `tax:USD` | credit | what belongs to the state |
| `refunds:USD`, `disputes:USD` | debit | what went back |
| `credits:org_…:USD` | credit | calls that were paid for and are owed; never below zero |
"""

from collections.abc import Iterable, Mapping

from apps.accounts.models import Organization
from apps.core.money import Money
from apps.ledger.models import Account, Side, Transfer
from apps.ledger.services import Entry, open_account, post, transfer, void

CREDITS = "credits"


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
    """Money arrived, less what Stripe took."""
    stripe = at_stripe(amount.currency)
    receivable = _receivable(organization, amount.currency)
    transfer(Entry(stripe, receivable, amount, "payment", f"payment:{payment}", payment))
    if fee.minor > 0:
        transfer(Entry(_cost("fees", fee.currency), stripe, fee, "fee", f"fee:{payment}", payment))


def book_bill(
    organization: Organization, document: str, sold: Mapping[str, Money], tax: Money, *, owed: Money | None = None
) -> None:
    """The organization was billed: `sold` by product, tax on top; `owed` of it are credits, no sale yet."""
    receivable = _receivable(organization, tax.currency)
    parts: list[tuple[Account, Money, str]] = [
        (_sales(product, money.currency), money, f"sale:{product}") for product, money in sorted(sold.items())
    ]
    parts.append((_tax(tax.currency), tax, "tax"))
    if owed is not None:
        parts.append((owed_credits(organization, owed.currency), owed, CREDITS))
    entries = [_signed(receivable, account, money, code, document) for account, money, code in parts if money.minor]
    if entries:
        transfer(*entries)


def unbook_bill(document: str) -> None:
    """What was billed is not to be paid after all: the same transfers the other way round."""
    made = Transfer.objects.filter(subject=document).select_related("debit", "credit")
    back = [
        Entry(row.credit, row.debit, row.money, f"{row.code}:void", f"void:{row.idempotency_key}", document)
        for row in made
        if not row.code.endswith(":void")
    ]
    if back:
        transfer(*back)


def _signed(debit: Account, credit: Account, money: Money, code: str, document: str) -> Entry:
    """A transfer of an amount that may be below zero: a bill can give something back (a proration)."""
    key = f"{code}:{document}"
    if money.minor < 0:
        return Entry(credit, debit, -money, code, key, document)
    return Entry(debit, credit, money, code, key, document)


def book_refund(refund: str, payment: str, amount: Money, *, tax: Money, succeeded: bool) -> None:
    """Money goes back; it is held until it has arrived. `tax` is the part of it that the state gives back."""
    currency, entries = amount.currency, []
    refunds = _cost("refunds", currency)
    entries.append(Entry(refunds, at_stripe(currency), amount, "refund", f"refund:{refund}", payment, pending=True))
    if tax.minor:
        entries.append(Entry(_tax(currency), refunds, tax, "refund:tax", f"refund_tax:{refund}", payment, pending=True))
    made = transfer(*entries)
    if succeeded:
        for row in made:
            post(row)


def unbook_refund(refund: str) -> None:
    """A refund did not arrive: what was held is free again."""
    for row in _pending(f"refund:{refund}", f"refund_tax:{refund}"):
        void(row)


def book_dispute(dispute: str, payment: str, amount: Money, *, fee: Money, won: bool, lost: bool) -> None:
    """A bank takes a payment back: held while it is open, gone when it is lost, given back when it is won."""
    currency = amount.currency
    stripe = at_stripe(currency)
    [held] = transfer(
        Entry(_cost("disputes", currency), stripe, amount, "dispute", f"dispute:{dispute}", payment, pending=True)
    )
    if fee.minor > 0:
        transfer(Entry(_cost("fees", currency), stripe, fee, "dispute:fee", f"dispute_fee:{dispute}", payment))
    if lost:
        post(held)
    elif won:
        void(held)


def book_credit_use(organization: Organization, amount: Money, key: str, *, code: str, subject: str) -> None:
    """Credits were used, or ran out: what was paid for them is a sale now. Below zero some came back."""
    owed = owed_credits(organization, amount.currency)
    if amount.minor:
        transfer(_signed_use(owed, _sales(CREDITS, amount.currency), amount, code, key, subject))


def book_credit_withdrawal(organization: Organization, amount: Money, key: str, *, subject: str, back: bool) -> None:
    """The payment of unused credits went back: they are not owed any more. With `back`, a dispute was won: they are."""
    owed, refunds = owed_credits(organization, amount.currency), _cost("refunds", amount.currency)
    if amount.minor:
        pair = (refunds, owed) if back else (owed, refunds)
        transfer(Entry(*pair, amount, "credits:back" if back else "credits:withdrawn", key, subject))


def _signed_use(owed: Account, sales: Account, money: Money, code: str, key: str, subject: str) -> Entry:
    if money.minor < 0:
        return Entry(sales, owed, -money, code, key, subject)
    return Entry(owed, sales, money, code, key, subject)


def _pending(*keys: str) -> Iterable[Transfer]:
    return Transfer.objects.filter(idempotency_key__in=keys, is_pending=True).order_by("pk")
