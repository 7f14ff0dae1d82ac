"""Invoices: made as drafts, made final with a number, and read. How they are paid is in `collecting.py`."""

from typing import Any

from apps.integrations.stripe.fake.errors import invalid
from apps.integrations.stripe.fake.lines import Terms, count
from apps.integrations.stripe.fake.money import LEAST
from apps.integrations.stripe.fake.params import Params
from apps.integrations.stripe.fake.routing import includes, list_of, page_of, route
from apps.integrations.stripe.fake.taxes import Tax, country_of
from apps.integrations.stripe.fake.world import Object, World

STATUSES = ("draft", "open", "paid", "uncollectible", "void")
_EMBEDDED = 10  # lines that an invoice shows; the rest is asked for


def terms_for(
    customer: Object, currency: str, tax: Tax, subscription: str = "", discount: Object | None = None
) -> Terms:
    """The terms of an invoice, with the discount that holds now."""
    if discount is None:
        return Terms(customer["id"], currency, tax, subscription)
    return Terms(customer["id"], currency, tax, subscription, discount["id"], discount["_percent"])


def draft(
    world: World,
    customer: Object,
    terms: Terms,
    lines: list[Object],
    *,
    reason: str,
    period: tuple[int, int],
    subscription: Object | None,
    automatic_tax: bool = False,
    proration_date: int | None = None,
    finalizes_at: int | None = None,
) -> Object:
    """An invoice of these lines that can still change. Nothing is told of it yet."""
    automatic = subscription["automatic_tax"]["enabled"] if subscription else automatic_tax
    invoice = world.add(_shape(world, customer, terms, automatic, reason, period, finalizes_at))
    if subscription:
        invoice["parent"] = _parent(subscription, proration_date)
    for line in lines:
        line["invoice"] = invoice["id"]
        world.save(line)
    return total_up(world, invoice)


def total_up(world: World, invoice: Object) -> Object:
    """Add its lines up anew, and set against the customer's balance what there is."""
    found = world.find("line_item", invoice=invoice["id"])
    url = f"/v1/invoices/{invoice['id']}/lines"
    invoice["lines"] = list_of(found[:_EMBEDDED], url, has_more=len(found) > _EMBEDDED)
    discounts: dict[str, int] = {}
    taxes: dict[tuple[str, str], Object] = {}
    for line in found:
        for one in line["discount_amounts"]:
            discounts[one["discount"]] = discounts.get(one["discount"], 0) + one["amount"]
        for tax in line["taxes"]:
            known = taxes.setdefault(
                (tax["tax_behavior"], tax["taxability_reason"]), {**tax, "amount": 0, "taxable_amount": 0}
            )
            known["amount"] += tax["amount"]
            known["taxable_amount"] += tax["taxable_amount"]
    included = sum(tax["amount"] for tax in taxes.values() if tax["tax_behavior"] == "inclusive")
    on_top = sum(tax["amount"] for tax in taxes.values() if tax["tax_behavior"] == "exclusive")
    subtotal = sum(line["amount"] for line in found)
    total = subtotal - sum(discounts.values()) + on_top
    amounts = [{"amount": amount, "discount": discount} for discount, amount in discounts.items()]
    invoice.update(
        subtotal=subtotal,
        subtotal_excluding_tax=subtotal - included,
        total=total,
        total_excluding_tax=total - included - on_top,
        total_discount_amounts=amounts,
        total_pretax_credit_amounts=[
            {**one, "credit_balance_transaction": None, "type": "discount"} for one in amounts
        ],
        total_taxes=list(taxes.values()),
        discounts=list(discounts),
    )
    return _balance(world, invoice)


def recount(world: World, invoice: Object) -> None:
    """Bring its lines of usage up to what is reported by now."""
    customer = world.get("customer", invoice["customer"])
    for line in world.find("line_item", invoice=invoice["id"]):
        if "_meter" in line:
            count(
                world, line, Terms(customer["id"], line["currency"], Tax(**line["_tax"]), **_discount_of(world, line))
            )
    total_up(world, invoice)


