"""What staff are alarmed of."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core.clock import now
from apps.core.ids import Entity


class Alert(Entity):
    """One alarm of an `AlertType` about one subject ("worker", a job's name), from its first sign until it is over.
    While it is open, the same sign adds to `times` and nothing else."""

    public_prefix = "alert"

    class Severity(models.TextChoices):
        CRITICAL = "critical", _("Critical")
        WARNING = "warning", _("Warning")
        INFO = "info", _("Info")
        SUCCESS = "success", _("Success")

    code = models.CharField(_("type"), max_length=60)
    subject = models.CharField(_("subject"), max_length=120, blank=True)
    severity = models.CharField(_("severity"), max_length=8, choices=Severity.choices)
    title = models.CharField(_("title"), max_length=200)
    detail = models.TextField(_("detail"), blank=True)
    times = models.PositiveIntegerField(_("times"), default=1)
    began_at = models.DateTimeField(_("began"), default=now)
    last_at = models.DateTimeField(_("last seen"), default=now)
    resolved_at = models.DateTimeField(_("over since"), null=True, blank=True)

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        ordering = ("-began_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("code", "subject"), condition=Q(resolved_at__isnull=True), name="one_open_alert"
            ),
        )
        indexes = (models.Index(fields=("-began_at",), name="alert_by_time"),)

    def __str__(self) -> str:
        return self.title
