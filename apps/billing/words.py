"""What products include and cost, in the words of pages."""

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.billing.catalogue import REFUND_DAYS, Coupon, Each, Price, Product, catalogue
from apps.billing.models import Invoice, Payment
from apps.core.brand import current_brand
from apps.core.errors import NotFoundError
from apps.core.kinds import Feature, Value
from apps.core.registry import registry
from apps.core.templatetags.levqor import money, number
from apps.usage.plans import API_CREDITS, API_PLAN, PLANS, Plan

SUPPORT: dict[str, str | Promise] = {
    "community": gettext_lazy("Community support"),
    "email": gettext_lazy("E-mail support"),
    "sla": gettext_lazy("Support with a service level agreement (SLA)"),
}
SUPPORT_IN_SHORT: dict[str, str | Promise] = {
    "community": gettext_lazy("Community"),
    "email": gettext_lazy("Email"),
    "sla": gettext_lazy("SLA"),
}


def refund_words() -> str:
    """How long a payment is given back, for wherever a price stands."""
    return ngettext("%(days)s-day refund", "%(days)s-day refund", REFUND_DAYS) % {"days": REFUND_DAYS}


def hold_words() -> str:
    """Why nothing can be bought while staff look at something, and whom to ask."""
    told = _("You can buy nothing new until we have looked at your account. What you have stays. Write to %(email)s.")
    return told % {"email": current_brand().support_email}


def per(product: Product) -> str:
    """What a price is for, after the amount: "a month", "per seat a month"."""
    if product.seats:
        return _("per seat a month")
    if product.is_subscription:
        return _("a month")
    return _("per 1,000 calls") if API_CREDITS in product.grants else _("once")


def price_words(product: Product) -> str:
    """The whole price: "$19.00 a month"."""
    if not product.price.amount:
        return _("Free")
    return f"{money(product.price.money)} {per(product)}"


def included(product: Product, quantity: int | None = None) -> list[str]:
    """What so much of it includes, a point each, support last. Without a quantity, what one of it does."""
    points = []
    for code, value in product.granted(quantity or 1).items():
        if quantity is not None or not isinstance(product.grants[code], Each):
            points += _points(code, value)
        elif product.seats:
            points.append(_("%(label)s: one for each seat") % {"label": registry(Feature).get(code).label})
    if product.overage:
        points.append(_("Then %(price)s per 1,000 calls") % {"price": money(product.overage.money)})
    return points if product.support == "community" else [*points, str(SUPPORT[product.support])]


def defaults(*features: str) -> list[str]:
    """What there is without paying, of these features."""
    known = registry(Feature)
    values = {code: known.get(code).default for code in features if code in known}
    points = [point for code, value in values.items() for point in _points(code, value)]
    return [*points, str(SUPPORT["community"])]


def _points(code: str, value: Value) -> list[str]:
    if code == API_PLAN:
        return plan_points(PLANS[str(value)])
    if code == API_CREDITS:
        return [_("%(calls)s calls beyond your plan") % {"calls": number(int(value))}]
    label = str(registry(Feature).get(code).label)
    if isinstance(value, bool):
        return [label]
    if isinstance(value, int):
        return [_("%(label)s: up to %(most)s") % {"label": label, "most": number(value)}]
    return [f"{label}: {value}"]


def plan_points(plan: Plan) -> list[str]:
    """The calls of an API plan, and how fast they may come."""
    return [capfirst(calls_words(plan.calls)), _("%(count)s calls a minute") % {"count": number(plan.per_minute)}]


def calls_words(calls: int | None) -> str:
    """A quota."""
    return _("any number of calls") if calls is None else _("%(count)s calls a month") % {"count": number(calls)}


def coupon_words(coupon: Coupon) -> str:
    """A discount that everybody may use, in a sentence."""
    names = {"percent": f"{coupon.percent.normalize():f}", "code": coupon.code.upper()}
    if coupon.duration == "once":
        return _("%(percent)s %% off the first bill with the code %(code)s.") % names
    return _("%(percent)s %% off every bill with the code %(code)s.") % names


def discount_words(coupon: Coupon) -> str:
    """A discount that is used, in a few words."""
    percent = {"percent": f"{coupon.percent.normalize():f}"}
    return (_("%(percent)s %% off the first bill") if coupon.duration == "once" else _("%(percent)s %% off")) % percent


def coupon_for(product: Product) -> Coupon | None:
    """The public discount on a product, where there is one now."""
    found = catalogue().coupons.values()
    return next((one for one in found if one.is_current and product.code in one.products), None)


def name_of(price: str) -> str:
    """The product of a price; an old price that is sold no more is known by its code."""
    try:
        return catalogue().product_of(price).name
    except NotFoundError:
        return price


def ended_plan(invoice: Invoice) -> str:
    """The plan that has ended since a bill was made for it: paying the bill does not bring it back. Empty for none."""
    row = invoice.subscription
    return name_of(row.price) if row is not None and row.is_over else ""


def paid_for(payment: Payment) -> str:
    """What was bought with a payment; of a bill with several lines the dearest. Empty where it is not known yet."""
    if payment.order is not None:
        name = name_of(payment.order.price)
        return f"{name} × {number(payment.order.quantity)}" if payment.order.quantity > 1 else name
    if payment.invoice is not None and (lines := payment.invoice.lines.all()):
        return name_of(max(lines, key=lambda line: line.amount).price)
    return ""


def line_words(description: str, price_code: str, quantity: int, amount: int, *, is_proration: bool) -> str:
    """What a line of a bill is for; Stripe's `description` for what the catalogue has no longer."""
    price = known_price(price_code)
    if price is None:
        return description
    if price.meter:
        told = _("API calls beyond the plan: %(calls)s at %(price)s per 1,000")
        return told % {"calls": number(quantity), "price": money(price.money)}
    name = name_of(price_code)
    if not is_proration:
        return name
    told = _("Unused time on %(product)s") if amount < 0 else _("Remaining time on %(product)s")
    return told % {"product": name}


def known_price(code: str) -> Price | None:
    """A price of the catalogue; None for one that was taken out of it."""
    try:
        return catalogue().price(code)
    except NotFoundError:
        return None