def issue(world: World, invoice: Object) -> Object:
    """Make it final: it gets its number, and the customer's balance is used up or grows."""
    now = world.now()
    customer = world.get("customer", invoice["customer"])
    _balance(world, invoice)
    ending = invoice["starting_balance"] + invoice["total"] - invoice["amount_due"]
    if invoice["parent"] and ending != customer["balance"]:
        before, customer["balance"] = customer["balance"], ending
        world.emit("customer.updated", world.save(customer), {"balance": before})
    number = customer.get("next_invoice_sequence") or 1
    customer["next_invoice_sequence"] = number + 1
    world.save(customer)
    page = f"{world.address}/invoice/{invoice['id']}"
    invoice.update(
        status="open",
        number=f"{customer['invoice_prefix']}-{number:04d}",
        ending_balance=ending,
        effective_at=now,
        automatically_finalizes_at=None,
        hosted_invoice_url=page,
        invoice_pdf=f"{page}/pdf",
    )
    invoice["status_transitions"]["finalized_at"] = now
    world.emit("invoice.finalized", world.save(invoice))
    return invoice


def void(world: World, invoice: Object) -> Object:
    """Take it back: nothing has to be paid for it any more. What it took of the balance is there again."""
    customer = world.get("customer", invoice["customer"])
    if (back := invoice["starting_balance"] - (invoice["ending_balance"] or 0)) and invoice["status"] == "open":
        customer["balance"] += back
        world.emit("customer.updated", world.save(customer), {"balance": customer["balance"] - back})
    invoice.update(status="void", next_payment_attempt=None, auto_advance=False, automatically_finalizes_at=None)
    invoice["status_transitions"]["voided_at"] = world.now()
    world.emit("invoice.voided", world.save(invoice))
    return invoice


@route("GET", "/v1/invoices")
def many(world: World, params: Params) -> Object:
    """Invoices, the latest first."""
    equal: dict[str, Any] = {}
    if customer := params.text("customer"):
        equal["customer"] = world.get("customer", customer, "customer")["id"]
    if status := params.choice("status", STATUSES):
        equal["status"] = status
    if method := params.choice("collection_method", ["charge_automatically", "send_invoice"]):
        equal["collection_method"] = method
    found = world.find("invoice", **equal)
    if subscription := params.text("subscription"):
        found = [invoice for invoice in found if subscription_of(invoice) == subscription]
    return page_of(world, params, found, "/v1/invoices")


@route("GET", "/v1/invoices/{invoice}")
def one(world: World, params: Params, invoice: str) -> Object:
    """An invoice."""
    return world.get("invoice", invoice, "invoice", in_path=True)


@route("GET", "/v1/invoices/{invoice}/lines")
def lines_of(world: World, params: Params, invoice: str) -> Object:
    """All lines of an invoice, in their order."""
    world.get("invoice", invoice, "invoice", in_path=True)
    found = world.find("line_item", invoice=invoice)[::-1]
    return page_of(world, params, found, f"/v1/invoices/{invoice}/lines")


@route("POST", "/v1/invoices/{invoice}/void")
def void_one(world: World, params: Params, invoice: str) -> Object:
    """Void an open invoice."""
    known = world.get("invoice", invoice, "invoice", in_path=True)
    if known["status"] not in ("open", "uncollectible"):
        raise invalid(f"You can only pass in open invoices. This invoice isn't open: it is {known['status']}.")
    return void(world, known)


@route("POST", "/v1/invoices/{invoice}/mark_uncollectible")
def write_off(world: World, params: Params, invoice: str) -> Object:
    """Expect no payment any more."""
    known = world.get("invoice", invoice, "invoice", in_path=True)
    if known["status"] != "open":
        raise invalid(f"You can only pass in open invoices. This invoice isn't open: it is {known['status']}.")
    known.update(status="uncollectible", next_payment_attempt=None)
    known["status_transitions"]["marked_uncollectible_at"] = world.now()
    world.emit("invoice.marked_uncollectible", world.save(known))
    return known


@route("GET", "/v1/invoice_payments")
def payments(world: World, params: Params) -> Object:
    """What was or is to be paid for invoices, by invoice or by payment intent."""
    found = world.find("invoice_payment")
    if invoice := params.text("invoice"):
        found = [one for one in found if one["invoice"] == invoice]
    if status := params.choice("status", ["canceled", "open", "paid"]):
        found = [one for one in found if one["status"] == status]
    payment = params.child("payment")
    if payment.choice("type", ["payment_intent", "payment_record"]) or payment.names():
        intent = payment.text("payment_intent", required=True)
        found = [one for one in found if one["payment"]["payment_intent"] == intent]
    return page_of(world, params, found, "/v1/invoice_payments")


