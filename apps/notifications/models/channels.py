"""Where alarms go: channels and the words they get."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.crypto import EncryptedTextField
from apps.core.ids import Entity
from apps.notifications.models.alerts import Alert


class AlertChannels(models.Manager["AlertChannel"]):
    """Leaves addresses where they are until they are asked for: staff can still open a row whose key is lost."""

    def get_queryset(self) -> models.QuerySet["AlertChannel"]:
        """Django's hook."""
        return super().get_queryset().defer("url")


class AlertChannel(Entity):
    """A chat, an address or a webhook where staff read alarms. Its URL holds keys: encrypted, and shown masked."""

    public_prefix = "chan"

    class Kind(models.TextChoices):
        TELEGRAM = "telegram", _("Telegram")
        SLACK = "slack", _("Slack")
        MAIL = "mail", _("Mail")
        WEBHOOK = "webhook", _("Webhook")
        OTHER = "other", _("Another service")

    name = models.CharField(_("name"), max_length=60, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    url = EncryptedTextField(_("address"))
    shown_url = models.CharField(_("address"), max_length=120, help_text=_("Without its keys."))
    least_severity = models.CharField(
        _("from severity"), max_length=8, choices=Alert.Severity.choices, default=Alert.Severity.INFO
    )
    rings_from = models.CharField(
        _("rings from severity"),
        max_length=8,
        choices=Alert.Severity.choices,
        blank=True,
        default=Alert.Severity.WARNING,
        help_text=_("What is less severe arrives without a sound, where the service can. Empty: nothing rings."),
    )
    codes = models.JSONField(
        _("types"),
        default=list,
        blank=True,
        help_text=_("Types of alarm; “job_*” is all that begin so. Empty: all."),
    )
    escalations_only = models.BooleanField(
        _("only escalations"), default=False, help_text=_("Told only of what an escalation rule brings here.")
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)
    last_error = models.CharField(_("last error"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = AlertChannels()
    sealed: str  # the address still encrypted, of rows that `routing.sealed` reads

    class Meta:
        verbose_name = _("alarm channel")
        verbose_name_plural = _("alarm channels")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class EscalationRule(models.Model):
    """Whom else to tell of an alarm that nobody acknowledges, and how often to say it again."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    least_severity = models.CharField(
        _("from severity"), max_length=8, choices=Alert.Severity.choices, default=Alert.Severity.CRITICAL
    )
    codes = models.JSONField(
        _("types"), default=list, blank=True, help_text=_("Types of alarm; “job_*” is all that begin so. Empty: all.")
    )
    after_minutes = models.PositiveIntegerField(_("after (minutes)"), default=15)
    repeat_minutes = models.PositiveIntegerField(
        _("again every (minutes)"), default=0, help_text=_("0: it is said once.")
    )
    channels = models.ManyToManyField(
        AlertChannel,
        blank=True,
        related_name="escalation_rules",
        verbose_name=_("channels"),
        help_text=_("Empty: the channels that were told in the first place."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        verbose_name = _("escalation rule")
        verbose_name_plural = _("escalation rules")
        ordering = ("after_minutes", "pk")

    def __str__(self) -> str:
        return self.name


class MaintenanceWindow(models.Model):
    """A time in which alarms are recorded and not told. What is still open at its end is told then."""

    reason = models.CharField(_("reason"), max_length=200)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("to"))
    codes = models.JSONField(
        _("types"), default=list, blank=True, help_text=_("Types of alarm; “job_*” is all that begin so. Empty: all.")
    )
    subjects = models.JSONField(
        _("subjects"), default=list, blank=True, help_text=_("Such as a job's name, or “worker*”. Empty: all.")
    )

    class Meta:
        verbose_name = _("maintenance window")
        verbose_name_plural = _("maintenance windows")
        ordering = ("-starts_at",)
        constraints = (
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="window_has_length"),
        )
        indexes = (models.Index(fields=("ends_at",), name="window_by_end"),)

    def __str__(self) -> str:
        return self.reason


class AlertTemplate(models.Model):
    """Staff's own words for a type of alarm, in place of those that the code brings."""

    code = models.CharField(_("type"), max_length=60, unique=True)
    title = models.CharField(_("title"), max_length=300)
    detail = models.TextField(_("detail"), blank=True, max_length=4000)
    broken = models.CharField(
        _("broken"), max_length=300, blank=True, help_text=_("Why an alarm was told in the words of the code instead.")
    )
    changed_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("alarm template")
        verbose_name_plural = _("alarm templates")
        ordering = ("code",)

    def __str__(self) -> str:
        return self.code
