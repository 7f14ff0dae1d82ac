"""Where alarms go: channels and the words they get."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.crypto import EncryptedTextField
from apps.core.ids import Entity
from apps.notifications.models.alerts import Alert


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

    class Meta:
        verbose_name = _("alert channel")
        verbose_name_plural = _("alert channels")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name
