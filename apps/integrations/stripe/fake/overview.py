"""The start page: who pays for what at this Stripe, what time it is here, and a way to let time pass."""

from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from apps.integrations.stripe.fake.invoice_pages import status_in_words
from apps.integrations.stripe.fake.items import items_of, period_now
from apps.integrations.stripe.fake.money import spoken
from apps.integrations.stripe.fake.pages import day, redirect, render
from apps.integrations.stripe.fake.params import Params
from apps.integrations.stripe.fake.renewals import DRAFT_LASTS
from apps.integrations.stripe.fake.routing import Page, provided, route
from apps.integrations.stripe.fake.subscriptions import LIVING
from apps.integrations.stripe.fake.world import Object, World

_SHOWN = 20  # of each kind, the latest
_DAY = 24 * 3600


@route("GET", "/")
def show(world: World, params: Params) -> Page:
    """Customers, subscriptions and invoices, the latest of each."""
    turn = _next_renewal(world)
    return render(
        "overview.html",
        now=_moment(world.now()),
        next=_moment(turn) if turn else "",
        today=_moment(world.now() - world.skipped) if world.skipped else "",
        customers=[_customer(world, one) for one in _latest(world, "customer") if not one.get("deleted")],
        subscriptions=[_subscription(world, one) for one in _latest(world, "subscription")],
        invoices=[_invoice(world, one) for one in _latest(world, "invoice")],
    )


@route("POST", "/advance")
def advance(world: World, params: Params) -> Page:
    """Let a day pass, or the time until the next renewal and its payment."""
    turn = _next_renewal(world)
    if params.text("to") == "renewal" and turn:
        world.skip(max(turn + DRAFT_LASTS + 1, world.now()))
    else:
        world.skip(world.now() + _DAY)
    return redirect("/")


@route("GET", "/back")
def ask_back(world: World, params: Params) -> Page:
    """Whether somebody really wants to begin anew."""
    living = [_subscription(world, one) for one in world.find("subscription") if one["status"] in LIVING]
    today = world.now() - world.skipped
    return render("back.html", now=_moment(world.now()), today=_moment(today), subscriptions=living)


@route("POST", "/back")
def back(world: World, params: Params) -> Page:
    """It is today again. What lives on another day ends first, and the platform is told, so that both sides agree."""
    for one in world.find("subscription"):
        if one["status"] in LIVING:
            provided("subscriptions.end")(world, one)
    for invoice in world.find("invoice", status="draft"):
        invoice.update(auto_advance=False, automatically_finalizes_at=None)
        world.save(invoice)
    for session in world.find("checkout.session", status="open"):
        provided("checkout.expire")(world, session)
    world.go_back()
    return redirect("/")


def _next_renewal(world: World) -> int | None:
    living = [one for one in world.find("subscription") if one["status"] in LIVING]
    return min((period_now(one)[1] for one in living), default=None)


def _latest(world: World, kind: str) -> list[Object]:
    return world.find(kind)[-_SHOWN:][::-1]


def _customer(world: World, customer: Object) -> dict[str, str]:
    currency = customer["currency"] or "usd"
    return {
        "id": customer["id"],
        "name": customer["name"] or "",
        "email": customer["email"] or "",
        "balance": spoken(customer["balance"], currency) if customer["balance"] else "",
        "created": day(customer["created"]),
    }


def _subscription(world: World, subscription: Object) -> dict[str, Any]:
    names = {
        "active": (_("Active"), "ok"),
        "trialing": (_("Trial"), "run"),
        "past_due": (_("Past due"), "bad"),
        "canceled": (_("Ended"), "idle"),
    }
    status, tone = names[subscription["status"]]
    return {
        "id": subscription["id"],
        "customer": _who(world, subscription["customer"]),
        "items": [_item(world, item) for item in items_of(subscription)],
        "status": status,
        "tone": tone,
        "until": day(subscription["ended_at"] or period_now(subscription)[1]),
        "is_ending": bool(subscription["cancel_at"]) and not subscription["ended_at"],
    }


def _item(world: World, item: Object) -> str:
    product = world.known("product", item["price"]["product"])
    name = product["name"] if product else item["price"]["product"]
    return f"{item['quantity']} × {name}" if "quantity" in item else _("%(name)s by use") % {"name": name}


def _invoice(world: World, invoice: Object) -> dict[str, str]:
    status, tone = status_in_words(invoice)
    return {
        "number": invoice["number"] or _("Draft"),
        "url": f"/invoice/{invoice['id']}",
        "customer": _who(world, invoice["customer"]),
        "status": status,
        "tone": tone,
        "total": spoken(invoice["total"], invoice["currency"]),
        "created": day(invoice["created"]),
    }


def _who(world: World, customer: str) -> str:
    known = world.known("customer", customer) or {}
    return str(known.get("name") or known.get("email") or customer)


def _moment(moment: int) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%-d %b %Y, %H:%M UTC}"
