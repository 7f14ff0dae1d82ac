"""Stripe's objects, as plain dictionaries, into ours. Nothing here asks Stripe anything."""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, cast

from apps.integrations.stripe.objects import (
    Balance,
    BalanceTransaction,
    CheckoutSession,
    Customer,
    Dispute,
    Event,
    Invoice,
    Item,
    Kind,
    Line,
    Payment,
    PaymentMethod,
    Preview,
    Refund,
    Subscription,
)
from apps.integrations.stripe.port import Object

Raw = dict[str, Any]


def read(kind: Kind, raw: Raw) -> Object:
    """Our form of what `fetch_raw` gave."""
    return _READERS[kind](raw)


# What is alike in all of them -----------------------------------------------------------------------------------------
def text(value: Any) -> str:
    """A string that may be missing."""
    return str(value) if value is not None else ""


def identity(value: Any) -> str:
    """The id of what is named or, where it was expanded, told whole."""
    return text(value.get("id") if isinstance(value, dict) else value)


def moment(value: Any) -> datetime:
    """Seconds since 1970 as a time."""
    return datetime.fromtimestamp(value, UTC)


def maybe_moment(value: Any) -> datetime | None:
    """The same where there may be none."""
    return None if value is None else moment(value)


def currency(raw: Raw) -> str:
    """ISO 4217 in capitals; Stripe writes it in small letters."""
    return text(raw.get("currency")).upper()


def metadata(raw: Raw) -> dict[str, str]:
    """What we noted on the object."""
    return {name: text(value) for name, value in (raw.get("metadata") or {}).items()}


def members(value: Any) -> list[Raw]:
    """What is in a list of Stripe's, or in none."""
    return list((value or {}).get("data") or ())


def plain(value: Any) -> str:
    """A decimal number without exponent and without zeros at its end: "0.15", "1500"."""
    return "" if value is None else f"{Decimal(str(value)).normalize():f}"


# Who pays -------------------------------------------------------------------------------------------------------------
def customer(raw: Raw) -> Customer:
    """Needs `invoice_settings.default_payment_method` and `tax_ids` expanded."""
    method = (raw.get("invoice_settings") or {}).get("default_payment_method")
    return Customer(
        id=raw["id"],
        email=text(raw.get("email")),
        name=text(raw.get("name")),
        currency=currency(raw),
        method=method_in_words(method) if isinstance(method, dict) else "",
        tax_ids=tuple(text(tax_id.get("value")) for tax_id in members(raw.get("tax_ids"))),
        credit=max(-(raw.get("balance") or 0), 0),  # Stripe's balance is what the customer owes
        metadata=metadata(raw),
    )


_BRANDS = {
    "amex": "American Express", "cartes_bancaires": "Cartes Bancaires", "diners": "Diners Club", "discover": "Discover",
    "jcb": "JCB", "mastercard": "Mastercard", "unionpay": "UnionPay", "visa": "Visa",
}  # fmt: skip


def method_in_words(raw: Raw) -> str:
    """ "Visa •••• 4242, 12/2031"; of what is no card its type and what tells it from others: "SEPA debit •••• 3000"."""
    kind = text(raw.get("type"))
    details = raw.get(kind) or {}
    if kind != "card":
        name = kind.replace("_", " ").capitalize().replace("Sepa", "SEPA").replace("Us ", "US ")
        return f"{name} •••• {details['last4']}" if details.get("last4") else name
    brand = text(details.get("brand"))
    name = _BRANDS.get(brand, brand.replace("_", " ").capitalize() or "Card")
    return f"{name} •••• {text(details.get('last4'))}, {details.get('exp_month', 0):02}/{details.get('exp_year', 0)}"


def payment_method(raw: Raw) -> PaymentMethod:
    """Detached ones have no customer any more."""
    return PaymentMethod(
        id=raw["id"], customer=identity(raw.get("customer")), type=text(raw.get("type")), words=method_in_words(raw)
    )


# What is paid again and again -----------------------------------------------------------------------------------------
def subscription(raw: Raw) -> Subscription:
    """Needs `default_payment_method` expanded; without, `method` is empty."""
    method = raw.get("default_payment_method")
    items = tuple(_item(item) for item in members(raw.get("items")))
    end = maybe_moment(raw.get("cancel_at"))
    if end is None and raw.get("cancel_at_period_end"):
        end = max((item.period_end for item in items), default=None)
    return Subscription(
        id=raw["id"],
        customer=identity(raw.get("customer")),
        status=raw["status"],
        currency=currency(raw),
        items=items,
        cancel_at=end,
        trial_end=maybe_moment(raw.get("trial_end")),
        ended_at=maybe_moment(raw.get("ended_at")),
        created=moment(raw["created"]),
        metadata=metadata(raw),
        method=method_in_words(method) if isinstance(method, dict) else "",
    )


