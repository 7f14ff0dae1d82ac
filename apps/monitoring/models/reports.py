"""Reports that the platform writes about itself."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.core.clock import now
from apps.core.ids import Entity


class Report(Entity):
    """A report on a time, written once its time is over; written again it replaces itself.

    `document` is what its page shows (see `apps.monitoring.reports.document`); Markdown and PDF are files in the
    storage `reports`, under `files`: {"md": name, "pdf": name}.
    """

    public_prefix = "report"

    class Kind(models.TextChoices):
        WEEKLY = "weekly", _("Weekly report")
        ROI = "roi", _("Quarterly review")
        DAILY = "daily", _("Daily summary")
        GOVERNANCE = "governance", _("Governance report")

    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    start = models.DateTimeField(_("from"))
    end = models.DateTimeField(_("until"))
    title = models.CharField(_("title"), max_length=200)
    summary = models.CharField(_("summary"), max_length=300, blank=True)
    document = models.JSONField(_("document"))
    files = models.JSONField(_("files"), default=dict)
    made_at = models.DateTimeField(_("made"), default=now)

    class Meta:
        verbose_name = _("report")
        verbose_name_plural = _("reports")
        ordering = ("-end", "-pk")
        constraints = (
            models.UniqueConstraint(fields=("kind", "end"), name="one_report_per_time"),
            models.CheckConstraint(condition=Q(start__lt=F("end")), name="report_begins_before_it_ends"),
        )

    def __str__(self) -> str:
        return self.title
