"""The customer portal: another test card, another country, the invoices, and back."""

from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from apps.integrations.stripe.fake import orders, portal_configurations
from apps.integrations.stripe.fake.cards import method_of
from apps.integrations.stripe.fake.customers import make_default, present
from apps.integrations.stripe.fake.errors import FakeError, declined, invalid
from apps.integrations.stripe.fake.money import spoken
from apps.integrations.stripe.fake.pages import (
    COUNTRIES,
    choices,
    chosen_card,
    countries,
    day,
    in_words,
    redirect,
    render,
)
from apps.integrations.stripe.fake.params import Params
from apps.integrations.stripe.fake.routing import Page, route
from apps.integrations.stripe.fake.taxes import country_of
from apps.integrations.stripe.fake.world import Object, World

KIND = "billing_portal.session"
_LASTS = 24 * 3600


@route("POST", "/v1/billing_portal/sessions")
def create_session(world: World, params: Params) -> Object:
    """A page of the portal for one customer."""
    customer = present(world, params.text("customer", required=True))
    return_url = params.text("return_url")
    if return_url and urlsplit(return_url).scheme not in ("http", "https"):
        raise invalid("Not a valid URL", "return_url", "url_invalid")
    named = params.text("configuration")
    configuration = (
        world.get(portal_configurations.KIND, named, "configuration") if named else portal_configurations.default(world)
    )
    session_id = world.new_id("bps")
    session = world.add(
        {
            "id": session_id,
            "object": KIND,
            "configuration": configuration["id"],
            "created": world.now(),
            "customer": customer["id"],
            "customer_account": None,
            "flow": None,
            "livemode": False,
            "locale": None,
            "on_behalf_of": None,
            "return_url": return_url or None,
            "url": f"{world.address}/portal/{session_id}",
            "_method": None,
        }
    )
    world.emit("billing_portal.session.created", session)
    return session


@route("GET", "/portal/{session}")
def show(world: World, params: Params, session: str) -> Page:
    """Payment method, address and invoices."""
    return _page(world, _session(world, session), done=params.text("done"))


@route("POST", "/portal/{session}/card")
def change_card(world: World, params: Params, session: str) -> Page:
    """Charge another test card from now on."""
    obj = _session(world, session)
    customer = present(world, obj["customer"])
    try:
        card = chosen_card(params)
        if card.decline:
            raise declined(card.decline)
    except FakeError as error:
        return _page(world, obj, error=error, card=params.text("card"))
    method = method_of(world, card, customer)
    if card.asks:
        obj["_method"] = method["id"]
        world.save(obj)
        return redirect(f"/portal/{session}/authenticate")
    make_default(world, customer, method)
    return redirect(f"/portal/{session}?done=card")


@route("GET", "/portal/{session}/authenticate")
def ask(world: World, params: Params, session: str) -> Page:
    """The bank asks whose card it is."""
    if not _session(world, session)["_method"]:
        return redirect(f"/portal/{session}")
    return render("authenticate.html", action=f"/portal/{session}/authenticate", amount="")


@route("POST", "/portal/{session}/authenticate")
def answer(world: World, params: Params, session: str) -> Page:
    """The customer answers the bank."""
    obj = _session(world, session)
    method = world.known("payment_method", obj["_method"])
    obj["_method"] = None
    world.save(obj)
    if method is None:
        return redirect(f"/portal/{session}")
    if params.text("outcome") != "complete":
        return _page(world, obj, error=declined("authentication_failed"), card="three_d_secure")
    method["_authenticated"] = True
    world.save(method)
    make_default(world, present(world, obj["customer"]), method)
    return redirect(f"/portal/{session}?done=card")


@route("POST", "/portal/{session}/address")
def change_address(world: World, params: Params, session: str) -> Page:
    """Say who pays, and where."""
    obj = _session(world, session)
    customer = present(world, obj["customer"])
    name, country = params.text("name", most=200).strip(), params.text("country")
    if country not in COUNTRIES:
        error = FakeError(400, "invalid_request_error", "", _("Choose a country."))
        return _page(world, obj, error=error)
    orders.locate(world, customer, country)
    world.update(customer, "customer.updated", name=name or None)
    return redirect(f"/portal/{session}?done=address")


def _session(world: World, session: str) -> Object:
    obj = world.get(KIND, session, in_path=True)
    if obj["created"] < world.now() - _LASTS:
        raise FakeError(410, "invalid_request_error", "", _("This page has expired. Open it again from your account."))
    return obj


def _page(world: World, session: Object, *, done: str = "", error: FakeError | None = None, card: str = "") -> Page:
    customer = present(world, session["customer"])
    method = _method(world, customer)
    told = {"card": _("The card was changed."), "address": _("The billing details were saved.")}
    return render(
        "portal.html",
        status=error.status if error else 200,
        error=error.message if error else "",
        done=told.get(done, ""),
        session=session["id"],
        return_url=session["return_url"],
        method=in_words(method) if method else "",
        cards=choices(card or (method["_card"] if method else "")),
        name=customer["name"] or "",
        email=customer["email"] or "",
        countries=countries(country_of(customer)),
        country=country_of(customer),
        invoices=[_invoice(one) for one in world.find("invoice", customer=customer["id"])[::-1]],
    )


def _method(world: World, customer: Object) -> Object | None:
    """What is charged next: the customer's own default, or the one of a subscription."""
    wanted = [customer["invoice_settings"]["default_payment_method"]]
    wanted += [one["default_payment_method"] for one in world.find("subscription", customer=customer["id"])[::-1]]
    return next((known for one in wanted if (known := world.known("payment_method", one))), None)


def _invoice(invoice: Object) -> dict[str, Any]:
    names = {
        "draft": (_("Draft"), "idle"),
        "open": (_("Open"), "wait"),
        "paid": (_("Paid"), "ok"),
        "uncollectible": (_("Not collectible"), "bad"),
        "void": (_("Void"), "idle"),
    }
    status, tone = names[invoice["status"]]
    return {
        "number": invoice["number"] or _("Draft"),
        "day": day(invoice["created"]),
        "status": status,
        "tone": tone,
        "total": spoken(invoice["total"], invoice["currency"]),
        "url": invoice["hosted_invoice_url"],
    }