def _item(raw: Raw) -> Item:
    price = raw["price"]
    metered = (price.get("recurring") or {}).get("usage_type") == "metered"
    return Item(
        id=raw["id"],
        price=price["id"],
        lookup_key=text(price.get("lookup_key")),
        quantity=0 if metered else raw.get("quantity") or 0,
        metered=metered,
        period_start=moment(raw["current_period_start"]),
        period_end=moment(raw["current_period_end"]),
    )


# Bills ----------------------------------------------------------------------------------------------------------------
def invoice(raw: Raw) -> Invoice:
    """Needs `payments` expanded, and `lines` complete with their prices."""
    return Invoice(
        id=raw["id"],
        customer=identity(raw.get("customer")),
        subscription=_from_parent(raw, "subscription_details", "subscription"),
        number=text(raw.get("number")),
        status=text(raw.get("status")),
        reason=text(raw.get("billing_reason")),
        currency=currency(raw),
        total=raw["total"],
        tax=sum(tax["amount"] for tax in raw.get("total_taxes") or ()),
        paid=raw["amount_paid"],
        remaining=raw["amount_remaining"],
        attempts=raw.get("attempt_count") or 0,
        next_attempt=maybe_moment(raw.get("next_payment_attempt")),
        payment_intents=tuple(_payment_intents(members(raw.get("payments")))),
        page=text(raw.get("hosted_invoice_url")),
        pdf=text(raw.get("invoice_pdf")),
        period_start=moment(raw["period_start"]),
        period_end=moment(raw["period_end"]),
        created=moment(raw["created"]),
        lines=tuple(line(each) for each in members(raw.get("lines"))),
        metadata=metadata(raw),
    )


def _payment_intents(payments: Iterable[Raw]) -> Iterable[str]:
    for payment in payments:
        if found := identity((payment.get("payment") or {}).get("payment_intent")):
            yield found


def line(raw: Raw) -> Line:
    """`lookup_key` is known only where the price was expanded."""
    price = ((raw.get("pricing") or {}).get("price_details") or {}).get("price")
    parent = raw.get("parent") or {}
    from_item = parent.get("subscription_item_details") or {}
    from_charge = parent.get("invoice_item_details") or {}
    return Line(
        id=text(raw.get("id")),
        description=text(raw.get("description")),
        amount=raw["amount"],
        quantity=raw.get("quantity") or 0,
        price=identity(price),
        lookup_key=text(price.get("lookup_key")) if isinstance(price, dict) else "",
        is_proration=bool(from_item.get("proration") or from_charge.get("proration")),
        subscription_item=identity(from_item.get("subscription_item")),
        period_start=moment(raw["period"]["start"]),
        period_end=moment(raw["period"]["end"]),
    )


def _from_parent(raw: Raw, details: str, name: str) -> str:
    return identity(((raw.get("parent") or {}).get(details) or {}).get(name))


def preview(raw: Raw) -> Preview:
    """An invoice that is not made."""
    return Preview(
        currency=currency(raw),
        total=raw["total"],
        due_now=raw["amount_due"],
        lines=tuple(line(each) for each in members(raw.get("lines"))),
    )


# Money that moves -----------------------------------------------------------------------------------------------------
def payment(raw: Raw) -> Payment:
    """Needs `latest_charge.balance_transaction` expanded."""
    charge = raw.get("latest_charge") or {}
    settled = charge.get("balance_transaction") or {}
    failed = raw.get("last_payment_error") or {}
    return Payment(
        id=raw["id"],
        customer=identity(raw.get("customer")),
        status=raw["status"],
        currency=currency(raw),
        amount=raw["amount"],
        received=raw.get("amount_received") or 0,
        charge=text(charge.get("id")),
        fee=settled.get("fee") or 0,
        fee_currency=currency(settled),
        refunded=charge.get("amount_refunded") or 0,
        paid_at=moment(charge["created"]) if raw["status"] == "succeeded" and charge else None,
        receipt=text(charge.get("receipt_url")),
        failure=text(failed.get("message") if failed.get("type") == "card_error" else failed.get("code")),
        created=moment(raw["created"]),
        metadata=metadata(raw),
    )


