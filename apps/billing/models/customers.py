"""Who pays: an organization as a customer at Stripe."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.core.clock import now
from apps.core.ids import Entity
from apps.core.money import Money
from apps.core.scope import OrganizationManager


class Customer(Entity):
    """What an organization is to Stripe, and how much it wants to spend beyond its plan.

    Of its payment method there is only what a page shows: brand and last digits. A customer that is held buys nothing
    until staff let go.
    """

    public_prefix = "cust"

    organization = models.OneToOneField(
        Organization, verbose_name=_("organization"), on_delete=models.PROTECT, related_name="+"
    )
    stripe_id = models.CharField(_("id at Stripe"), max_length=80, null=True, blank=True, unique=True)
    currency = models.CharField(_("currency"), max_length=3, blank=True)
    payment_method = models.CharField(_("payment method"), max_length=80, blank=True)
    tax_ids = models.CharField(_("tax ids"), max_length=200, blank=True)
    credit = models.PositiveBigIntegerField(_("credit for coming bills"), default=0)  # minor units
    spend_cap = models.PositiveBigIntegerField(_("most overage a month"), null=True, blank=True)  # minor units
    held_because = models.CharField(_("held because"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created"), default=now, editable=False)

    objects = OrganizationManager["Customer"]()

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        indexes = (
            models.Index(fields=("-created_at",), name="customer_by_time"),
            models.Index(fields=("-created_at",), condition=~Q(held_because=""), name="customer_held"),
        )

    def __str__(self) -> str:
        return self.organization.name

    @property
    def cap(self) -> Money | None:
        """The spend cap, where there is one."""
        return None if self.spend_cap is None else Money(self.spend_cap, self.currency or "USD")
