"""Who works with the platform, by day, and who comes back."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Organization
from apps.core.scope import OrganizationManager


class ActiveDay(models.Model):
    """That a live organization did something on a day (UTC): a run, a call of the API."""

    id = models.BigAutoField(primary_key=True)
    day = models.DateField()
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+", db_index=False)

    objects = OrganizationManager["ActiveDay"]()

    class Meta:
        verbose_name = _("active day")
        verbose_name_plural = _("active days")
        constraints = (models.UniqueConstraint(fields=("day", "organization"), name="one_active_day"),)
        indexes = (models.Index(fields=("organization", "day"), name="active_day_of_organization"),)

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d} {self.organization_id}"


class GrowthDay(models.Model):
    """A day (UTC): who signed up, and how many organizations were active on it, in the seven and the thirty days that
    end with it."""

    day = models.DateField(_("day"), unique=True)
    sign_ups = models.PositiveIntegerField(_("sign-ups"))
    new_organizations = models.PositiveIntegerField(_("new organizations"))
    active_day = models.PositiveIntegerField(_("active that day"))
    active_week = models.PositiveIntegerField(_("active in 7 days"))
    active_month = models.PositiveIntegerField(_("active in 30 days"))

    class Meta:
        verbose_name = _("day of growth")
        verbose_name_plural = _("days of growth")
        ordering = ("-day",)

    def __str__(self) -> str:
        return f"{self.day:%Y-%m-%d}"


class RetainedWeek(models.Model):
    """Of the organizations that came in a week, how many were active so many weeks later (0: the week they came in).

    Weeks begin on Monday (UTC).
    """

    cohort = models.DateField(_("came in the week from"))
    week = models.PositiveSmallIntegerField(_("weeks later"))
    size = models.PositiveIntegerField(_("organizations"))
    active = models.PositiveIntegerField(_("active"))

    class Meta:
        verbose_name = _("retained week")
        verbose_name_plural = _("retained weeks")
        ordering = ("-cohort", "week")
        constraints = (
            models.UniqueConstraint(fields=("cohort", "week"), name="one_retained_week"),
            models.CheckConstraint(condition=Q(active__lte=models.F("size")), name="no_more_retained_than_came"),
        )

    def __str__(self) -> str:
        return f"{self.cohort:%Y-%m-%d} +{self.week}"
