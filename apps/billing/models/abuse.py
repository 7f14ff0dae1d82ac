"""Signs that somebody has more than they pay for."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.core.clock import now
from apps.core.ids import Entity
from apps.core.scope import OrganizationManager


class AbuseFlag(Entity):
    """What staff should look at: an organization did something `count` times within the days looked at. A flag forbids
    nothing by itself; once settled, the same sign is not raised again until those days are over."""

    public_prefix = "flag"

    class Sign(models.TextChoices):
        SHORT_PLANS = "short_plans", _("API plans for a few days")
        TRIALS = "trials", _("Trials of one owner's organizations")
        REFUNDS = "refunds", _("Refunds again and again")
        DISPUTES = "disputes", _("Disputes again and again")
        CREDIT = "credit", _("Credit for other bills after a lost dispute")

    organization = models.ForeignKey(
        Organization, verbose_name=_("organization"), on_delete=models.CASCADE, related_name="+", db_index=False
    )
    sign = models.CharField(_("sign"), max_length=12, choices=Sign.choices)
    count = models.PositiveIntegerField(_("times"))
    settled_at = models.DateTimeField(_("settled"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("seen"), default=now, editable=False)

    objects = OrganizationManager["AbuseFlag"]()

    class Meta:
        verbose_name = _("sign of abuse")
        verbose_name_plural = _("signs of abuse")
        constraints = (
            models.UniqueConstraint(
                fields=("organization", "sign"), condition=Q(settled_at__isnull=True), name="one_open_abuse_flag"
            ),
        )
        indexes = (
            models.Index(fields=("organization", "sign", "-settled_at"), name="abuse_flag_of_organization"),
            models.Index(fields=("-created_at",), name="abuse_flag_by_time"),
        )

    def __str__(self) -> str:
        return str(self.get_sign_display())