@includes("invoice", "payments")
def payments_of(world: World, invoice: Object) -> Object:
    """What was or is to be paid for it."""
    return list_of(world.find("invoice_payment", invoice=invoice["id"]), "/v1/invoice_payments")


def subscription_of(invoice: Object) -> str:
    """The subscription behind an invoice; "" where something was bought once."""
    return str(invoice["parent"]["subscription_details"]["subscription"]) if invoice["parent"] else ""


def _discount_of(world: World, line: Object) -> dict[str, str]:
    discount = world.known("discount", line["discounts"][0]) if line["discounts"] else None
    return {"discount": discount["id"], "percent_off": discount["_percent"]} if discount else {}


def _balance(world: World, invoice: Object) -> Object:
    starting = world.get("customer", invoice["customer"])["balance"]
    due = max(0, invoice["total"] + starting)
    if invoice["parent"] is None:  # what was bought once was paid already
        starting, due = 0, invoice["total"]
    if due < LEAST:
        due = 0  # it is carried over to the next invoice
    invoice.update(starting_balance=starting, amount_due=due, amount_remaining=due - invoice["amount_paid"])
    return world.save(invoice)


def _parent(subscription: Object, proration_date: int | None) -> Object:
    return {
        "quote_details": None,
        "subscription_details": {
            "metadata": dict(subscription["metadata"]),
            "subscription": subscription["id"],
            **({"subscription_proration_date": proration_date} if proration_date else {}),
        },
        "type": "subscription_details",
    }


def _shape(
    world: World,
    customer: Object,
    terms: Terms,
    automatic: bool,
    reason: str,
    period: tuple[int, int],
    finalizes_at: int | None,
) -> Object:
    address = customer.get("address")
    return {
        "object": "invoice",
        "id": world.new_id("in"),
        "account_country": "US",
        "account_name": "Test payments",
        "account_tax_ids": None,
        "amount_due": 0,
        "amount_overpaid": 0,
        "amount_paid": 0,
        "amount_remaining": 0,
        "amount_shipping": 0,
        "application": None,
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": True,
        "automatic_tax": {
            "disabled_reason": None,
            "enabled": automatic,
            "liability": {"type": "self"} if automatic else None,
            "provider": "stripe" if automatic else None,
            "status": ("complete" if country_of(customer) else "requires_location_inputs") if automatic else None,
        },
        "automatically_finalizes_at": finalizes_at,
        "billing_reason": reason,
        "collection_method": "charge_automatically",
        "created": world.now(),
        "currency": terms.currency,
        "custom_fields": None,
        "customer": customer["id"],
        "customer_account": None,
        "customer_address": address,
        "customer_email": customer.get("email"),
        "customer_name": customer.get("name"),
        "customer_phone": customer.get("phone"),
        "customer_shipping": None,
        "customer_tax_exempt": customer.get("tax_exempt", "none"),
        "customer_tax_ids": [
            {"type": tax_id["type"], "value": tax_id["value"]}
            for tax_id in world.find("tax_id", customer=customer["id"])
        ],
        "default_payment_method": None,
        "default_source": None,
        "default_tax_rates": [],
        "description": None,
        "discounts": [],
        "due_date": None,
        "effective_at": None,
        "ending_balance": None,
        "footer": None,
        "from_invoice": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "issuer": {"type": "self"},
        "last_finalization_error": None,
        "latest_revision": None,
        "lines": {},
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": finalizes_at,
        "number": None,
        "on_behalf_of": None,
        "parent": None,
        "payment_settings": {"default_mandate": None, "payment_method_options": None, "payment_method_types": None},
        "period_end": period[1],
        "period_start": period[0],
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "receipt_number": None,
        "rendering": None,
        "shipping_cost": None,
        "shipping_details": None,
        "starting_balance": 0,
        "statement_descriptor": None,
        "status": "draft",
        "status_transitions": {
            "finalized_at": None, "marked_uncollectible_at": None, "paid_at": None, "voided_at": None,
        },
        "subtotal": 0,
        "subtotal_excluding_tax": 0,
        "test_clock": None,
        "threshold_reason": None,
        "total": 0,
        "total_discount_amounts": [],
        "total_excluding_tax": 0,
        "total_pretax_credit_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": None,
    }  # fmt: skip
