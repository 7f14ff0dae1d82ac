"""Calls that are paid for, or given, in advance: granted, settled with what was called, run out, taken back.

The gate lets calls beyond the plan pass as long as credits last; what they took is settled here, of the grants with the
lowest priority number first, then of those that expire first. What was paid for a grant becomes a sale as it is used:
after n of N calls the n/N-th part of it, rounded down, so that the parts always add up to the whole.
"""

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum
from django.utils.translation import gettext as _

from apps.accounts.models import Organization
from apps.audit.services import record
from apps.billing import books
from apps.billing.catalogue import catalogue
from apps.billing.models import CreditGrant, CreditUse, Order, Payment
from apps.billing.selectors import credits_used, usable_grants
from apps.billing.services.allowances import push
from apps.billing.services.turns import alone, take_turn
from apps.core.clock import now
from apps.core.errors import ConflictError, InvalidInputError
from apps.core.events import emit
from apps.core.ids import new_hex
from apps.core.money import Money
from apps.usage.periods import day_of, period_named

GRANTED = "credits_granted"
BOUGHT_PRIORITY, GIVEN_PRIORITY = 50, 10  # what was given is used first
MOST_GIVEN = 10_000_000
MOST_IN_SANDBOX = 1_000_000


def grant_bought(order: Order, units: int, paid: Money) -> CreditGrant:
    """What an order bought: once."""
    product = catalogue().product_of(order.price)
    lasts = timedelta(days=product.lasts_days or 365)
    made, new = CreditGrant.objects.unscoped().get_or_create(
        order=order,
        defaults={
            "organization": order.organization, "reason": product.name, "priority": BOUGHT_PRIORITY, "units": units,
            "amount": paid.minor, "currency": paid.currency, "expires_at": now() + lasts,
        },
    )  # fmt: skip
    if new:
        _tell(made)
    return made


def give(organization: Organization, units: int, reason: str, expires_at: datetime) -> CreditGrant:
    """What staff give for nothing, on the record. Raises `InvalidInputError`."""
    if not 1 <= units <= MOST_GIVEN or expires_at <= now():
        raise InvalidInputError(_("Between 1 and %(most)s calls, until some day to come.") % {"most": MOST_GIVEN})
    with transaction.atomic():
        made = CreditGrant.objects.create(
            organization=organization, reason=reason[:200], priority=GIVEN_PRIORITY, units=units, currency="USD",
            expires_at=expires_at,
        )  # fmt: skip
        record(
            "billing.credits_given",
            target=made,
            data={"calls": units, "reason": made.reason},
            organization_id=organization.pk,
        )
        _tell(made)
    return made


def settle(organization: Organization, period: str, beyond: int) -> int:
    """Take from the grants what the calls of a month beyond the plan need of them. Returns what they gave in all.

    `beyond` may have become less since (a larger plan, a correction): then some comes back.
    """
    with transaction.atomic():
        take_turn(organization.pk)
        settled = credits_used(organization, period)
        if beyond > settled:
            settled += _take(organization, period, beyond - settled)
        elif beyond < settled:
            settled -= _give_back(organization, period, settled - beyond)
        push(organization)
    return settled


def _take(organization: Organization, period: str, wanted: int) -> int:
    taken = 0
    for grant in usable_grants(organization).filter(created_at__lt=period_named(period).end):
        units = min(grant.left, wanted - taken)
        if not units:
            break
        _use(grant, period, units)
        taken += units
    return taken


def _give_back(organization: Organization, period: str, wanted: int) -> int:
    """To the grants that can still be used, the last used first."""
    back = 0
    uses = CreditUse.objects.for_organization(organization).filter(period=period, grant__expired=0)
    found = uses.values("grant").annotate(sum=Sum("units")).filter(sum__gt=0)
    sums = {row["grant"]: row["sum"] for row in found}
    for grant in CreditGrant.objects.for_organization(organization).filter(pk__in=sums).order_by("-priority", "-pk"):
        units = min(sums[grant.pk], wanted - back)
        if units:
            _use(grant, period, -units)
            back += units
            _withdraw_again(grant)
    return back


def _withdraw_again(grant: CreditGrant) -> None:
    """What came back to a grant whose payment went back is nobody's any more."""
    payment = Payment.objects.for_organization(grant.organization_id).filter(order=grant.order_id).first()
    if grant.order is not None and payment is not None and payment.settled:
        withdraw(grant.order, payment.settled, payment.amount)


def _use(grant: CreditGrant, period: str, units: int) -> None:
    before = _sold(grant)
    grant.used += units
    grant.save(update_fields=("used",))
    use = CreditUse.objects.create(grant=grant, organization_id=grant.organization_id, period=period, units=units)
    books.book_credit_use(
        grant.organization, _sold(grant) - before, f"credit_use:{use.pk}:{grant.public_id}", code="credits:used",
        subject=grant.public_id,
    )  # fmt: skip


