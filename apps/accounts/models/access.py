"""Credentials that act for a person: terminals, API tokens, and staff acting as a customer."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.models.organizations import Organization
from apps.core.clock import now
from apps.core.ids import Entity
from apps.core.scope import OrganizationManager


class Environment(models.TextChoices):
    """Where a credential is good: for the organization itself, or for its sandbox twin."""

    LIVE = "live", _("Live")
    TEST = "test", _("Sandbox")


class TokenFamily(Entity):
    """One login of a program: every refresh token that followed from it, of which only the latest is good."""

    public_prefix = "tok"

    class Origin(models.TextChoices):
        DEVICE = "device", _("Terminal")
        SESSION = "session", _("API token")

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="token_families")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="token_families")
    origin = models.CharField(_("origin"), max_length=10, choices=Origin.choices)
    environment = models.CharField(
        _("environment"),
        max_length=4,
        choices=Environment.choices,
        default=Environment.LIVE,
        db_default="live",
        editable=False,
    )
    client_name = models.CharField(_("client"), max_length=80)
    current_hash = models.CharField(max_length=64, editable=False)
    generation = models.PositiveIntegerField(_("generation"), default=1, editable=False)
    ip = models.GenericIPAddressField(_("address"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=now, editable=False)
    last_used_at = models.DateTimeField(_("last used"), default=now)
    expires_at = models.DateTimeField(_("expires"))
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=40, blank=True)

    objects = OrganizationManager["TokenFamily"]()

    class Meta:
        verbose_name = _("token family")
        verbose_name_plural = _("token families")
        indexes = (
            models.Index(fields=("user", "-last_used_at"), name="token_family_of_user"),
            models.Index(fields=("expires_at",), name="token_family_expiry"),
        )

    def __str__(self) -> str:
        return f"{self.client_name} ({self.get_origin_display()})"

    @property
    def is_live(self) -> bool:
        """Whether its tokens are honoured."""
        return self.revoked_at is None and self.expires_at > now()


class DeviceAuthorization(Entity):
    """A terminal that asks to be let in (RFC 8628). Both codes are stored as hashes only."""

    public_prefix = "dev"

    class State(models.TextChoices):
        PENDING = "pending", _("Waiting for approval")
        APPROVED = "approved", _("Approved")
        DENIED = "denied", _("Denied")
        CONSUMED = "consumed", _("Used")

    device_hash = models.CharField(max_length=64, unique=True, editable=False)
    user_code_hash = models.CharField(max_length=64, unique=True, editable=False)
    client_name = models.CharField(_("client"), max_length=80)
    ip = models.GenericIPAddressField(_("address"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PENDING)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, null=True, blank=True)
    interval = models.PositiveSmallIntegerField(_("polling interval, seconds"), default=5)
    last_polled_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(_("asked"), default=now, editable=False)
    expires_at = models.DateTimeField(_("expires"), db_index=True)

    objects = OrganizationManager["DeviceAuthorization"]()

    class Meta:
        verbose_name = _("device authorization")
        verbose_name_plural = _("device authorizations")

    def __str__(self) -> str:
        return self.client_name  # an audit entry keeps this for ever: no state, which changes

    @property
    def is_open(self) -> bool:
        """Whether a person can still decide on it."""
        return self.state == self.State.PENDING and self.expires_at > now()


class Impersonation(Entity):
    """A member of staff acting as a customer: with a reason, for an hour at most, on the record."""

    public_prefix = "imp"

    staff_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="impersonations_made"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="impersonations_suffered")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="impersonations")
    reason = models.CharField(_("reason"), max_length=300)
    started_at = models.DateTimeField(_("started"), default=now)
    ends_at = models.DateTimeField(_("ends at"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    objects = OrganizationManager["Impersonation"]()

    class Meta:
        verbose_name = _("impersonation")
        verbose_name_plural = _("impersonations")
        ordering = ("-started_at",)
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(staff_user=models.F("user")), name="nobody_impersonates_themselves"
            ),
            models.UniqueConstraint(
                fields=("staff_user",), condition=models.Q(ended_at=None), name="one_impersonation_at_a_time"
            ),
        )

    def __str__(self) -> str:
        return f"{self.staff_user_id} as {self.user_id}"

    def is_running(self, at: datetime | None = None) -> bool:
        """Whether it still holds."""
        return self.ended_at is None and self.ends_at > (at or now())
