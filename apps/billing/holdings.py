"""What an organization has, as its billing page shows it: subscriptions in words, and how much of what is used."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from apps.billing import words
from apps.billing.ahead import Charge, next_bill
from apps.billing.catalogue import Product, catalogue
from apps.billing.models import Subscription
from apps.core import entitlements
from apps.core.kinds import Feature
from apps.core.money import Money
from apps.core.registry import registry
from apps.usage.plans import API_PLAN, SANDBOX

Status = Subscription.Status


@dataclass(frozen=True)
class Held:
    """A subscription: `state` and `tone` for its badge, `when` and the moment that it names, and its next bill."""

    row: Subscription
    product: Product
    state: str
    tone: str
    when: str
    moment: datetime | None
    next: Charge | None
    usage: Money | None

    @property
    def cost(self) -> Money:
        """What it costs each month, before discounts, tax and usage."""
        return catalogue().price(self.row.price).cost(self.row.quantity)

    @property
    def per(self) -> str:
        """What the price of one is for."""
        return words.per(self.product)

    @property
    def may_change(self) -> bool:
        """Whether it can be changed: one that goes on, and that is paid."""
        return self.row.grants and self.row.is_paid

    @property
    def may_end(self) -> bool:
        """Whether it can be ended."""
        return self.row.cancel_at is None and self.row.end_ordered_at is None

    @property
    def may_resume(self) -> bool:
        """Whether its end can be taken back."""
        return self.row.cancel_at is not None and self.row.end_ordered_at is None

    @property
    def needs_payment(self) -> bool:
        """Whether its last bill waits for another payment method."""
        return self.row.status in (Status.PAST_DUE, Status.UNPAID, Status.INCOMPLETE)

    @property
    def afterwards(self) -> str:
        """What there is once it has ended."""
        if API_PLAN in self.product.grants:
            words_ = _("Then %(calls)s are included, and further ones are refused.")
            return words_ % {"calls": words.calls_words(SANDBOX.calls)}
        return _("Then what it includes is gone. What you made stays.")


def held(row: Subscription, *, usage: Money | None = None) -> Held:
    """A live subscription in words; `usage` is what the calls beyond a plan of the API cost so far."""
    state, tone, when, moment = _state(row)
    product = catalogue().product(row.product)
    usage = usage if product.overage and usage and usage.minor else None
    return Held(row, product, state, tone, when, moment, next_bill(row, usage), usage)


def _state(row: Subscription) -> tuple[str, str, str, datetime | None]:
    if row.end_ordered_at is not None:
        return _("Ending"), "idle", "", None
    if row.suspended:
        return _("Suspended"), "bad", _("Its payment was taken back."), None
    if row.status in (Status.PAST_DUE, Status.UNPAID, Status.INCOMPLETE):
        return row.get_status_display(), "bad", "", None
    if row.cancel_at is not None:
        return _("Ends"), "wait", _("Ends on"), row.cancel_at
    if row.status == Status.TRIALING:
        return row.get_status_display(), "go", _("Trial until"), row.trial_end
    if row.status == Status.ACTIVE:
        return row.get_status_display(), "ok", _("Renews on"), row.period_end
    return row.get_status_display(), "idle", "", None


@dataclass(frozen=True)
class Counted:
    """A feature that is a number, and how much of it is taken."""

    label: str
    used: int
    most: int

    @property
    def meter(self) -> int:
        """How full its meter is; never beyond its end."""
        return min(self.used, self.most)


def counted_features(organization_id: uuid.UUID) -> list[Counted]:
    """What there is a number of, from every app: members, workflows."""
    return [
        Counted(str(one.label), one.used(organization_id), entitlements.most(organization_id, one.code))
        for one in registry(Feature).all()
        if one.used is not None
    ]
