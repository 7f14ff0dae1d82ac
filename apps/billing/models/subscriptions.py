"""What is paid again and again, as Stripe said last."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.core.clock import now
from apps.core.ids import Entity
from apps.core.scope import OrganizationManager


class Subscription(Entity):
    """One subscription. `line` is what an organization has one of.

    It grants what its product grants while it is in good standing: paid, on trial, or in the days in which Stripe tries
    a failed payment again. Whose payment was taken back is `suspended`. `end_ordered_at` orders its end at Stripe.
    """

    public_prefix = "sub"

    class Status(models.TextChoices):
        INCOMPLETE = "incomplete", _("Incomplete")
        INCOMPLETE_EXPIRED = "incomplete_expired", _("Never paid")
        TRIALING = "trialing", _("On trial")
        ACTIVE = "active", _("Active")
        PAST_DUE = "past_due", _("Payment failed")
        UNPAID = "unpaid", _("Unpaid")
        PAUSED = "paused", _("Paused")
        CANCELED = "canceled", _("Ended")

    GOOD = (Status.TRIALING, Status.ACTIVE, Status.PAST_DUE)
    OVER = (Status.CANCELED, Status.INCOMPLETE_EXPIRED)

    organization = models.ForeignKey(
        Organization, verbose_name=_("organization"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    stripe_id = models.CharField(_("id at Stripe"), max_length=80, unique=True)
    line = models.CharField(_("line"), max_length=40)
    product = models.CharField(_("product"), max_length=40)
    price = models.CharField(_("price"), max_length=40)
    quantity = models.PositiveIntegerField(_("quantity"), default=1)
    status = models.CharField(_("status"), max_length=20, choices=Status.choices)
    currency = models.CharField(_("currency"), max_length=3)
    payment_method = models.CharField(_("payment method"), max_length=80, blank=True)
    items = models.JSONField(default=dict)  # code of each price: id of its item
    period_start = models.DateTimeField(_("period began"), null=True)
    period_end = models.DateTimeField(_("period ends"), null=True)
    trial_end = models.DateTimeField(_("trial ends"), null=True, blank=True)
    cancel_at = models.DateTimeField(_("ends"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    changed_at = models.DateTimeField(_("changed by the customer"), null=True, blank=True)
    suspended = models.BooleanField(_("suspended"), default=False)
    end_ordered_at = models.DateTimeField(_("end ordered"), null=True, blank=True)
    attempts = models.PositiveIntegerField(default=0)  # these three are of the order to end it
    due_at = models.DateTimeField(default=now)
    last_error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(_("began"), default=now, editable=False)

    objects = OrganizationManager["Subscription"]()

    class Meta:
        verbose_name = _("subscription")
        verbose_name_plural = _("subscriptions")
        indexes = (
            models.Index(fields=("organization", "line", "-created_at"), name="subscription_of_organization"),
            models.Index(fields=("status", "-created_at"), name="subscription_by_status"),
            models.Index(fields=("product", "-created_at"), name="subscription_by_product"),
            models.Index(fields=("-created_at",), name="subscription_by_time"),
            models.Index(
                fields=("end_ordered_at",), condition=Q(end_ordered_at__isnull=False), name="subscription_to_end"
            ),
        )

    def __str__(self) -> str:
        return f"{self.product} ({self.get_status_display()})"

    @property
    def grants(self) -> bool:
        """Whether what it grants is there."""
        return self.status in self.GOOD and not self.suspended and self.end_ordered_at is None

    @property
    def is_paid(self) -> bool:
        """Whether nothing of it waits to be paid: only then it is changed."""
        return self.status in (self.Status.TRIALING, self.Status.ACTIVE)

    @property
    def is_over(self) -> bool:
        """Whether it will not come back."""
        return self.status in self.OVER
