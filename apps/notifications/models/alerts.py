"""What staff are alarmed of."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.core.clock import now
from apps.core.ids import Entity

MAIL_KEY = "alert:"


class Alert(Entity):
    """One alarm of an `AlertType` about one subject ("worker", a job's name), from its first sign until it is over.

    While it is open, the same sign adds to `times` and nothing else. One that comes back soon after it was over is the
    same alarm in its next `episode`.
    """

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
    data = models.JSONField(_("data"), default=dict, blank=True)
    times = models.PositiveIntegerField(_("times"), default=1)
    episode = models.PositiveIntegerField(_("episode"), default=1, db_default=1)
    began_at = models.DateTimeField(_("began"), default=now)
    returned_at = models.DateTimeField(_("came back"), null=True, blank=True)  # the beginning of a later episode
    last_at = models.DateTimeField(_("last seen"), default=now)
    resolved_at = models.DateTimeField(_("over since"), null=True, blank=True)
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("acknowledged by"),
    )

    class Meta:
        verbose_name = _("alarm")
        verbose_name_plural = _("alarms")
        ordering = ("-began_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("code", "subject"), condition=Q(resolved_at__isnull=True), name="one_open_alert"
            ),
        )
        indexes = (
            models.Index(fields=("-began_at",), name="alert_by_time"),
            models.Index(fields=("code", "subject", "-id"), name="alert_by_subject"),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def open_since(self) -> datetime:
        """When its present episode began."""
        return self.returned_at or self.began_at

    @property
    def is_open(self) -> bool:
        """Whether it goes on."""
        return self.resolved_at is None


class AlertDelivery(Entity):
    """One channel's copy of one thing that happened to an alarm, with its words: the outbox of alarms.

    `step` names what happened, once per alarm and channel: "fired:1", "resolved:1", "reminded:…". A channel is named by
    `channel_key`, since not each has a row.
    """

    public_prefix = "ring"

    class Kind(models.TextChoices):
        FIRED = "fired", _("Began")
        WORSENED = "worsened", _("Got worse")
        ESCALATED = "escalated", _("Escalated")
        REMINDED = "reminded", _("Reminded")
        RESOLVED = "resolved", _("Is over")
        TEST = "test", _("Test")

    class State(models.TextChoices):
        PENDING = "pending", _("Waits")
        POSTED = "posted", _("In the mail outbox")
        SENT = "sent", _("Sent")
        SKIPPED = "skipped", _("Not needed")
        DEAD = "dead", _("Gave up")

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="deliveries", verbose_name=_("alarm"))
    kind = models.CharField(_("what"), max_length=10, choices=Kind.choices)
    step = models.CharField(max_length=80)
    channel_key = models.CharField(max_length=60)
    channel_name = models.CharField(_("channel"), max_length=120)
    severity = models.CharField(_("severity"), max_length=8, choices=Alert.Severity.choices)
    title = models.CharField(_("title"), max_length=200)
    detail = models.TextField(_("detail"), blank=True)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.PENDING)
    held = models.BooleanField(_("held back by a maintenance window"), default=False)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    resent = models.PositiveIntegerField(_("sent again by staff"), default=0)
    due_at = models.DateTimeField(_("due"))
    lease_until = models.DateTimeField(null=True, blank=True)
    uncertain = models.BooleanField(
        _("may have arrived twice"),
        default=False,
        help_text=_("An attempt ended without an answer, and it was sent again: better twice than never."),
    )
    last_error = models.CharField(_("last error"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    class Meta:
        verbose_name = _("alarm delivery")
        verbose_name_plural = _("alarm deliveries")
        ordering = ("-pk",)
        constraints = (
            models.UniqueConstraint(fields=("alert", "channel_key", "step"), name="one_delivery_per_alert_step"),
        )
        indexes = (
            models.Index(fields=("due_at",), condition=Q(state="pending"), name="alert_delivery_due"),
            models.Index(fields=("state", "-id"), name="alert_delivery_by_state"),
            models.Index(fields=("channel_key", "-id"), name="alert_delivery_by_channel"),
        )

    def __str__(self) -> str:
        return f"{self.title} → {self.channel_name}"

    @property
    def once_key(self) -> str:
        """What receivers know a repeat of this message by. What staff send again is no repeat."""
        return f"{self.public_id}.{self.resent}" if self.resent else self.public_id

    @property
    def mail_key(self) -> str:
        """The idempotency key of its mail."""
        return f"{MAIL_KEY}{self.once_key}"
