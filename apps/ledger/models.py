"""Accounts, transfers between them, and how those that were pending ended."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.core.clock import now
from apps.core.ids import Entity
from apps.core.money import Money
from apps.core.scope import OrganizationManager


class Side(models.TextChoices):
    """The two sides of a transfer."""

    DEBIT = "debit", _("debit")
    CREDIT = "credit", _("credit")


class Account(Entity):
    """Where money is, or whom it is owed to. `grows_by` is the side that adds to it: debit for what we have and spend,
    credit for what we owe and earn.

    The sums are kept here so that balances need no adding up; they derive from the transfers
    (`selectors.differences`). Pending transfers hold back what they would take, and give nothing yet.
    """

    public_prefix = "acct"

    key = models.CharField(_("key"), max_length=120, unique=True)  # such as "stripe:USD" or "payee:org_…:USD"
    organization = models.ForeignKey(
        Organization, verbose_name=_("organization"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    currency = models.CharField(_("currency"), max_length=3)
    grows_by = models.CharField(_("grows by"), max_length=6, choices=Side.choices)
    may_be_overdrawn = models.BooleanField(_("may be overdrawn"), default=False)
    debits_posted = models.BigIntegerField(_("debits"), default=0)
    credits_posted = models.BigIntegerField(_("credits"), default=0)
    debits_pending = models.BigIntegerField(_("pending debits"), default=0)
    credits_pending = models.BigIntegerField(_("pending credits"), default=0)
    created_at = models.DateTimeField(_("created"), default=now, editable=False)

    objects = OrganizationManager["Account"]()

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = (
            models.CheckConstraint(condition=Q(grows_by__in=Side.values), name="ledger_account_grows_by_a_side"),
            models.CheckConstraint(
                condition=Q(debits_posted__gte=0, credits_posted__gte=0, debits_pending__gte=0, credits_pending__gte=0),
                name="ledger_account_sums_are_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(may_be_overdrawn=True)
                | Q(grows_by=Side.CREDIT, credits_posted__gte=F("debits_posted") + F("debits_pending"))
                | Q(grows_by=Side.DEBIT, debits_posted__gte=F("credits_posted") + F("credits_pending")),
                name="ledger_account_is_not_overdrawn",
            ),
        )

    def __str__(self) -> str:
        return self.key

    @property
    def balance(self) -> Money:
        """What was posted: what grows it less what lessens it."""
        minor = self.credits_posted - self.debits_posted
        return Money(minor if self.grows_by == Side.CREDIT else -minor, self.currency)

    @property
    def available(self) -> Money:
        """The balance less what pending transfers would take."""
        held = self.debits_pending if self.grows_by == Side.CREDIT else self.credits_pending
        return self.balance - Money(held, self.currency)


class Transfer(Entity):
    """So much from one account's credit to another's debit: never changed, nor deleted.

    `code` says what for, `subject` what it belongs to (a payment's id, say): all that hung on it is found by that.
    What is pending ends by its `Resolution`.
    """

    public_prefix = "tr"

    debit = models.ForeignKey(Account, verbose_name=_("debit"), on_delete=models.PROTECT, related_name="+")
    credit = models.ForeignKey(Account, verbose_name=_("credit"), on_delete=models.PROTECT, related_name="+")
    amount = models.BigIntegerField(_("amount"))  # minor units
    currency = models.CharField(_("currency"), max_length=3)
    code = models.CharField(_("code"), max_length=60)
    subject = models.CharField(_("belongs to"), max_length=120, blank=True)
    idempotency_key = models.CharField(_("idempotency key"), max_length=160, unique=True)
    is_pending = models.BooleanField(_("was pending at first"), default=False)
    created_at = models.DateTimeField(_("created"), default=now, editable=False)

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        constraints = (
            models.CheckConstraint(condition=Q(amount__gt=0), name="ledger_transfer_moves_something"),
            models.CheckConstraint(condition=~Q(debit=F("credit")), name="ledger_transfer_has_two_accounts"),
            models.CheckConstraint(condition=~Q(idempotency_key=""), name="ledger_transfer_has_a_key"),
        )
        indexes = (
            models.Index(fields=("debit", "created_at"), name="ledger_transfer_by_debit"),
            models.Index(fields=("credit", "created_at"), name="ledger_transfer_by_credit"),
            models.Index(fields=("created_at",), name="ledger_transfer_by_time"),
            models.Index(fields=("subject",), condition=~Q(subject=""), name="ledger_transfer_by_subject"),
        )

    def __str__(self) -> str:
        return f"{self.code} {self.money}"

    @property
    def money(self) -> Money:
        """The amount."""
        return Money(self.amount, self.currency)


class Resolution(models.Model):
    """How a pending transfer ended: once, and never otherwise."""

    class Outcome(models.TextChoices):
        """Taken for good, or given back."""

        POSTED = "posted", _("posted")
        VOIDED = "voided", _("voided")

    transfer = models.OneToOneField(
        Transfer, primary_key=True, verbose_name=_("transfer"), on_delete=models.PROTECT, related_name="resolution"
    )
    outcome = models.CharField(_("outcome"), max_length=6, choices=Outcome.choices)
    created_at = models.DateTimeField(_("at"), default=now, editable=False)

    class Meta:
        verbose_name = _("resolution")
        verbose_name_plural = _("resolutions")
        constraints = (
            models.CheckConstraint(
                condition=Q(outcome__in=("posted", "voided")), name="ledger_resolution_is_posted_or_voided"
            ),
        )
        indexes = (models.Index(fields=("created_at",), name="ledger_resolution_by_time"),)

    def __str__(self) -> str:
        return self.get_outcome_display()
