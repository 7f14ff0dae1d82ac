"""What is paid for against what is given: entitlements, and the plan that lets calls through."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, Q

from apps.accounts.models import Organization
from apps.audit.models import AuditEntry
from apps.billing.catalogue import Product, catalogue
from apps.billing.models import Entitlement, Order, Subscription
from apps.billing.services.reconciliation.findings import MISSING, Compared, Findings, batches, keys_of
from apps.core.clock import now
from apps.core.errors import NotFoundError
from apps.core.ids import InvalidIdError
from apps.usage.models import OrganizationLimits
from apps.usage.plans import API_CREDITS, API_PLAN, largest
from apps.usage.services.staff_limits import LIMITS_CHANGED

Given = dict[str, tuple[Any, datetime | None]]  # feature: value, until


def compare(found: Findings) -> None:
    """All of it as it is now."""
    subscriptions = Subscription.objects.unscoped().exclude(status__in=Subscription.OVER)
    found.check(keys_of(subscriptions), _read_subscriptions)
    given_for_good = [
        one.code
        for each in catalogue().products.values()
        if not each.is_subscription and API_CREDITS not in each.grants
        for one in each.prices
    ]
    orders = Order.objects.unscoped().filter(price__in=given_for_good, paid_at__isnull=False)
    found.check(keys_of(orders), _read_orders)
    _without_source(found)
    _plans(found)


# Entitlements ---------------------------------------------------------------------------------------------------------
def _read_subscriptions(keys: list[UUID]) -> Iterator[tuple[UUID, Compared]]:
    rows = list(Subscription.objects.unscoped().filter(pk__in=keys))
    given = _given(row.public_id for row in rows)
    for row in rows:
        product = _product(row.product)
        should: Given = {}
        if row.grants and product is not None:
            should = {code: (value, None) for code, value in product.granted(row.quantity).items()}
        ours = given.get(row.public_id, {})
        look = ("subscription", row.stripe_id)
        yield row.pk, Compared(
            "entitlement", row.public_id, _words(ours), _words(should), row.organization_id, look
        )  # fmt: skip


def _read_orders(keys: list[UUID]) -> Iterator[tuple[UUID, Compared]]:
    """What has ended is taken away a little later: until then it does no harm."""
    rows, moment = list(Order.objects.unscoped().filter(pk__in=keys)), now()
    given = _given(row.public_id for row in rows)
    for row in rows:
        product = catalogue().product_of(row.price)
        should: Given = {}
        if row.state == Order.State.PAID and row.paid_at is not None:
            until = row.paid_at + timedelta(days=product.lasts_days) if product.lasts_days else None
            should = {code: (value, until) for code, value in product.granted(row.quantity).items()}
        ours, wanted = (
            _words({code: one for code, one in all_.items() if one[1] is None or one[1] > moment})
            for all_ in (given.get(row.public_id, {}), should)
        )
        yield row.pk, Compared("entitlement", row.public_id, ours, wanted, row.organization_id)


def _without_source(found: Findings) -> None:
    """What is given by what is over, or was never bought."""
    sources = Entitlement.objects.unscoped().order_by("source").values_list("source", "organization_id").distinct()
    for batch in batches(sources.iterator()):
        live = _live({source for source, _owner in batch})
        lost = {source: owner for source, owner in batch if source not in live}
        for source, given in _given(lost).items():
            found.take(Compared("entitlement", source, _words(given), MISSING, lost[source], _look(source)))


def _live(sources: set[str]) -> set[str]:
    """Those that are compared above: subscriptions that are not over, and paid orders."""
    keys = {model: set(_keys(model, sources)) for model in (Subscription, Order)}
    subscriptions = Subscription.objects.unscoped().filter(pk__in=keys[Subscription])
    orders = Order.objects.unscoped().filter(pk__in=keys[Order], paid_at__isnull=False)
    rows = [*subscriptions.exclude(status__in=Subscription.OVER).only("pk"), *orders.only("pk")]
    return {row.public_id for row in rows}


def _keys(model: type[Subscription] | type[Order], sources: Iterable[str]) -> Iterator[UUID]:
    for source in sources:
        try:
            yield model.parse_public_id(source)
        except InvalidIdError:
            continue


def _look(source: str) -> tuple[str, str] | None:
    key = next(_keys(Subscription, [source]), None)
    row = Subscription.objects.unscoped().filter(pk=key).first() if key else None
    return ("subscription", row.stripe_id) if row else None


def _given(sources: Iterable[str]) -> dict[str, Given]:
    """What each of these sources gives."""
    found: dict[str, Given] = {}
    rows = Entitlement.objects.unscoped().filter(source__in=list(sources)).order_by()
    for source, code, value, until in rows.values_list("source", "feature", "value", "ends_at"):
        found.setdefault(source, {})[code] = (value, until)
    return found


def _product(code: str) -> Product | None:
    """None for what the catalogue has no longer: nothing is given for it."""
    try:
        return catalogue().product(code)
    except NotFoundError:
        return None


def _words(given: Given) -> str:
    """In an order, so that it compares: "api.plan "pro"", with until when."""
    parts = [
        f"{code} {json.dumps(value)}" + (f" until {until:%Y-%m-%d %H:%M}" if until else "")
        for code, (value, until) in sorted(given.items())
    ]
    return ", ".join(parts) or MISSING


# The gate -------------------------------------------------------------------------------------------------------------
def _plans(found: Findings) -> None:
    """The gate lets through what is paid for, and no more, but for what staff agreed."""
    given = Entitlement.objects.unscoped().filter(Q(ends_at=None) | Q(ends_at__gt=now()), feature=API_PLAN)
    paying = given.order_by("organization_id").values_list("organization_id", flat=True).distinct()
    found.check(paying.iterator(), _read_plans)
    limits = OrganizationLimits.objects.unscoped().filter(organization__livemode=True)
    limits = limits.exclude(plan=settings.API_DEFAULT_PLAN)
    free = limits.filter(~Exists(given.filter(organization=OuterRef("organization"))))
    found.check(keys_of(free), _read_plans)


def _read_plans(keys: list[UUID]) -> Iterator[tuple[UUID, Compared]]:
    given: dict[UUID, list[object]] = {}
    rows = Entitlement.objects.unscoped().filter(Q(ends_at=None) | Q(ends_at__gt=now()), feature=API_PLAN)
    for owner, value in rows.filter(organization__in=keys).order_by().values_list("organization_id", "value"):
        given.setdefault(owner, []).append(value)
    limits = OrganizationLimits.objects.unscoped().filter(organization__in=keys)
    plans = dict(limits.values_list("organization_id", "plan"))
    shoulds = {key: largest(given[key]) if key in given else settings.API_DEFAULT_PLAN for key in keys}
    plans = {key: plans.get(key, settings.API_DEFAULT_PLAN) for key in keys}
    agreed = _agreed([key for key in keys if plans[key] != shoulds[key]])
    for key in keys:
        should = plans[key] if agreed.get(key) == plans[key] else shoulds[key]
        yield key, Compared("plan", Organization(pk=key).public_id, plans[key], should, key)


def _agreed(keys: list[UUID]) -> dict[UUID, str]:
    """The plans that staff agreed on last with these organizations."""
    if not keys:
        return {}
    entries = AuditEntry.objects.unscoped().filter(organization_id__in=keys, code=LIMITS_CHANGED)
    told = entries.order_by("created_at", "sequence").values_list("organization_id", "data")
    return {key: data["after"]["plan"] for key, data in told if key is not None}
