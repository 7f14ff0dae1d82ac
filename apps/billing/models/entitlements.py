"""What an organization has, and by what: entitlements and credits."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.billing.models.orders import Order
from apps.core.clock import now
from apps.core.ids import Entity
from apps.core.money import Money
from apps.core.scope import OrganizationManager


class Entitlement(models.Model):
    """That a source gives an organization a feature: for ever, or until `ends_at`.

    `source` is the public id of the subscription or order. What several sources give is combined when it is asked for.
    """

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(
        Organization, verbose_name=_("organization"), on_delete=models.CASCADE, related_name="+", db_index=False
    )
    feature = models.CharField(_("feature"), max_length=60)
    value = models.JSONField(_("value"))
    source = models.CharField(_("by"), max_length=60)
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    created_at = models.DateTimeField(_("since"), default=now, editable=False)

    objects = OrganizationManager["Entitlement"]()

    class Meta:
        verbose_name = _("entitlement")
        verbose_name_plural = _("entitlements")
        constraints = (
            models.UniqueConstraint(fields=("organization", "feature", "source"), name="entitlement_once_by_source"),
        )

    def __str__(self) -> str:
        return f"{self.feature}: {self.value}"


class CreditGrant(Entity):
    """Calls that were paid for, or given, in advance. Those of the lowest `priority` number are used first, then those
    that expire first.

    `amount` is what was paid for them: it becomes a sale as they are used. Of `withdrawn` ones the payment went back.
    """

    public_prefix = "grant"

    organization = models.ForeignKey(
        Organization, verbose_name=_("organization"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    order = models.OneToOneField(
        Order, verbose_name=_("order"), null=True, blank=True, on_delete=models.PROTECT, related_name="grant"
    )
    reason = models.CharField(_("reason"), max_length=200)
    priority = models.PositiveSmallIntegerField(_("priority"), default=50)
    units = models.PositiveBigIntegerField(_("calls"))
    used = models.PositiveBigIntegerField(_("used"), default=0)
    withdrawn = models.PositiveBigIntegerField(_("withdrawn"), default=0)
    expired = models.PositiveBigIntegerField(_("expired"), default=0)
    amount = models.BigIntegerField(_("paid"), default=0)
    currency = models.CharField(_("currency"), max_length=3)
    expires_at = models.DateTimeField(_("expires"))
    created_at = models.DateTimeField(_("created"), default=now, editable=False)

    objects = OrganizationManager["CreditGrant"]()

    class Meta:
        verbose_name = _("credit grant")
        verbose_name_plural = _("credit grants")
        constraints = (
            models.CheckConstraint(condition=Q(units__gt=0, amount__gte=0), name="credit_grant_grants_something"),
            models.CheckConstraint(
                condition=Q(units__gte=F("used") + F("withdrawn") + F("expired")), name="credit_grant_is_not_overdrawn"
            ),
        )
        indexes = (
            models.Index(fields=("organization", "expires_at"), name="credit_grant_of_organization"),
            models.Index(
                fields=("expires_at",),
                condition=Q(units__gt=F("used") + F("withdrawn") + F("expired")),
                name="credit_grant_to_expire",
            ),
            models.Index(fields=("-created_at",), name="credit_grant_by_time"),
        )

    def __str__(self) -> str:
        return f"{self.units} ({self.reason})"

    @property
    def left(self) -> int:
        """The calls that are left."""
        return self.units - self.used - self.withdrawn - self.expired

    @property
    def money(self) -> Money:
        """What was paid for it."""
        return Money(self.amount, self.currency)


class CreditUse(models.Model):
    """That so many calls of a month were taken from a grant. Never changed; fewer come back by a negative one."""

    id = models.BigAutoField(primary_key=True)
    grant = models.ForeignKey(CreditGrant, verbose_name=_("grant"), on_delete=models.PROTECT, related_name="uses")
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    period = models.CharField(_("month"), max_length=7)
    units = models.BigIntegerField(_("calls"))
    created_at = models.DateTimeField(_("at"), default=now, editable=False)

    objects = OrganizationManager["CreditUse"]()

    class Meta:
        verbose_name = _("use of credits")
        verbose_name_plural = _("uses of credits")
        constraints = (models.CheckConstraint(condition=~Q(units=0), name="credit_use_uses_something"),)
        indexes = (models.Index(fields=("organization", "period"), name="credit_use_of_period"),)

    def __str__(self) -> str:
        return f"{self.period}: {self.units}"
