"""Realms, organizations and who belongs to them."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.clock import now
from apps.core.ids import Entity
from apps.core.scope import OrganizationManager


class Role(models.TextChoices):
    """The built-in roles, from the most to the least powerful."""

    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    DEVELOPER = "developer", _("Developer")
    BILLING = "billing", _("Billing")
    VIEWER = "viewer", _("Viewer")


class Realm(Entity):
    """Whose platform it is: Levqor's own, or that of a white-label tenant."""

    public_prefix = "realm"

    slug = models.SlugField(_("slug"), max_length=63, unique=True)
    name = models.CharField(_("name"), max_length=120)
    is_default = models.BooleanField(_("default"), default=False)
    created_at = models.DateTimeField(_("created"), default=now, editable=False)

    class Meta:
        verbose_name = _("realm")
        verbose_name_plural = _("realms")
        constraints = (
            models.UniqueConstraint(
                fields=("is_default",), condition=models.Q(is_default=True), name="one_default_realm"
            ),
        )

    def __str__(self) -> str:
        return self.name


class Organization(Entity):
    """A customer: everything that is worked with belongs to one.

    A sandbox twin (`livemode` false) is where an organization tries things out: nobody is its member, it counts in no
    business figure, and nothing of it reaches the world.
    """

    public_prefix = "org"

    realm = models.ForeignKey(Realm, verbose_name=_("realm"), on_delete=models.PROTECT, related_name="organizations")
    name = models.CharField(_("name"), max_length=120)
    slug = models.SlugField(_("slug"), max_length=63)
    livemode = models.BooleanField(_("live mode"), default=True)
    twin_of = models.OneToOneField(
        "self",
        verbose_name=_("sandbox of"),
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        editable=False,
        related_name="twin",
    )
    timezone = models.CharField(_("time zone"), max_length=64, default="UTC")
    created_at = models.DateTimeField(_("created"), default=now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("created by"), on_delete=models.SET_NULL, null=True, editable=False
    )

    class Meta:
        verbose_name = _("organization")
        verbose_name_plural = _("organizations")
        constraints = (
            models.UniqueConstraint(fields=("realm", "slug"), name="organization_slug_once_per_realm"),
            models.CheckConstraint(
                condition=models.Q(twin_of=None) | models.Q(livemode=False), name="twins_are_not_live"
            ),
        )

    def __str__(self) -> str:
        return self.name if self.livemode else str(_("%(name)s (sandbox)")) % {"name": self.name}

    @property
    def organization(self) -> "Organization":
        """Itself: permission checks take anything that has an organization."""
        return self

    @property
    def organization_id(self) -> uuid.UUID:
        """Its own key, under the name that every organization-owned row uses."""
        return self.pk


class Membership(Entity):
    """One person's place in one organization."""

    public_prefix = "mem"

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(_("role"), max_length=16, choices=Role.choices)
    created_at = models.DateTimeField(_("joined"), default=now, editable=False)

    objects = OrganizationManager["Membership"]()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = (
            models.UniqueConstraint(fields=("organization", "user"), name="one_membership_per_user"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_is_known"),
        )

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}"


class Invitation(Entity):
    """An offer of membership to an e-mail address. The link's token is stored as a hash only."""

    public_prefix = "inv"

    class State(models.TextChoices):
        PENDING = "pending", _("Pending")
        ACCEPTED = "accepted", _("Accepted")
        REVOKED = "revoked", _("Revoked")

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(_("e-mail address"), max_length=254)
    role = models.CharField(_("role"), max_length=16, choices=Role.choices)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.PENDING)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="invitations_sent"
    )
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="invitations_accepted"
    )
    created_at = models.DateTimeField(_("sent"), default=now, editable=False)
    expires_at = models.DateTimeField(_("expires"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)

    objects = OrganizationManager["Invitation"]()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "email"),
                condition=models.Q(state="pending"),
                name="one_pending_invitation_per_address",
            ),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="invitation_role_is_known"),
        )
        indexes = (models.Index(fields=("organization", "-created_at"), name="invitation_by_day"),)

    def __str__(self) -> str:
        return f"{self.email} ({self.state})"

    @property
    def is_open(self) -> bool:
        """Whether it can still be accepted."""
        return self.state == self.State.PENDING and self.expires_at > now()
