"""What was reported to Stripe's meters, and what a comparison with Stripe found."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.billing.models.subscriptions import Subscription
from apps.core.clock import now
from apps.core.ids import Entity
from apps.core.scope import OrganizationManager


class OverageReport(Entity):
    """So many calls beyond the plan, for Stripe's meter: once, under this row's id, whatever is killed meanwhile."""

    public_prefix = "ovr"

    class State(models.TextChoices):
        TO_SEND = "to_send", _("To be reported")
        SENT = "sent", _("Reported")
        TO_TAKE_BACK = "to_take_back", _("To be taken back")
        TAKEN_BACK = "taken_back", _("Taken back")
        REFUSED = "refused", _("Refused")

    STANDING = (State.TO_SEND, State.SENT)
    WAITING = (State.TO_SEND, State.TO_TAKE_BACK)

    organization = models.ForeignKey(
        Organization, verbose_name=_("organization"), on_delete=models.PROTECT, related_name="+", db_index=False
    )
    subscription = models.ForeignKey(
        Subscription, verbose_name=_("subscription"), on_delete=models.PROTECT, related_name="+"
    )
    period = models.CharField(_("month"), max_length=7)
    meter = models.CharField(_("meter"), max_length=40)
    value = models.PositiveBigIntegerField(_("calls"))
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.TO_SEND)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    due_at = models.DateTimeField(default=now)
    last_error = models.CharField(_("last error"), max_length=300, blank=True)
    counted_at = models.DateTimeField(_("counted"), default=now, editable=False)
    done_at = models.DateTimeField(_("reported"), null=True, blank=True)

    objects = OrganizationManager["OverageReport"]()

    class Meta:
        verbose_name = _("overage report")
        verbose_name_plural = _("overage reports")
        constraints = (models.CheckConstraint(condition=Q(value__gt=0), name="overage_report_says_something"),)
        indexes = (
            models.Index(fields=("organization", "period"), name="overage_report_of_period"),
            models.Index(
                fields=("due_at",), condition=Q(state__in=("to_send", "to_take_back")), name="overage_report_due"
            ),
            models.Index(fields=("state", "-counted_at"), name="overage_report_by_state"),
            models.Index(fields=("-counted_at",), name="overage_report_by_time"),
        )

    def __str__(self) -> str:
        return f"{self.period}: {self.value}"


class Reconciliation(Entity):
    """One comparison of our books with Stripe's."""

    public_prefix = "rec"

    begin = models.DateTimeField(_("from"))
    end = models.DateTimeField(_("until"))
    compared = models.JSONField(_("compared"), default=dict)  # kind: how many
    differences = models.PositiveIntegerField(_("differences"), default=0)
    created_at = models.DateTimeField(_("at"), default=now, editable=False)

    class Meta:
        verbose_name = _("reconciliation")
        verbose_name_plural = _("reconciliations")
        indexes = (models.Index(fields=("-created_at",), name="reconciliation_by_time"),)

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M}"


class Difference(models.Model):
    """What did not agree: what it is about, what we have, what they have."""

    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.CASCADE, related_name="lines")
    kind = models.CharField(_("what"), max_length=40)
    subject = models.CharField(_("about"), max_length=120)
    ours = models.CharField(_("here"), max_length=200)
    theirs = models.CharField(_("at Stripe"), max_length=200)
    organization_id = models.UUIDField(_("organization"), null=True, blank=True)

    class Meta:
        verbose_name = _("difference")
        verbose_name_plural = _("differences")
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}: {self.ours} / {self.theirs}"