def give_in_sandbox(organization: Organization, units: int) -> CreditGrant:
    """What is bought in the sandbox: paid by nobody, until the day is over. Raises `InvalidInputError`."""
    with transaction.atomic():
        take_turn(organization.pk)
        rows = CreditGrant.objects.for_organization(organization).filter(expires_at__gt=now())
        grant = rows.first() or CreditGrant(
            organization=organization, reason=str(_("Sandbox")), priority=GIVEN_PRIORITY, units=0, currency="USD",
            expires_at=day_of(now()).end,
        )  # fmt: skip
        if grant.units + units > MOST_IN_SANDBOX:
            raise InvalidInputError(_("The sandbox has at most %(most)s such calls a day.") % {"most": MOST_IN_SANDBOX})
        grant.units += units
        grant.save()
        push(organization)
    return grant


def expire_due() -> int:
    """End what has run out. Returns how many grants that were."""
    due = _over().values_list("pk", "organization_id")[:1_000]
    return sum(alone(_expire, key, organization_id) for key, organization_id in due)


def _over() -> QuerySet[CreditGrant]:
    left = Q(units__gt=F("used") + F("withdrawn") + F("expired"))
    return CreditGrant.objects.unscoped().filter(left, expires_at__lte=now())


@transaction.atomic
def _expire(key: uuid.UUID, organization_id: uuid.UUID) -> bool:
    take_turn(organization_id)
    grant = _over().select_related("organization").filter(pk=key).first()
    if grant is None:
        return False
    before = _sold(grant)
    grant.expired += grant.left
    grant.save(update_fields=("expired",))
    books.book_credit_use(
        grant.organization, _sold(grant) - before, f"credit_expiry:{grant.public_id}:{grant.expired}",
        code="credits:expired", subject=grant.public_id,
    )  # fmt: skip
    push(grant.organization)
    return True


def withdraw(order: Order, part: int, whole: int) -> None:
    """So much of the payment for an order's credits went back: as many calls go, of those that are left.

    Said with less than before (a dispute was won), they come back.
    """
    with transaction.atomic():
        take_turn(order.organization_id)
        grant = CreditGrant.objects.for_organization(order.organization_id).filter(order=order).first()
        if grant is None or not whole:
            return
        target = withdrawn_for(grant, part, whole)
        change = target - grant.withdrawn
        if not change:
            return
        before = _owed(grant)
        grant.withdrawn = target
        grant.save(update_fields=("withdrawn",))
        value = _owed(grant) - before
        grant.organization = order.organization
        books.book_credit_withdrawal(
            order.organization, value if change < 0 else -value, f"credits_withdrawn:{grant.public_id}:{new_hex()}",
            subject=grant.public_id, back=change < 0,
        )  # fmt: skip
        push(order.organization)


def withdrawn_for(grant: CreditGrant, part: int, whole: int) -> int:
    """The calls of a grant that are withdrawn once so much of its payment went back: never those that were used."""
    return min(-(-grant.units * min(part, whole) // whole), grant.withdrawn + grant.left)


def revoke(grant: CreditGrant) -> None:
    """Staff take back what is left of a grant that was given for nothing. Raises `ConflictError` for a bought one."""
    if grant.order_id is not None:
        raise ConflictError(_("These credits were paid for: refund the payment instead."))
    with transaction.atomic():
        take_turn(grant.organization_id)
        fresh = CreditGrant.objects.for_organization(grant.organization_id).get(pk=grant.pk)
        if not fresh.left:
            raise ConflictError(_("Nothing is left of these credits."))
        fresh.withdrawn += fresh.left
        fresh.save(update_fields=("withdrawn",))
        record("billing.credits_revoked", target=fresh, organization_id=fresh.organization_id)
        push(grant.organization)


def _sold(grant: CreditGrant) -> Money:
    """What of a grant's price is a sale: of what was used or ran out."""
    return Money(
        _part(grant, grant.used + grant.expired + grant.withdrawn) - _part(grant, grant.withdrawn), grant.currency
    )


def _owed(grant: CreditGrant) -> Money:
    """What of a grant's price is owed still."""
    return Money(grant.amount - _part(grant, grant.used + grant.expired + grant.withdrawn), grant.currency)


def _part(grant: CreditGrant, units: int) -> int:
    return grant.amount * units // grant.units


def _tell(grant: CreditGrant) -> None:
    emit(
        GRANTED,
        {"grant": grant.public_id, "calls": grant.units},
        organization_id=grant.organization_id,
        realm_id=grant.organization.realm_id,
    )
    push(grant.organization)
