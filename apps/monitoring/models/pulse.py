"""The figures of the business, once a week."""

from decimal import Decimal

from django.db import models
from django.db.models import F, Q
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from apps.core.clock import now
from apps.core.ids import Entity


class PulseReport(Entity):
    """A week of the business: the seven days that end on Friday, 14:00 in London."""

    public_prefix = "pulse"

    start = models.DateTimeField(_("from"))
    end = models.DateTimeField(_("until"), unique=True)
    made_at = models.DateTimeField(_("made"), default=now)

    class Meta:
        verbose_name = _("weekly pulse")
        verbose_name_plural = _("weekly pulses")
        ordering = ("-end",)
        constraints = (models.CheckConstraint(condition=Q(start__lt=F("end")), name="pulse_begins_before_it_ends"),)

    def __str__(self) -> str:
        return f"{self.end.isocalendar().year}-W{self.end.isocalendar().week:02d}"

    @property
    def dates(self) -> str:
        """Its days in words: it goes from Friday to Friday, which the number of a calendar's week does not tell."""
        return f"{date_format(self.start, 'j M')} – {date_format(self.end, 'j M Y')}"


class PulseValue(models.Model):
    """One metric of a week. A metric whose app was not there yet has no row: that is not the same as nought.

    Money is in cents. Unit and words are kept as they were, so that a week stays readable when its app is gone.
    """

    class Unit(models.TextChoices):
        COUNT = "count", _("count")
        MONEY = "money", _("money")
        PERCENT = "percent", _("percent")

    report = models.ForeignKey(PulseReport, verbose_name=_("week"), on_delete=models.CASCADE, related_name="values")
    metric = models.CharField(_("metric"), max_length=80)
    label = models.CharField(_("label"), max_length=120)
    product = models.CharField(_("product"), max_length=80)
    unit = models.CharField(_("unit"), max_length=8, choices=Unit.choices)
    value = models.DecimalField(_("value"), max_digits=20, decimal_places=4, default=Decimal(0))

    class Meta:
        verbose_name = _("figure of a week")
        verbose_name_plural = _("figures of a week")
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=("report", "metric"), name="one_pulse_value_per_metric"),)
        indexes = (models.Index(fields=("metric", "report"), name="pulse_value_by_metric"),)

    def __str__(self) -> str:
        return f"{self.metric}: {self.value.normalize():f}"
