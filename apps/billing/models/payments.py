"""Bills, what was paid, and what went back."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization, User
from apps.billing.models.orders import Order
from apps.billing.models.subscriptions import Subscription
from apps.core.clock import now
from apps.core.ids import Entity
from apps.core.money import Money
from apps.core.scope import OrganizationManager


class Invoice(Entity):
    """A bill of Stripe's as it was seen last."""

    public_prefix = "inv"

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        OPEN = "open", _("Open")
        PAID = "paid", _("Paid")
        UNCOLLECTIBLE = "uncollectible", _("Uncollectible")
        VOID = "void", _("Void")

    DUE = (Status.OPEN, Status.PAID, Status.UNCOLLECTIBLE)

    organization = models.ForeignKey(
        Organization, verbose_name=_("organization"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    subscription = models.ForeignKey(
        Subscription, verbose_name=_("subscription"), null=True, on_delete=models.PROTECT, related_name="invoices"
    )
    order = models.ForeignKey(Order, verbose_name=_("order"), null=True, on_delete=models.PROTECT, related_name="+")
    stripe_id = models.CharField(_("id at Stripe"), max_length=80, unique=True)
    number = models.CharField(_("number"), max_length=60, blank=True, db_index=True)
    reason = models.CharField(_("reason"), max_length=40, blank=True)  # Stripe's: subscription_cycle and others
    status = models.CharField(_("status"), max_length=14, choices=Status.choices)
    currency = models.CharField(_("currency"), max_length=3)
    total = models.BigIntegerField(_("total"))
    tax = models.BigIntegerField(_("tax"), default=0)
    remaining = models.BigIntegerField(_("still to pay"), default=0)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    next_attempt = models.DateTimeField(_("next attempt"), null=True, blank=True)
    payment_intent = models.CharField(_("payment"), max_length=80, blank=True, db_index=True)
    page = models.URLField(_("page"), max_length=500, blank=True)
    pdf = models.URLField(_("PDF"), max_length=500, blank=True)
    period_start = models.DateTimeField(_("from"))
    period_end = models.DateTimeField(_("until"))
    created_at = models.DateTimeField(_("created"))

    objects = OrganizationManager["Invoice"]()

    class Meta:
        verbose_name = _("invoice")
        verbose_name_plural = _("invoices")
        indexes = (
            models.Index(fields=("organization", "-created_at"), name="invoice_of_organization"),
            models.Index(fields=("status", "-created_at"), name="invoice_by_status"),
            models.Index(fields=("-created_at",), name="invoice_by_time"),
        )

    def __str__(self) -> str:
        return self.number or self.stripe_id

    @property
    def money(self) -> Money:
        """The total."""
        return Money(self.total, self.currency)


class InvoiceLine(models.Model):
    """One line of a bill. What is billed by usage leads down to the events that it counts."""

    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines")
    stripe_id = models.CharField(max_length=80)
    description = models.CharField(_("description"), max_length=300)
    price = models.CharField(_("price"), max_length=40, blank=True)
    quantity = models.BigIntegerField(_("quantity"))
    amount = models.BigIntegerField(_("amount"))
    is_proration = models.BooleanField(_("in proportion"), default=False)
    period_start = models.DateTimeField(_("from"))
    period_end = models.DateTimeField(_("until"))

    class Meta:
        verbose_name = _("invoice line")
        verbose_name_plural = _("invoice lines")
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=("invoice", "stripe_id"), name="invoice_line_once"),)

    def __str__(self) -> str:
        return self.description


