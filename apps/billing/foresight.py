"""What follows when so much of a payment goes back, in words: said to staff before they order it.

It is worked out from the same figures as what is done then (`services.payments.settle`), as they are now.
"""

from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.billing.catalogue import catalogue
from apps.billing.models import CreditGrant, Entitlement, Invoice, Order, Payment, Subscription
from apps.billing.selectors import find_customer
from apps.billing.services.credits import withdrawn_for
from apps.billing.services.paid_for import paid_until, pays_for
from apps.billing.services.refunds import credited, left_of
from apps.core.clock import now
from apps.core.kinds import Feature
from apps.core.money import Money
from apps.core.registry import registry
from apps.core.templatetags.levqor import money, number


def after_refund(payment: Payment, amount: int) -> list[str]:
    """The money first, then everything that hung on it."""
    left = left_of(payment)
    back = payment.amount - left.minor + amount
    given_back = back - payment.disputed
    lines = _money(payment, Money(amount, payment.currency), left)
    if payment.order is not None:
        lines += _order(payment.order, payment, back)
    if payment.invoice is not None:
        lines += _invoice(payment.invoice, full=back >= payment.amount, ends=given_back >= payment.amount)
    if not payment.announced:
        lines.append(_("It is not known yet what this payment was for: nothing else follows until it is."))
    return lines


def _money(payment: Payment, amount: Money, left: Money) -> list[str]:
    customer = find_customer(payment.organization)
    method = customer.payment_method if customer and customer.payment_method else _("the payment method it came from")
    words = _("%(amount)s of %(paid)s goes back to %(organization)s, to %(method)s.")
    lines = [
        words
        % {
            "amount": money(amount),
            "paid": money(payment.money),
            "organization": payment.organization.name,
            "method": method,
        }
    ]
    if amount < left:
        lines.append(_("%(rest)s of the payment stays with us.") % {"rest": money(left - amount)})
    if (credit := credited(payment)).minor:
        told = _("%(credit)s of it was given back by a smaller plan, for other bills: it is not refunded too.")
        lines.append(told % {"credit": money(credit)})
    if payment.fee:
        fee = Money(payment.fee, payment.currency)
        lines.append(_("Stripe keeps its fee of %(fee)s.") % {"fee": money(fee)})
    return lines


def _order(order: Order, payment: Payment, back: int) -> list[str]:
    grant = CreditGrant.objects.for_organization(order.organization_id).filter(order=order).first()
    if grant is not None:
        return [_credits(grant, back, payment.amount)]
    lost = _features(order.organization_id, order.public_id)
    if back < payment.amount:
        return [_("What was bought stays: %(features)s.") % {"features": lost}] if lost else []
    product = catalogue().product_of(order.price).name
    lines = [_("The order of “%(product)s” is reversed.") % {"product": product}]
    return [*lines, _("What it gave is taken away at once: %(features)s.") % {"features": lost}] if lost else lines


def _credits(grant: CreditGrant, back: int, whole: int) -> str:
    taken = withdrawn_for(grant, back, whole) - grant.withdrawn
    words = ngettext(
        "%(taken)s call of %(units)s is withdrawn; %(used)s were used and %(left)s are left.",
        "%(taken)s calls of %(units)s are withdrawn; %(used)s were used and %(left)s are left.",
        taken,
    )
    figures = {"taken": taken, "units": grant.units, "used": grant.used, "left": grant.left - taken}
    return words % {name: number(value) for name, value in figures.items()}


def _invoice(invoice: Invoice, *, full: bool, ends: bool) -> list[str]:
    row = invoice.subscription
    if row is None:
        return []
    product = {"product": catalogue().product(row.product).name}
    if row.is_over or row.end_ordered_at is not None:
        return [_("The subscription “%(product)s” has ended already.") % product]
    if not full:
        return [_("The subscription “%(product)s” goes on.") % product]
    if paid_until(invoice) <= now():
        return [_("The subscription “%(product)s” goes on: the time that was paid for is over.") % product]
    if not pays_for(row, invoice):
        return [_("The subscription “%(product)s” goes on: this bill is not what it stands on now.") % product]
    return _end(row, product, ends=ends)


def _end(row: Subscription, product: dict[str, str], *, ends: bool) -> list[str]:
    words = (
        _("The subscription “%(product)s” ends at once, at Stripe too.")
        if ends
        else _("The subscription “%(product)s” is suspended until its dispute is decided.")
    )
    lost = _features(row.organization_id, row.public_id)
    lines = [words % product]
    return [*lines, _("What it gave is taken away at once: %(features)s.") % {"features": lost}] if lost else lines


def _features(organization_id: object, source: str) -> str:
    rows = Entitlement.objects.for_organization(organization_id).filter(source=source).order_by("feature")
    return ", ".join(_described(rows))


def _described(rows: Iterable[Entitlement]) -> Iterable[str]:
    known = registry(Feature)
    for row in rows:
        feature = known.find(row.feature)
        name = str(feature.label) if feature else row.feature
        yield name if row.value is True else f"{name} ({row.value})"
