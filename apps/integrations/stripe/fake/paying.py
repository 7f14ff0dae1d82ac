"""The payment page in the customer's browser: a choice of test cards, and the bank's question where a card asks it."""

from typing import Any

from django.utils.translation import gettext as _

from apps.integrations.stripe.fake import checkout, completing
from apps.integrations.stripe.fake.errors import FakeError
from apps.integrations.stripe.fake.money import amount_of_price, spoken
from apps.integrations.stripe.fake.orders import Order, Quote
from apps.integrations.stripe.fake.pages import COUNTRIES, choices, chosen_card, countries, day, redirect, render
from apps.integrations.stripe.fake.params import Params
from apps.integrations.stripe.fake.routing import Page, route
from apps.integrations.stripe.fake.taxes import country_of
from apps.integrations.stripe.fake.world import Object, World

_DAY = 24 * 3600


@route("GET", "/pay/{session}")
def show(world: World, params: Params, session: str) -> Page:
    """What is to be paid, and with which card."""
    obj = world.get(checkout.KIND, session, in_path=True)
    return _closed(obj) or _page(world, obj)


@route("POST", "/pay/{session}")
def pay(world: World, params: Params, session: str) -> Page:
    """Pay, or look at the price for another country first."""
    obj = world.get(checkout.KIND, session, in_path=True)
    if closed := _closed(obj):
        return closed
    country = params.text("country")
    country = country if country in COUNTRIES else ""
    card = params.text("card")
    if params.has("look") or (country and country != params.text("country_shown")):
        return _page(world, obj, card=card, country=country)
    quote = completing.quote_of(world, obj, country)
    try:
        if Order(**obj["_order"]).automatic_tax and not quote.located:
            raise FakeError(400, "invalid_request_error", "", _("Choose a country."))
        wanted = chosen_card(params) if _needs_card(obj, quote) else None
        return redirect(completing.submit(world, obj, wanted, country))
    except FakeError as error:
        return _page(world, obj, card=card, country=country, error=error)


@route("GET", "/pay/{session}/authenticate")
def ask(world: World, params: Params, session: str) -> Page:
    """The bank asks who is paying."""
    obj = world.get(checkout.KIND, session, in_path=True)
    if obj["status"] != "open" or not obj["_method"]:
        return redirect(f"/pay/{session}")
    quote = completing.quote_of(world, obj)
    amount = spoken(quote.total, quote.currency) if quote.total else ""
    return render("authenticate.html", action=f"/pay/{session}/authenticate", amount=amount)


@route("POST", "/pay/{session}/authenticate")
def answer(world: World, params: Params, session: str) -> Page:
    """The customer answers the bank."""
    obj = world.get(checkout.KIND, session, in_path=True)
    if obj["status"] != "open" or not obj["_method"]:
        return redirect(f"/pay/{session}")
    try:
        return redirect(completing.authenticated(world, obj, succeeded=params.text("outcome") == "complete"))
    except FakeError as error:
        return _page(world, obj, card="three_d_secure", error=error)


def _closed(session: Object) -> Page | None:
    if session["status"] == "complete":
        return redirect(completing.success_address(session))
    if session["status"] == "expired":
        return render("expired.html", status=410, back=session["cancel_url"])
    return None


def _needs_card(session: Object, quote: Quote) -> bool:
    return session["mode"] == "subscription" or quote.total > 0


def _page(world: World, session: Object, *, card: str = "", country: str = "", error: FakeError | None = None) -> Page:
    order = Order(**session["_order"])
    country = country or country_of(world.get("customer", session["customer"]))
    quote = completing.quote_of(world, session, country if session["_asks_address"] else "")
    coupon = world.known("coupon", order.coupon)
    asks_country = session["_asks_address"] and order.automatic_tax
    return render(
        "pay.html",
        status=error.status if error else 200,
        error=error.message if error else "",
        session=session["id"],
        cancel_url=session["cancel_url"],
        lines=[_line(world, line) for line in quote.lines],
        subtotal=spoken(quote.subtotal, quote.currency),
        discount=spoken(-quote.discount, quote.currency) if quote.discount else "",
        coupon=(coupon["name"] or coupon["id"]) if coupon else "",
        tax=spoken(quote.tax, quote.currency) if quote.tax else "",
        is_taxed=order.automatic_tax,
        total=spoken(quote.total, quote.currency),
        trial_end=day(world.now() + order.trial_days * _DAY) if order.trial_days else "",
        anchor=day(order.anchor) if order.anchor else "",
        button=_button(order, quote),
        cards=choices(card) if _needs_card(session, quote) else [],
        countries=countries(country) if asks_country else [],
        country=country if country in COUNTRIES else "",
    )


def _button(order: Order, quote: Quote) -> str:
    if quote.total:
        return _("Pay %(amount)s") % {"amount": spoken(quote.total, quote.currency)}
    if order.trial_days:
        return _("Start the trial")
    return _("Subscribe") if order.mode == "subscription" else _("Complete the order")


def _line(world: World, line: Any) -> dict[str, Any]:
    price = world.get("price", line.price)
    return {
        "name": line.name,
        "quantity": line.quantity,
        "amount": spoken(line.subtotal, line.currency),
        "price": amount_of_price(price),
        "interval": _every(price["recurring"]) if price["recurring"] else "",
        "is_metered": line.quantity is None,
    }


def _every(recurring: Object) -> str:
    count = recurring["interval_count"]
    names = {
        "day": _("every %(count)s days") if count > 1 else _("a day"),
        "week": _("every %(count)s weeks") if count > 1 else _("a week"),
        "month": _("every %(count)s months") if count > 1 else _("a month"),
        "year": _("every %(count)s years") if count > 1 else _("a year"),
    }
    return names[recurring["interval"]] % {"count": count} if count > 1 else names[recurring["interval"]]
