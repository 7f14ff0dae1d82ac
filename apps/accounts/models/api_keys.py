"""API keys: what a program shows to act for an organization. Only a digest of the secret is kept."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.models.access import Environment
from apps.accounts.models.organizations import Organization
from apps.core.clock import now
from apps.core.ids import Entity
from apps.core.scope import OrganizationManager

ENDINGS = {
    "rotated": _("Replaced"),
    "expired": _("Expired"),
    "leaked": _("Leaked"),
    "membership_ended": _("Its maker left"),
    "revoked_by_staff": _("Revoked by staff"),
}


class ApiKey(Entity):
    """One secret of an organization for an environment.

    A rotated key stays good until `overlap_until`; its successor's `replaces` names it. What a key may do is what its
    maker's role still allows, within its scopes.
    """

    public_prefix = "key"

    Environment = Environment

    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        ROTATING = "rotating", _("Being replaced")
        REVOKED = "revoked", _("Revoked")

    class Origin(models.TextChoices):
        NEW = "new", _("Created")
        ROTATION = "rotation", _("Rotated")
        LEAK = "leak", _("Replaces a leaked key")

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="api_keys")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("created by"),
        on_delete=models.CASCADE,
        related_name="api_keys",
    )
    name = models.CharField(_("name"), max_length=120)
    environment = models.CharField(_("environment"), max_length=4, choices=Environment.choices)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.ACTIVE)
    origin = models.CharField(_("origin"), max_length=8, choices=Origin.choices, default=Origin.NEW)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    last_four = models.CharField(_("last four characters"), max_length=4, editable=False)
    scopes = models.JSONField(_("scopes"), default=list)
    networks = models.JSONField(_("allowed networks"), default=list, blank=True)
    replaces = models.OneToOneField(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="successor", editable=False
    )
    created_at = models.DateTimeField(_("created"), default=now, editable=False)
    created_on = models.DateField(editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    overlap_until = models.DateTimeField(_("good until"), null=True, blank=True)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=40, blank=True)

    objects = OrganizationManager["ApiKey"]()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "environment"),
                condition=models.Q(state="active"),
                name="one_active_key_per_environment",
            ),
            models.UniqueConstraint(
                fields=("organization", "environment", "created_on"),
                condition=models.Q(origin="new"),
                name="one_new_key_a_day",
            ),
        )
        indexes = (models.Index(fields=("organization", "-created_at"), name="api_key_by_day"),)

    def __str__(self) -> str:
        return f"{self.name} ({self.shown})"

    @property
    def shown(self) -> str:
        """The key as it is told apart later: prefix and last four characters."""
        return f"lvq_{self.environment}_…{self.last_four}"

    @property
    def ending(self) -> str:
        """Why it ended, in words, also where it ended by itself and nobody has marked it yet."""
        if self.state == self.State.REVOKED or self.is_live:
            return str(ENDINGS.get(self.reason, self.get_state_display()))
        return str(ENDINGS["rotated" if self.good_until == self.overlap_until else "expired"])

    @property
    def good_until(self) -> datetime | None:
        """When it ends by itself: its expiry or the end of its overlap, whichever is first. None for never."""
        ends = [moment for moment in (self.expires_at, self.overlap_until) if moment is not None]
        return min(ends) if ends else None

    @property
    def is_live(self) -> bool:
        """Whether it still lets anybody in."""
        end = self.good_until
        return self.state != self.State.REVOKED and (end is None or end > now())
