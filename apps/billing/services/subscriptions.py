"""Subscriptions: what Stripe says of them, and what customers and staff want of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from django.db import transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.accounts.permissions import Actor
from apps.audit.services import record
from apps.billing.catalogue import Price, Product, catalogue
from apps.billing.errors import CurrencySwitchError, NotOnSaleError, OvertakenError
from apps.billing.models import Subscription
from apps.billing.services import entitlements, overage
from apps.billing.services.allowances import push
from apps.billing.services.catalogue_sync import code_of, price_at_stripe
from apps.billing.services.customers import check_may_buy, customer_of, find, pay_with
from apps.billing.services.paid_for import is_taken_back, standing_quantity, was_refunded
from apps.billing.services.quantities import check_quantity
from apps.billing.services.turns import take_turn
from apps.billing.waiting import check_wait
from apps.core.clock import now
from apps.core.doorbell import ring
from apps.core.errors import ConflictError, DomainError, NotFoundError
from apps.core.events import emit
from apps.core.ids import new_hex
from apps.core.money import Money
from apps.integrations.stripe import objects
from apps.integrations.stripe.connection import stripe
from apps.integrations.stripe.errands import LEASE, run_errands
from apps.integrations.stripe.errors import StripeMissingError, StripeRefusedError, StripeUnavailableError
from apps.integrations.stripe.port import ItemChange
from apps.integrations.stripe.watching import look_now, note

log = structlog.get_logger(__name__)

CHANGED = "subscription_changed"
END_TASK = "billing.end_subscriptions"
SHOWN_FOR = timedelta(minutes=30)  # a preview is good for so long


@dataclass(frozen=True)
class Offer:
    """What a change would cost at a moment: `total` is its bill. `due_now` is charged at once; a bill below zero is
    credited to coming ones."""

    subscription: Subscription
    product: Product
    price: Price
    quantity: int
    at: datetime
    due_now: Money
    total: Money
    lines: tuple[objects.Line, ...]


def apply(seen: objects.Subscription) -> None:
    """Note what Stripe says of a subscription now, and give or take away what follows."""
    customer = find(seen.customer)
    main = _main_item(seen)
    if customer is None or main is None:
        log.info("subscription_of_nobody", subscription=seen.id)
        return
    item, product = main
    organization = customer.organization
    with transaction.atomic():
        take_turn(organization.pk)
        rows = Subscription.objects.unscoped().select_for_update(of=("self",), no_key=True)
        row = rows.filter(stripe_id=seen.id).first() or Subscription(
            stripe_id=seen.id, organization=organization, created_at=seen.created
        )
        before = _state_of(row)
        row.line, row.product, row.price = product.line, product.code, code_of(item.price, item.lookup_key)
        row.quantity, row.status, row.currency = item.quantity or 1, seen.status, seen.currency.upper()
        row.payment_method = seen.method[:80]
        row.items = {code_of(one.price, one.lookup_key): one.id for one in seen.items}
        row.period_start, row.period_end = item.period_start, item.period_end
        row.trial_end, row.cancel_at, row.ended_at = seen.trial_end, seen.cancel_at, seen.ended_at
        if row.is_over:
            row.end_ordered_at = None
        row.suspended = is_taken_back(row)
        row.save()
        if not row.is_over:
            pay_with(customer, seen.method)
        _grant(row)
        _tell(row, before)


def _state_of(row: Subscription) -> tuple[object, ...]:
    """What others are told of when it changes."""
    return row.status, row.product, row.quantity, row.cancel_at


def _tell(row: Subscription, before: tuple[object, ...]) -> None:
    if before == _state_of(row):
        return
    push(row.organization)  # who has not paid has no overage
    emit(
        CHANGED,
        {
            "subscription": row.public_id,
            "product": row.product,
            "quantity": row.quantity,
            "status": row.status,
            "before": before[0] or None,
            "cancel_at": row.cancel_at.isoformat() if row.cancel_at else None,
        },
        organization_id=row.organization_id,
        realm_id=row.organization.realm_id,
    )


def stand(row: Subscription, *, end: bool = False) -> None:
    """Its payment went back, or came again: what it grants goes or comes at once. With `end` it ends at Stripe too."""
    fresh = Subscription.objects.unscoped().select_for_update(of=("self",), no_key=True).get(pk=row.pk)
    fresh.suspended = is_taken_back(fresh)
    if end and not fresh.is_over and fresh.end_ordered_at is None:
        fresh.end_ordered_at = now()
        ring(END_TASK)
    fresh.save(update_fields=("suspended", "end_ordered_at"))
    _grant(fresh)


def _grant(row: Subscription) -> None:
    grants = catalogue().product(row.product).granted(standing_quantity(row)) if row.grants else {}
    entitlements.give(row.organization, row.public_id, grants)


def _main_item(seen: objects.Subscription) -> tuple[objects.Item, Product] | None:
    """The item whose price is chosen, and its product; overage and set-up fees come with it."""
    for item in seen.items:
        try:
            product = catalogue().product_of(code_of(item.price, item.lookup_key))
        except NotFoundError:
            continue
        if not item.metered:
            return item, product
    return None


# What customers want --------------------------------------------------------------------------------------------------
def offer_change(row: Subscription, price_code: str, quantity: int, *, at: datetime | None = None) -> Offer:
    """What it would cost to change to so much at another price of the same line, now.

    Raises as `change`, and what the gateway raises.
    """
    product, price = _check_change(row, price_code, quantity)
    overage.close(row)  # what it costs is part of the bill
    at = (at or now()).astimezone(UTC).replace(microsecond=0)
    seen = stripe(row.organization.realm_id).preview_change(row.stripe_id, _changes(row, price, quantity), at=at)
    due_now, total = (Money(amount, seen.currency.upper()) for amount in (seen.due_now, seen.total))
    return Offer(row, product, price, quantity, at, due_now, total, seen.lines)


def change(
    actor: Actor, row: Subscription, price_code: str, quantity: int, *, at: datetime, period_end: datetime
) -> None:
    """Change to what was offered at that moment, and charge the difference. Clicked twice it happens once.

    More costs what was shown. Less is credited from this moment on, whatever moment was shown: what was had while one
    read is paid for, and nobody has a large plan for half an hour by naming the moment at which they bought it.

    Raises `OvertakenError` where it was renewed or changed since, or the offer is old; `NotOnSaleError`,
    `InvalidInputError`, `ConflictError` (it has ended, nothing would change, more was called than it includes, a part
    of what was paid went back, or the calls until now can't be billed yet), `CurrencySwitchError`,
    `CustomerHeldError`, `StripeRefusedError` (`payment_failed`).
    """
    _product, price = _check_change(row, price_code, quantity)
    moment = now().replace(microsecond=0)
    moment = moment if _costs_less(row, price, quantity) else min(at, moment)
    changed = row.changed_at.replace(microsecond=0) if row.changed_at else None
    overtaken = row.period_end != period_end or (changed is not None and at < changed) or at < period_end <= moment
    if overtaken or not now() - SHOWN_FOR <= at <= now() + timedelta(minutes=1):
        raise _overtaken()
    check_may_buy(customer_of(row.organization))
    with _turn_to_change(row):
        overage.close(row)
        stripe(row.organization.realm_id).change_subscription(
            row.stripe_id,
            _changes(row, price, quantity),
            at=moment,
            key=f"change:{row.public_id}:{price.code}:{quantity}:{moment.timestamp():.0f}",
        )
    record(
        "billing.subscription_changed",
        target=row.organization,
        data={"from": [row.price, row.quantity], "to": [price.code, quantity]},
        organization_id=row.organization_id,
    )
    look_now("subscription", row.stripe_id)


def _overtaken() -> OvertakenError:
    return OvertakenError(_("The subscription was renewed or the offer is old. Look at the new figures first."))


def _costs_less(row: Subscription, price: Price, quantity: int) -> bool:
    return price.cost(quantity) < catalogue().price(row.price).cost(row.quantity)


@contextmanager
def _turn_to_change(row: Subscription) -> Iterator[None]:
    """One change at a time, from the items that Stripe has: two would each leave items of the other.

    While it lasts `changed_at` is to come, so that every offer is older. It is as before where nothing was changed. Who
    is killed, or hears no answer, leaves it to come for a minute and a half: by then Stripe has done it or never will,
    and whoever is next is told of it by the items.
    """
    rows, until = Subscription.objects.unscoped().filter(pk=row.pk), now() + LEASE
    if not rows.filter(changed_at=row.changed_at).update(changed_at=until):
        raise _overtaken()
    try:
        _check_items(row)
        yield
    except DomainError as error:
        if not (isinstance(error, StripeUnavailableError) and error.ambiguous):
            rows.filter(changed_at=until).update(changed_at=row.changed_at)
        raise
    rows.filter(changed_at=until).update(changed_at=now())


def _check_items(row: Subscription) -> None:
    """Whether it is at Stripe what it is here. Raises `OvertakenError` where we were not told of a change yet."""
    seen = stripe(row.organization.realm_id).fetch("subscription", row.stripe_id)
    items = seen.items if isinstance(seen, objects.Subscription) else ()
    main = [one.quantity or 1 for one in items if one.id == row.items[row.price]]
    if {code_of(one.price, one.lookup_key): one.id for one in items} != row.items or main != [row.quantity]:
        look_now("subscription", row.stripe_id)
        raise _overtaken()


def _check_change(row: Subscription, price_code: str, quantity: int) -> tuple[Product, Price]:
    product, price = catalogue().product_of(price_code), catalogue().price(price_code)
    if product.line != row.line or price != product.price or not product.on_sale:
        raise NotOnSaleError(_("“%(product)s” can't be changed to.") % {"product": product.name})
    if price.currency != row.currency:
        raise CurrencySwitchError(_("You pay in %(currency)s.") % {"currency": row.currency})
    if row.is_over or row.end_ordered_at is not None or row.suspended:
        raise ConflictError(_("This subscription has ended."))
    if not row.is_paid:
        raise ConflictError(_("The last bill of this subscription is not paid yet. Please pay it first."))
    if (price.code, quantity) == (row.price, row.quantity):
        raise ConflictError(_("This is your plan already."))
    check_quantity(row.organization, product, quantity)
    check_wait(row, product)
    if _costs_less(row, price, quantity) and was_refunded(row):
        told = _("A part of what you paid was given back already. You can take less from %(day)s on.")
        raise ConflictError(told % {"day": date_format(row.period_end or now(), "j F")})
    return product, price


def _changes(row: Subscription, price: Price, quantity: int) -> list[ItemChange]:
    """From the items that there are to those of the wanted price: the main one is exchanged, others come and go."""
    kept = {one.code: one for one in catalogue().bundle(price.code) if one.interval}
    changes = [ItemChange(id=row.items[row.price], price=price_at_stripe(price.code), quantity=quantity)]
    changes += [
        ItemChange(id=item, delete=True) for code, item in row.items.items() if code != row.price and code not in kept
    ]
    changes += [
        ItemChange(price=price_at_stripe(code)) for code in kept if code != price.code and code not in row.items
    ]
    return changes


def cancel(actor: Actor, row: Subscription) -> None:
    """Let it end when its period ends. Raises `ConflictError` for one that ends already."""
    if row.is_over or row.cancel_at is not None or row.end_ordered_at is not None:
        raise ConflictError(_("This subscription ends already."))
    stripe(row.organization.realm_id).cancel_subscription(
        row.stripe_id, at_period_end=True, key=f"cancel:{row.public_id}:{new_hex()}"
    )
    record("billing.subscription_canceled", target=row.organization, organization_id=row.organization_id)
    look_now("subscription", row.stripe_id)


def resume(actor: Actor, row: Subscription) -> None:
    """Go on after all. Raises `ConflictError` for one that does not end, or has ended."""
    if row.is_over or row.cancel_at is None or row.end_ordered_at is not None:
        raise ConflictError(_("This subscription goes on, or has ended."))
    stripe(row.organization.realm_id).resume_subscription(row.stripe_id, key=f"resume:{row.public_id}:{new_hex()}")
    record("billing.subscription_resumed", target=row.organization, organization_id=row.organization_id)
    look_now("subscription", row.stripe_id)


# What was ordered of Stripe -------------------------------------------------------------------------------------------
def end_ordered() -> int:
    """End at Stripe what was ordered to end. Returns how many were tried."""
    waiting = Subscription.objects.unscoped().filter(end_ordered_at__isnull=False).exclude(status__in=Subscription.OVER)
    return run_errands(waiting, _end, _ended, _not_ended, first=lambda row: take_turn(row.organization_id))


def _end(row: Subscription) -> bool:
    """Whether it was there to be ended. What it owes for usage is reported before: it is on the bill of its end."""
    overage.close(row)
    try:
        stripe(row.organization.realm_id).cancel_subscription(
            row.stripe_id, at_period_end=False, key=f"end:{row.public_id}"
        )
    except StripeMissingError:
        return False
    return True


def _ended(row: Subscription, was_there: bool) -> None:
    """What follows comes of the look at it, as when it ends by itself. Of one that Stripe forgot there is none."""
    if was_there:
        note("subscription", row.stripe_id)
        return
    log.warning("subscription_missing_at_stripe", subscription=row.public_id)
    before = _state_of(row)
    row.status, row.ended_at, row.end_ordered_at = Subscription.Status.CANCELED, now(), None
    row.save(update_fields=("status", "ended_at", "end_ordered_at"))
    _tell(row, before)


def _not_ended(row: Subscription, error: StripeRefusedError) -> None:
    """It has ended already: what Stripe says of it is looked at."""
    log.warning("subscription_not_ended", subscription=row.public_id, code=error.code)
    row.end_ordered_at = None
    row.save(update_fields=("end_ordered_at",))
    note("subscription", row.stripe_id)
