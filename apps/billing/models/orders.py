"""What somebody wants to buy, from the wish to the payment."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization, User
from apps.core.clock import now
from apps.core.ids import Entity
from apps.core.money import Money
from apps.core.scope import OrganizationManager


class Order(Entity):
    """So much at a price of the catalogue. It is paid at a page of Stripe's, which is opened when it is visited.

    The same wish is one order while it is open: who clicks twice comes to the same page.
    """

    public_prefix = "order"

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        PAID = "paid", _("Paid")
        EXPIRED = "expired", _("Expired")
        REVERSED = "reversed", _("Reversed")

    organization = models.ForeignKey(
        Organization, verbose_name=_("organization"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    created_by = models.ForeignKey(
        User, verbose_name=_("by"), null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    price = models.CharField(_("price"), max_length=40)
    quantity = models.PositiveIntegerField(_("quantity"), default=1)
    coupon = models.CharField(_("coupon"), max_length=40, blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.OPEN)
    session_id = models.CharField(_("payment page"), max_length=120, null=True, blank=True, unique=True)
    sessions = models.PositiveSmallIntegerField(_("payment pages opened"), default=0)
    page_until = models.DateTimeField(_("payment page until"), null=True, blank=True)
    payment_intent = models.CharField(_("payment"), max_length=80, blank=True, db_index=True)
    total = models.BigIntegerField(_("total"), default=0)
    tax = models.BigIntegerField(_("tax"), default=0)
    currency = models.CharField(_("currency"), max_length=3)
    created_at = models.DateTimeField(_("created"), default=now, editable=False)
    paid_at = models.DateTimeField(_("paid"), null=True, blank=True)

    objects = OrganizationManager["Order"]()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "price", "quantity", "coupon"), condition=Q(state="open"), name="one_open_order"
            ),
            models.CheckConstraint(condition=Q(quantity__gte=1, quantity__lte=10_000), name="order_quantity_is_sane"),
            models.CheckConstraint(condition=Q(total__gte=0, tax__gte=0), name="order_amounts_are_not_negative"),
        )
        indexes = (
            models.Index(fields=("organization", "-created_at"), name="order_of_organization"),
            models.Index(fields=("state", "-created_at"), name="order_by_state"),
            models.Index(fields=("-created_at",), name="order_by_time"),
        )

    def __str__(self) -> str:
        return f"{self.price} × {self.quantity}"

    @property
    def money(self) -> Money:
        """What was paid."""
        return Money(self.total, self.currency)


class PrivateCoupon(Entity):
    """A coupon of the catalogue that staff give to one organization under a code of its own."""

    public_prefix = "coup"

    organization = models.ForeignKey(
        Organization, verbose_name=_("organization"), on_delete=models.CASCADE, related_name="+"
    )
    code = models.CharField(_("code"), max_length=40, unique=True)
    coupon = models.CharField(_("coupon"), max_length=40)
    expires_at = models.DateTimeField(_("until"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=now, editable=False)

    objects = OrganizationManager["PrivateCoupon"]()

    class Meta:
        verbose_name = _("coupon")
        verbose_name_plural = _("coupons")
        constraints = (models.CheckConstraint(condition=~Q(code=""), name="private_coupon_has_a_code"),)

    def __str__(self) -> str:
        return self.code


class PriceAtStripe(models.Model):
    """Which price at Stripe a price of the catalogue is. An archived one stays: old bills name it."""

    id = models.BigAutoField(primary_key=True)
    code = models.CharField(_("price"), max_length=40)
    stripe_id = models.CharField(_("id at Stripe"), max_length=80, unique=True)
    is_current = models.BooleanField(_("on sale"), default=True)

    class Meta:
        verbose_name = _("price at Stripe")
        verbose_name_plural = _("prices at Stripe")
        constraints = (
            models.UniqueConstraint(fields=("code",), condition=Q(is_current=True), name="one_current_price_at_stripe"),
        )

    def __str__(self) -> str:
        return self.code
