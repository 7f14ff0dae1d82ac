"""What the status page tells people: incidents, announced maintenance, and who asked for mail about it."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from apps.core.clock import now
from apps.core.ids import Entity


class Incident(Entity):
    """Something that people may notice, told step by step; maintenance is one that is announced.

    An automatic one was opened by the probes: they close it too, unless staff have written to it since.
    """

    public_prefix = "inc"

    class Kind(models.TextChoices):
        INCIDENT = "incident", _("Incident")
        MAINTENANCE = "maintenance", _("Maintenance")

    class State(models.TextChoices):
        INVESTIGATING = "investigating", _("Investigating")
        IDENTIFIED = "identified", _("Identified")
        MONITORING = "monitoring", _("Monitoring")
        RESOLVED = "resolved", _("Resolved")
        SCHEDULED = "scheduled", _("Scheduled")
        IN_PROGRESS = "in_progress", _("In progress")
        COMPLETED = "completed", _("Completed")
        CANCELLED = "cancelled", _("Cancelled")

    class Impact(models.TextChoices):
        NONE = "none", _("None")
        MINOR = "minor", _("Minor")
        MAJOR = "major", _("Major")
        CRITICAL = "critical", _("Critical")
        MAINTENANCE = "maintenance", _("Maintenance")

    OF_INCIDENTS = (State.INVESTIGATING, State.IDENTIFIED, State.MONITORING, State.RESOLVED)
    OF_MAINTENANCE = (State.SCHEDULED, State.IN_PROGRESS, State.COMPLETED)  # and cancelled, until it begins
    OVER = (State.RESOLVED, State.COMPLETED, State.CANCELLED)

    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.INCIDENT)
    title = models.CharField(_("title"), max_length=140)
    state = models.CharField(_("state"), max_length=14, choices=State.choices)
    impact = models.CharField(_("impact"), max_length=12, choices=Impact.choices)
    automatic = models.BooleanField(_("opened by the probes"), default=False)
    began_at = models.DateTimeField(_("began"), default=now)
    over_at = models.DateTimeField(_("over since"), null=True, blank=True)
    starts_at = models.DateTimeField(_("starts"), null=True, blank=True)
    ends_at = models.DateTimeField(_("ends"), null=True, blank=True)
    created_at = models.DateTimeField(_("told"), default=now)

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        ordering = ("-began_at",)
        constraints = (
            models.CheckConstraint(
                condition=Q(kind="incident", starts_at=None, ends_at=None)
                | Q(kind="maintenance", starts_at__isnull=False, ends_at__gt=F("starts_at")),
                name="maintenance_has_its_time",
                violation_error_message=_("Maintenance ends after it starts; an incident has no such times."),
            ),
            models.CheckConstraint(
                condition=Q(state__in=("resolved", "completed", "cancelled"), over_at__isnull=False)
                | (~Q(state__in=("resolved", "completed", "cancelled")) & Q(over_at=None)),
                name="over_since_it_is_over",
            ),
            models.UniqueConstraint(
                fields=("automatic",),
                condition=Q(automatic=True, over_at__isnull=True),
                name="one_automatic_incident_at_a_time",
            ),
        )
        indexes = (
            models.Index(fields=("-began_at",), name="incident_by_time"),
            models.Index(fields=("began_at",), condition=Q(over_at=None), name="incident_open"),
            models.Index(fields=("starts_at",), condition=Q(kind="maintenance"), name="maintenance_by_time"),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def is_maintenance(self) -> bool:
        """Whether it was announced."""
        return self.kind == self.Kind.MAINTENANCE

    @property
    def can_be_cancelled(self) -> bool:
        """Whether it is maintenance that has not begun."""
        return self.state == self.State.SCHEDULED and self.starts_at is not None and now() < self.starts_at

    @property
    def is_over(self) -> bool:
        """Whether nothing is told of it any more."""
        return self.over_at is not None


class IncidentComponent(models.Model):
    """What an incident does to one component; while it is open, that is the component's state on the page."""

    class Effect(models.TextChoices):
        OPERATIONAL = "operational", _("Operational")
        DEGRADED = "degraded_performance", _("Degraded performance")
        PARTIAL = "partial_outage", _("Partial outage")
        MAJOR = "major_outage", _("Major outage")
        MAINTENANCE = "under_maintenance", _("Under maintenance")

    id = models.BigAutoField(primary_key=True)
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="components")
    component = models.CharField(_("component"), max_length=40)
    effect = models.CharField(_("effect"), max_length=20, choices=Effect.choices)

    class Meta:
        verbose_name = _("component of an incident")
        verbose_name_plural = _("components of incidents")
        ordering = ("component",)
        constraints = (models.UniqueConstraint(fields=("incident", "component"), name="one_effect_on_a_component"),)

    def __str__(self) -> str:
        return f"{self.component}: {self.effect}"


class IncidentUpdate(Entity):
    """One thing that was told. It is mailed to all subscribers, batch by batch: `mailed_to` is the last who was."""

    public_prefix = "upd"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="updates")
    state = models.CharField(_("state"), max_length=14, choices=Incident.State.choices)
    words = models.TextField(_("what is told"), max_length=4000)
    by_staff = models.BooleanField(_("by staff"), default=True)
    told_at = models.DateTimeField(_("told"), default=now)
    mailed_to = models.UUIDField(null=True, blank=True, editable=False)
    mailed_at = models.DateTimeField(_("mailed"), null=True, blank=True)

    class Meta:
        verbose_name = _("update of an incident")
        verbose_name_plural = _("updates of incidents")
        ordering = ("-told_at", "-pk")
        indexes = (
            models.Index(fields=("incident", "-told_at"), name="update_by_incident"),
            models.Index(fields=("told_at",), condition=Q(mailed_at=None), name="update_to_mail"),
        )

    def __str__(self) -> str:
        return f"{self.get_state_display()}: {self.words[:60]}"


class IncidentTemplate(models.Model):
    """Words that staff begin with when there is no time to find them."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(_("name"), max_length=80, unique=True)
    title = models.CharField(_("title"), max_length=140, blank=True)
    state = models.CharField(_("state"), max_length=14, choices=Incident.State.choices)
    words = models.TextField(_("what is told"), max_length=4000)

    class Meta:
        verbose_name = _("incident template")
        verbose_name_plural = _("incident templates")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class StatusSubscriber(Entity):
    """Who gets each update by mail, once the address was confirmed. Who leaves is deleted."""

    public_prefix = "sub"

    email = models.EmailField(_("address"), max_length=254, unique=True)
    created_at = models.DateTimeField(_("asked"), default=now)
    asked_at = models.DateTimeField(_("last asked to confirm"), default=now)
    confirmed_at = models.DateTimeField(_("confirmed"), null=True, blank=True)

    class Meta:
        verbose_name = _("subscriber")
        verbose_name_plural = _("subscribers")
        ordering = ("-pk",)
        indexes = (models.Index(fields=("id",), condition=Q(confirmed_at__isnull=False), name="subscriber_confirmed"),)

    def __str__(self) -> str:
        return self.public_id
