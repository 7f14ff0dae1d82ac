"""What of a month's calls was included, whatever became of the plan since."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.core.clock import now
from apps.core.scope import OrganizationManager


class ApiMonth(models.Model):
    """The calls of a month that an organization's plans included: the most of the plans that it had in it.

    Made when a plan changes (for that month and the one before) and when calls go beyond; a month without one is as the
    present plan says. `counted` is the number of calls that credits were settled with last. `beyond_then` were beyond
    the `included_then` calls of a plan that was left: they stay so, though a larger one would have included them.
    """

    id = models.BigAutoField(primary_key=True)
    organization = models.ForeignKey(
        Organization, verbose_name=_("organization"), on_delete=models.CASCADE, related_name="+", db_index=False
    )
    period = models.CharField(_("month"), max_length=7)
    quota = models.BigIntegerField(_("calls included"), null=True, blank=True)
    soft = models.BooleanField(_("further ones are billed"), default=False)
    counted = models.BigIntegerField(_("calls counted"), default=0)
    beyond_then = models.BigIntegerField(_("calls beyond an earlier plan"), default=0)
    included_then = models.BigIntegerField(_("calls that it included"), default=0)
    created_at = models.DateTimeField(_("created"), default=now, editable=False)

    objects = OrganizationManager["ApiMonth"]()

    class Meta:
        verbose_name = _("API month")
        verbose_name_plural = _("API months")
        constraints = (models.UniqueConstraint(fields=("organization", "period"), name="one_api_month"),)
        indexes = (models.Index(fields=("period",), name="api_month_by_period"),)

    def __str__(self) -> str:
        return self.period

    def beyond(self, calls: int) -> int:
        """So many of the month's calls are not included: by no plan, or by none when they were called."""
        before = min(self.beyond_then, max(calls - self.included_then, 0))  # fewer once staff took some back
        return before if self.quota is None else max(calls - self.quota, before)
