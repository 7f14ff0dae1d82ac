"""How the fake's pages are made: Django's templates in `templates/test_payments`, the styles of the house."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.template import Context, Engine
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.integrations.stripe.fake.cards import CARDS, Card
from apps.integrations.stripe.fake.errors import FakeError
from apps.integrations.stripe.fake.money import spoken
from apps.integrations.stripe.fake.params import Params
from apps.integrations.stripe.fake.routing import Page, route
from apps.integrations.stripe.fake.world import Object, World

_ROOT = Path(__file__).parents[4]
_STYLES = ("tokens", "base", "layout", "components", "forms", "data", "feedback", "test_payments", "utilities")
COUNTRIES = {
    "AU": gettext_lazy("Australia"),
    "AT": gettext_lazy("Austria"),
    "BE": gettext_lazy("Belgium"),
    "BR": gettext_lazy("Brazil"),
    "CA": gettext_lazy("Canada"),
    "DK": gettext_lazy("Denmark"),
    "FR": gettext_lazy("France"),
    "DE": gettext_lazy("Germany"),
    "IN": gettext_lazy("India"),
    "IE": gettext_lazy("Ireland"),
    "IT": gettext_lazy("Italy"),
    "JP": gettext_lazy("Japan"),
    "NL": gettext_lazy("Netherlands"),
    "PL": gettext_lazy("Poland"),
    "ES": gettext_lazy("Spain"),
    "SE": gettext_lazy("Sweden"),
    "CH": gettext_lazy("Switzerland"),
    "GB": gettext_lazy("United Kingdom"),
    "US": gettext_lazy("United States"),
}
_BRANDS = {"visa": "Visa", "mastercard": "Mastercard"}


@cache
def _engine() -> Engine:
    return Engine(dirs=[str(_ROOT / "templates")], libraries={"i18n": "django.templatetags.i18n"})


def render(template: str, *, status: int = 200, **context: Any) -> Page:
    """A page of `templates/test_payments`."""
    content = _engine().get_template(f"test_payments/{template}").render(Context({**context, "styles": _STYLES}))
    return Page(content, status)


def redirect(address: str) -> Page:
    """Go there instead."""
    return Page("", 303, headers={"Location": address})


def day(moment: int) -> str:
    """A day as people read it."""
    return f"{datetime.fromtimestamp(moment, UTC):%-d %b %Y}"


def in_words(method: Object) -> str:
    """A payment method as people know it."""
    card = method["card"]
    return f"{_BRANDS[card['brand']]} •••• {card['last4']}"


def choices(chosen: str = "") -> list[dict[str, Any]]:
    """The test cards, one of them chosen."""
    return [
        {
            "code": card.code,
            "label": card.label,
            "name": f"{_BRANDS[card.brand]} •••• {card.last4}",
            "is_chosen": card.code == (chosen or next(iter(CARDS))),
        }
        for card in CARDS.values()
    ]


def chosen_card(params: Params) -> Card:
    """The test card that a form names."""
    code = params.text("card")
    if code not in CARDS:
        raise FakeError(400, "invalid_request_error", "", _("Choose one of the test cards."))
    return CARDS[code]


def countries(chosen: str) -> list[tuple[str, str | Promise, bool]]:
    """Code and name of each country, and whether it is the chosen one."""
    return [(code, name, code == chosen) for code, name in COUNTRIES.items()]


@route("GET", "/styles/{name}.css")
def style(world: World, params: Params, name: str) -> Page:
    """One style sheet of the house."""
    if name not in _STYLES:
        return Page("", 404, "text/plain")
    content = (_ROOT / "static" / "css" / f"{name}.css").read_bytes()
    return Page(content, type="text/css; charset=utf-8")


@route("GET", "/receipt/{charge}")
def receipt(world: World, params: Params, charge: str) -> Page:
    """What was paid, and what of it went back."""
    obj = world.get("charge", charge, in_path=True)
    currency = obj["currency"]
    return render(
        "receipt.html",
        amount=spoken(obj["amount"], currency),
        refunded=spoken(obj["amount_refunded"], currency) if obj["amount_refunded"] else "",
        description=obj["description"],
        method=in_words(world.get("payment_method", obj["payment_method"])),
        day=day(obj["created"]),
        charge=charge,
    )
