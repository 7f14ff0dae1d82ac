"""What was looked at, and what was seen."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.clock import now
from apps.core.ids import Entity


class HealthRun(Entity):
    """One look at several things: by the nightly verifier, every six hours at all checks, or for the nightly log.

    There is one for each time that it is of (`slot`: a day, or a quarter of one); looking again replaces it.
    """

    public_prefix = "hrun"

    class Kind(models.TextChoices):
        VERIFIER = "verifier", _("Nightly verifier")
        MONITOR = "monitor", _("All checks")
        LOG = "log", _("System health log")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    slot = models.DateTimeField(_("of"))
    ok = models.BooleanField(_("healthy"))
    summary = models.CharField(_("summary"), max_length=300, blank=True)
    figures = models.JSONField(_("figures"), default=dict, blank=True)
    made_at = models.DateTimeField(_("made"), default=now)

    class Meta:
        verbose_name = _("health run")
        verbose_name_plural = _("health runs")
        ordering = ("-slot",)
        constraints = (models.UniqueConstraint(fields=("kind", "slot"), name="one_health_run_per_slot"),)

    def __str__(self) -> str:
        written = "%Y-%m-%d %H:%M" if self.kind == self.Kind.MONITOR else "%Y-%m-%d"
        return f"{self.get_kind_display()} {self.slot:{written}}"


class HealthResult(models.Model):
    """What one check saw. `before` is its state in the run before, where it was looked at then."""

    class State(models.TextChoices):
        OK = "ok", _("Fine")
        WARNING = "warning", _("Warning")
        FAILED = "failed", _("Failed")
        OFF = "off", _("Skipped")

    run = models.ForeignKey(HealthRun, verbose_name=_("run"), on_delete=models.CASCADE, related_name="results")
    check_name = models.CharField(_("check"), max_length=80)
    label = models.CharField(_("what"), max_length=120)
    state = models.CharField(_("state"), max_length=8, choices=State.choices)
    before = models.CharField(_("before"), max_length=8, choices=State.choices, blank=True)
    detail = models.CharField(_("seen"), max_length=500, blank=True)

    class Meta:
        verbose_name = _("health result")
        verbose_name_plural = _("health results")
        ordering = ("pk",)
        constraints = (models.UniqueConstraint(fields=("run", "check_name"), name="one_health_result_per_check"),)

    def __str__(self) -> str:
        return f"{self.label}: {self.get_state_display()}"

    @property
    def changed(self) -> bool:
        """Whether it was otherwise in the run before."""
        return bool(self.before) and self.before != self.state
