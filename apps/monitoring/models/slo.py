"""What the platform promises itself, and how it does."""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.core.clock import now


class RequestMinute(models.Model):
    """All requests of a minute, as web processes counted them: how many failed, how many took longer than what.

    `scope` is "api" or "pages". Several processes add to one row.
    """

    id = models.BigAutoField(primary_key=True)
    scope = models.CharField(_("scope"), max_length=10)
    minute = models.DateTimeField(_("minute"))
    total = models.PositiveIntegerField(_("requests"), default=0)
    failed = models.PositiveIntegerField(_("failed"), default=0)
    milliseconds = models.PositiveBigIntegerField(_("milliseconds"), default=0)
    over_50 = models.PositiveIntegerField(_("over 50 ms"), default=0)
    over_100 = models.PositiveIntegerField(_("over 100 ms"), default=0)
    over_200 = models.PositiveIntegerField(_("over 200 ms"), default=0)
    over_500 = models.PositiveIntegerField(_("over 500 ms"), default=0)
    over_1000 = models.PositiveIntegerField(_("over 1 s"), default=0)
    over_3000 = models.PositiveIntegerField(_("over 3 s"), default=0)

    class Meta:
        verbose_name = _("minute of requests")
        verbose_name_plural = _("requests by minute")
        ordering = ("-minute", "scope")
        constraints = (
            models.UniqueConstraint(fields=("scope", "minute"), name="one_row_a_scope_and_minute"),
            models.CheckConstraint(condition=Q(failed__lte=F("total")), name="failed_within_requests"),
        )
        indexes = (models.Index(fields=("-minute",), name="requests_by_minute"),)

    def __str__(self) -> str:
        return f"{self.scope} {self.minute:%Y-%m-%d %H:%M}"


class Objective(models.Model):
    """A promise: this share of the requests is quick enough, or does not fail. Staff may change its figures."""

    class Kind(models.TextChoices):
        LATENCY = "latency", _("Latency")
        AVAILABILITY = "availability", _("Availability")

    class Threshold(models.IntegerChoices):
        MS_50 = 50, _("50 ms")
        MS_100 = 100, _("100 ms")
        MS_200 = 200, _("200 ms")
        MS_500 = 500, _("500 ms")
        MS_1000 = 1000, _("1 s")
        MS_3000 = 3000, _("3 s")

    code = models.SlugField(_("code"), primary_key=True, max_length=40)
    label = models.CharField(_("label"), max_length=80)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    scope = models.CharField(_("scope"), max_length=10, choices=(("api", _("API")), ("pages", _("Pages"))))
    target = models.DecimalField(
        _("target"),
        max_digits=6,
        decimal_places=3,
        validators=(MinValueValidator(Decimal(50)), MaxValueValidator(Decimal("99.999"))),
        help_text=_("Per cent of the requests: 95 with 200 ms says that the 95th percentile is 200 ms at most."),
    )
    threshold_ms = models.PositiveIntegerField(_("quick enough"), choices=Threshold.choices, null=True, blank=True)
    fewest = models.PositiveIntegerField(
        _("fewest requests"),
        default=50,
        help_text=_("With fewer in the long window nothing is said: one slow call would be most of them."),
    )
    fewest_bad = models.PositiveIntegerField(
        _("fewest bad requests"),
        default=5,
        validators=(MinValueValidator(2),),
        help_text=_("With fewer in the short window nobody is alarmed."),
    )
    enabled = models.BooleanField(_("watched"), default=True)
    created_at = models.DateTimeField(default=now)

    class Meta:
        verbose_name = _("objective")
        verbose_name_plural = _("objectives")
        ordering = ("code",)
        constraints = (
            models.CheckConstraint(
                condition=Q(kind="latency", threshold_ms__isnull=False) | Q(kind="availability", threshold_ms=None),
                name="latency_has_a_threshold",
                violation_error_message=_("Latency says what is quick enough, and nothing else does."),
            ),
            models.CheckConstraint(
                condition=Q(target__gte=50, target__lt=100),
                name="target_leaves_a_budget",
                violation_error_message=_("A target is 50 % or more and leaves something to miss."),
            ),
        )

    def __str__(self) -> str:
        return self.label


class SloSample(models.Model):
    """How an objective stood when the watchdog looked: bad ones of the five minutes before, and burn rates.

    A burn rate of 1 uses up the allowance exactly; None where there were too few requests to say.
    """

    id = models.BigAutoField(primary_key=True)
    objective = models.ForeignKey(Objective, on_delete=models.CASCADE, related_name="samples", db_index=False)
    at = models.DateTimeField(_("at"))
    total = models.PositiveIntegerField(_("requests"))
    bad = models.PositiveIntegerField(_("bad"))
    p95_ms = models.PositiveIntegerField(_("95th percentile"), null=True, blank=True)
    burn_1h = models.FloatField(_("burn rate, 1 hour"), null=True, blank=True)
    burn_6h = models.FloatField(_("burn rate, 6 hours"), null=True, blank=True)
    burn_3d = models.FloatField(_("burn rate, 3 days"), null=True, blank=True)
    severity = models.CharField(_("alarm"), max_length=8, blank=True)

    class Meta:
        verbose_name = _("look at an objective")
        verbose_name_plural = _("looks at objectives")
        ordering = ("-at",)
        constraints = (models.UniqueConstraint(fields=("objective", "at"), name="one_look_a_slot"),)
        indexes = (models.Index(fields=("-at",), name="slo_sample_by_time"),)

    def __str__(self) -> str:
        return f"{self.objective_id} {self.at:%Y-%m-%d %H:%M}"


class GaugeSample(models.Model):
    """A gauge every five minutes, for charts. `labels` are its label values, joined by commas."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(_("name"), max_length=80)
    labels = models.CharField(_("labels"), max_length=120, blank=True)
    at = models.DateTimeField(_("at"))
    value = models.FloatField(_("value"))

    class Meta:
        verbose_name = _("gauge")
        verbose_name_plural = _("gauges")
        ordering = ("-at", "name", "labels")
        constraints = (models.UniqueConstraint(fields=("name", "labels", "at"), name="one_value_of_a_gauge"),)
        indexes = (models.Index(fields=("at",), name="gauge_by_time"),)

    def __str__(self) -> str:
        return f"{self.name} {self.at:%Y-%m-%d %H:%M}"
