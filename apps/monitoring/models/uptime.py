"""What the probes saw: minute by minute for a while, day by day for good."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _


class Probe(models.Model):
    """How one component of the status page did in one minute (UTC). A minute without a row was down: nobody looked."""

    id = models.BigAutoField(primary_key=True)
    component = models.CharField(_("component"), max_length=40)
    minute = models.DateTimeField(_("minute"))
    up = models.BooleanField(_("up"))
    latency_ms = models.PositiveIntegerField(_("latency"), null=True, blank=True)
    seen = models.CharField(_("seen"), max_length=200, blank=True)

    class Meta:
        verbose_name = _("probe")
        verbose_name_plural = _("probes")
        ordering = ("-minute", "component")
        constraints = (models.UniqueConstraint(fields=("component", "minute"), name="one_probe_a_minute"),)
        indexes = (models.Index(fields=("-minute",), name="probe_by_minute"),)

    def __str__(self) -> str:
        return f"{self.component} {self.minute:%Y-%m-%d %H:%M}"


class UptimeDay(models.Model):
    """A component's whole day (UTC), once it is over: of how many minutes that count it was up."""

    id = models.BigAutoField(primary_key=True)
    component = models.CharField(_("component"), max_length=40)
    day = models.DateField(_("day"))
    expected = models.PositiveSmallIntegerField(_("minutes that count"))
    up = models.PositiveSmallIntegerField(_("minutes up"))
    maintenance = models.PositiveSmallIntegerField(_("minutes of maintenance"), default=0)
    unmeasured = models.PositiveSmallIntegerField(_("minutes down without a measurement"), default=0, db_default=0)
    latency_ms = models.PositiveIntegerField(_("mean latency"), null=True, blank=True)

    class Meta:
        verbose_name = _("uptime of a day")
        verbose_name_plural = _("uptime by day")
        ordering = ("-day", "component")
        constraints = (
            models.UniqueConstraint(fields=("component", "day"), name="one_uptime_a_day"),
            models.CheckConstraint(condition=Q(up__lte=F("expected")), name="up_within_expected"),
        )

    def __str__(self) -> str:
        return f"{self.component} {self.day}"
