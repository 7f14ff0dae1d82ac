"""An invoice in the customer's browser: read it, pay what is open with a test card, keep it as a file."""

from typing import Any

from django.utils.translation import gettext as _

from apps.integrations.stripe.fake import collecting
from apps.integrations.stripe.fake.cards import card_of, method_of
from apps.integrations.stripe.fake.customers import attach, make_default
from apps.integrations.stripe.fake.errors import FakeError, declined
from apps.integrations.stripe.fake.money import spoken
from apps.integrations.stripe.fake.pages import choices, chosen_card, day, redirect, render
from apps.integrations.stripe.fake.params import Params
from apps.integrations.stripe.fake.pdf import document
from apps.integrations.stripe.fake.routing import Page, route
from apps.integrations.stripe.fake.world import Object, World

_PAYABLE = ("open", "uncollectible")


def status_in_words(invoice: Object) -> tuple[str, str]:
    """(what its status is called, the tone of its badge)."""
    return {
        "draft": (_("Draft"), "idle"),
        "open": (_("Open"), "wait"),
        "paid": (_("Paid"), "ok"),
        "uncollectible": (_("Not collectible"), "bad"),
        "void": (_("Void"), "idle"),
    }[invoice["status"]]


@route("GET", "/invoice/{invoice}")
def show(world: World, params: Params, invoice: str) -> Page:
    """The invoice, and a way to pay it."""
    return _page(world, world.get("invoice", invoice, in_path=True))


@route("GET", "/invoice/{invoice}/pdf")
def as_file(world: World, params: Params, invoice: str) -> Page:
    """The same as a file."""
    known = world.get("invoice", invoice, in_path=True)
    said = _said(world, known)
    lines = [f"{_('Invoice')} {said['number']} · {said['state']}", said["day"], said["customer"], ""]
    lines += [f"{line['amount']:>14}   {line['description']}" for line in said["lines"]]
    lines += ["", *(f"{amount:>14}   {name}" for name, amount in said["totals"])]
    name = f"{known['number'] or known['id']}.pdf"
    return Page(
        document(_("TEST INVOICE: no money moves"), lines),
        type="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@route("POST", "/invoice/{invoice}/pay")
def pay(world: World, params: Params, invoice: str) -> Page:
    """Pay what is open. The card is charged from now on, too."""
    known = world.get("invoice", invoice, in_path=True)
    if known["status"] not in _PAYABLE:
        return redirect(f"/invoice/{invoice}")
    customer = world.get("customer", known["customer"])
    try:
        method = attach(world, method_of(world, chosen_card(params), customer), customer)
    except FakeError as error:
        return _page(world, known, error=error)
    collecting.charge(world, known, method["id"], off_session=False)
    if card_of(method).asks:
        known["_method"] = method["id"]
        world.save(known)
        return redirect(f"/invoice/{invoice}/authenticate")
    return _outcome(world, known, method)


@route("GET", "/invoice/{invoice}/authenticate")
def ask(world: World, params: Params, invoice: str) -> Page:
    """The bank asks who is paying."""
    known = world.get("invoice", invoice, in_path=True)
    if known["status"] not in _PAYABLE or not known.get("_method"):
        return redirect(f"/invoice/{invoice}")
    amount = spoken(known["amount_remaining"], known["currency"])
    return render("authenticate.html", action=f"/invoice/{invoice}/authenticate", amount=amount)


@route("POST", "/invoice/{invoice}/authenticate")
def answer(world: World, params: Params, invoice: str) -> Page:
    """The customer answers the bank."""
    known = world.get("invoice", invoice, in_path=True)
    method = world.known("payment_method", known.pop("_method", None))
    world.save(known)
    if known["status"] not in _PAYABLE or method is None:
        return redirect(f"/invoice/{invoice}")
    if params.text("outcome") != "complete":
        return _page(world, known, error=declined("authentication_failed"), card=method["_card"])
    method["_authenticated"] = True
    collecting.charge(world, known, world.save(method)["id"], off_session=False)
    return _outcome(world, known, method)


def _outcome(world: World, invoice: Object, method: Object) -> Page:
    if invoice["status"] == "paid":
        make_default(world, world.get("customer", invoice["customer"]), method)
        return redirect(f"/invoice/{invoice['id']}")
    return _page(world, invoice, error=declined(card_of(method).decline or "card_declined"), card=method["_card"])


def _page(world: World, invoice: Object, *, error: FakeError | None = None, card: str = "") -> Page:
    return render(
        "invoice.html",
        status=error.status if error else 200,
        error=error.message if error else "",
        cards=choices(card) if invoice["status"] in _PAYABLE else [],
        **_said(world, invoice),
    )


def _said(world: World, invoice: Object) -> dict[str, Any]:
    currency = invoice["currency"]
    state, tone = status_in_words(invoice)
    discount = sum(one["amount"] for one in invoice["total_discount_amounts"])
    tax = sum(one["amount"] for one in invoice["total_taxes"])
    balance = invoice["amount_due"] - invoice["total"]
    totals = [
        (_("Subtotal"), invoice["subtotal"], True),
        (_("Discount"), -discount, bool(discount)),
        (_("Tax"), tax, bool(tax)),
        (_("Total"), invoice["total"], True),
        (_("Balance before or after"), balance, bool(balance)),
        (_("To be paid"), invoice["amount_remaining"], invoice["status"] in _PAYABLE),
        (_("Paid"), invoice["amount_paid"], invoice["status"] == "paid"),
    ]
    return {
        "id": invoice["id"],
        "number": invoice["number"] or _("Draft"),
        "state": state,
        "tone": tone,
        "day": day(invoice["effective_at"] or invoice["created"]),
        "customer": invoice["customer_name"] or invoice["customer_email"] or invoice["customer"],
        "tax_ids": [one["value"] for one in invoice["customer_tax_ids"]],
        "pdf": f"/invoice/{invoice['id']}/pdf",
        "to_pay": spoken(invoice["amount_remaining"], currency),
        "lines": [
            {"description": line["description"], "amount": spoken(line["amount"], currency), "period": _period(line)}
            for line in world.find("line_item", invoice=invoice["id"])
        ],
        "totals": [(name, spoken(amount, currency)) for name, amount, is_said in totals if is_said],
    }


def _period(line: Object) -> str:
    start, end = line["period"]["start"], line["period"]["end"]
    return day(start) if start == end else f"{day(start)} – {day(end)}"