class Payment(Entity):
    """Money that arrived for an order or an invoice, and how much of it went back since."""

    public_prefix = "pay"

    organization = models.ForeignKey(
        Organization, verbose_name=_("organization"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    order = models.ForeignKey(Order, verbose_name=_("order"), null=True, on_delete=models.PROTECT, related_name="+")
    invoice = models.ForeignKey(
        Invoice, verbose_name=_("invoice"), null=True, on_delete=models.PROTECT, related_name="payments"
    )
    stripe_id = models.CharField(_("id at Stripe"), max_length=80, unique=True)
    charge = models.CharField(_("charge"), max_length=80, blank=True, db_index=True)
    amount = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    fee = models.BigIntegerField(_("fee"), default=0)
    refunded = models.BigIntegerField(_("refunded"), default=0)
    disputed = models.BigIntegerField(_("disputed"), default=0)
    receipt = models.URLField(_("receipt"), max_length=500, blank=True)
    announced = models.BooleanField(default=False)  # with what it was for
    settled = models.BigIntegerField(default=0)  # so much of what went back was followed by what hung on it
    paid_at = models.DateTimeField(_("paid"))

    objects = OrganizationManager["Payment"]()

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        constraints = (
            models.CheckConstraint(
                condition=Q(amount__gte=0, refunded__gte=0, disputed__gte=0), name="payment_amounts_are_not_negative"
            ),
            models.CheckConstraint(condition=Q(refunded__lte=F("amount")), name="payment_gives_back_what_it_took"),
        )
        indexes = (
            models.Index(fields=("organization", "-paid_at"), name="payment_of_organization"),
            models.Index(fields=("-paid_at",), name="payment_by_time"),
        )
        permissions = (("refund_payment", "Can refund payments"),)

    def __str__(self) -> str:
        return str(self.money)

    @property
    def money(self) -> Money:
        """What arrived."""
        return Money(self.amount, self.currency)

    @property
    def is_reversed(self) -> bool:
        """Whether nothing is left of it."""
        return self.gone >= self.amount

    @property
    def gone(self) -> int:
        """What went back, by refunds and disputes; never more than it was."""
        return min(self.refunded + self.disputed, self.amount)


class Refund(Entity):
    """Money that goes back: ordered here, by Stripe's own pages, or by a bank."""

    public_prefix = "rfd"

    class State(models.TextChoices):
        ORDERED = "ordered", _("Ordered")
        PENDING = "pending", _("On its way")
        SUCCEEDED = "succeeded", _("Refunded")
        FAILED = "failed", _("Failed")
        REFUSED = "refused", _("Refused")

    COUNTED = (State.ORDERED, State.PENDING, State.SUCCEEDED)

    class Reason(models.TextChoices):
        """In Stripe's words."""

        REQUESTED = "requested_by_customer", _("The customer asked for it")
        DUPLICATE = "duplicate", _("Paid twice")
        FRAUDULENT = "fraudulent", _("Fraud")

    payment = models.ForeignKey(Payment, verbose_name=_("payment"), on_delete=models.PROTECT, related_name="refunds")
    stripe_id = models.CharField(_("id at Stripe"), max_length=80, null=True, blank=True, unique=True)
    amount = models.BigIntegerField(_("amount"))
    tax = models.BigIntegerField(_("tax"), null=True, blank=True)  # of it; not known before it is booked
    reason = models.CharField(_("reason"), max_length=40, choices=Reason.choices, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(default=now)
    last_error = models.CharField(_("last error"), max_length=300, blank=True)
    ordered_by = models.ForeignKey(
        User, verbose_name=_("ordered by"), null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(_("created"), default=now, editable=False)

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        constraints = (models.CheckConstraint(condition=Q(amount__gt=0), name="refund_gives_something_back"),)
        indexes = (
            models.Index(fields=("due_at",), condition=Q(state="ordered"), name="refund_due"),
            models.Index(fields=("state", "-created_at"), name="refund_by_state"),
            models.Index(fields=("-created_at",), name="refund_by_time"),
        )

    def __str__(self) -> str:
        return str(self.money)

    @property
    def money(self) -> Money:
        """What goes back."""
        return Money(self.amount, self.payment.currency)


class Dispute(Entity):
    """A payment that the payer's bank takes back."""

    public_prefix = "dsp"

    UNDECIDED = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")  # Stripe's words
    GIVEN_BACK = ("won", "prevented")
    HOLDS_MONEY = ~(Q(status__startswith="warning") | Q(status__in=GIVEN_BACK))  # as `holds_money`, for the database

    payment = models.ForeignKey(Payment, verbose_name=_("payment"), on_delete=models.PROTECT, related_name="disputes")
    stripe_id = models.CharField(_("id at Stripe"), max_length=80, unique=True)
    amount = models.BigIntegerField(_("amount"))
    status = models.CharField(_("status"), max_length=40)
    reason = models.CharField(_("reason"), max_length=60, blank=True)
    fee = models.BigIntegerField(_("fee"), default=0)
    due_by = models.DateTimeField(_("answer by"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"))

    class Meta:
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        constraints = (models.CheckConstraint(condition=Q(amount__gt=0), name="dispute_is_about_something"),)
        indexes = (
            models.Index(fields=("status", "-created_at"), name="dispute_by_status"),
            models.Index(fields=("-created_at",), name="dispute_by_time"),
        )

    def __str__(self) -> str:
        return f"{self.money} {self.status}"

    @property
    def money(self) -> Money:
        """What it is about."""
        return Money(self.amount, self.payment.currency)

    @property
    def holds_money(self) -> bool:
        """Whether the bank has the money now."""
        return not self.status.startswith("warning") and self.status not in self.GIVEN_BACK