def refund(raw: Raw) -> Refund:
    """Needs nothing expanded."""
    return Refund(
        id=raw["id"],
        payment_intent=identity(raw.get("payment_intent")),
        amount=raw["amount"],
        currency=currency(raw),
        status=text(raw.get("status")),
        reason=text(raw.get("reason")),
        created=moment(raw["created"]),
        metadata=metadata(raw),
    )


def dispute(raw: Raw) -> Dispute:
    """Its balance transactions come with it: one when the money is withdrawn, another when it comes back."""
    moved = raw.get("balance_transactions") or []
    return Dispute(
        id=raw["id"],
        payment_intent=identity(raw.get("payment_intent")),
        amount=raw["amount"],
        currency=currency(raw),
        status=raw["status"],
        reason=text(raw.get("reason")),
        fee=sum(each["fee"] for each in moved),
        fee_currency=currency(moved[0]) if moved else "",
        due_by=maybe_moment((raw.get("evidence_details") or {}).get("due_by")),
        created=moment(raw["created"]),
    )


def checkout(raw: Raw) -> CheckoutSession:
    """Needs nothing expanded."""
    return CheckoutSession(
        id=raw["id"],
        url=text(raw.get("url")),
        status=text(raw.get("status")),
        payment_status=raw["payment_status"],
        mode=raw["mode"],
        customer=identity(raw.get("customer")),
        subscription=identity(raw.get("subscription")),
        payment_intent=identity(raw.get("payment_intent")),
        reference=text(raw.get("client_reference_id")),
        total=raw.get("amount_total") or 0,
        tax=(raw.get("total_details") or {}).get("amount_tax") or 0,
        currency=currency(raw),
        expires_at=moment(raw["expires_at"]),
        metadata=metadata(raw),
    )


def balance(raw: Raw) -> Balance:
    """Needs nothing expanded."""
    kinds = {kind: Counter[str]() for kind in ("available", "pending")}
    for kind, found in kinds.items():
        for part in raw.get(kind) or []:
            found[currency(part)] += part["amount"]
    return Balance(**{kind: dict(found) for kind, found in kinds.items()})


def balance_transaction(raw: Raw) -> BalanceTransaction:
    """Needs nothing expanded."""
    return BalanceTransaction(
        id=raw["id"],
        type=raw["type"],
        amount=raw["amount"],
        fee=raw["fee"],
        net=raw["net"],
        currency=currency(raw),
        source=identity(raw.get("source")),
        description=text(raw.get("description")),
        created=moment(raw["created"]),
    )


_READERS: dict[Kind, Callable[[Raw], Object]] = {
    "customer": customer,
    "subscription": subscription,
    "invoice": invoice,
    "payment_intent": payment,
    "refund": refund,
    "dispute": dispute,
    "checkout.session": checkout,
    "payment_method": payment_method,
}


KINDS = frozenset(_READERS)


# What happened --------------------------------------------------------------------------------------------------------
# Parts that we read as parts of something else: by the member that says of what.
PART_OF = {"charge": "payment_intent", "invoice_payment": "invoice", "tax_id": "customer"}


def names_of(about: Raw) -> list[Any]:
    """What tells which object an event is about, as it came: its kind, its id, and the whole that it is a part of.
    Ids that are not there are left out: the balance has none."""
    kind = about.get("object", "")
    whole = about.get(PART_OF.get(kind, "")) if isinstance(kind, str) else None
    ids = (about.get("id"), whole.get("id") if isinstance(whole, dict) else whole)
    return [kind, *(value for value in ids if value is not None)]


def event(raw: Raw) -> Event:
    """Who was touched by it, and no more: nothing of a customer or a card stays in `payload`."""
    about = (raw.get("data") or {}).get("object") or {}
    kind, object_id = text(about.get("object")), text(about.get("id"))
    if whole := identity(about.get(PART_OF.get(kind, ""))):
        kind, object_id = PART_OF[kind], whole
    payload = {
        "id": raw["id"],
        "type": raw["type"],
        "created": raw["created"],
        "livemode": raw["livemode"],
        "object_kind": kind,
        "object_id": object_id,
    }
    return Event(
        id=raw["id"],
        type=raw["type"],
        object_kind=kind,
        object_id=object_id,
        created=moment(raw["created"]),
        payload=cast("dict[str, object]", payload),
    )
