"""What notifications adds to the platform."""

from django.utils.translation import gettext_lazy as _

from apps.core.kinds import AlertType, AuditAction, HealthCheck, Tick
from apps.core.registry import register
from apps.notifications import health
from apps.notifications.services.escalating import ESCALATE_TASK
from apps.notifications.services.telling import FAILING, SEND_TASK
from apps.notifications.services.testing import TEST

register(
    Tick("send_alerts", SEND_TASK, 5),
    Tick("escalate_alerts", ESCALATE_TASK, 30),
    AlertType(
        FAILING,
        _("An alert channel can't be reached"),
        "warning",
        "Alert channel “{{ subject }}” does not take alarms",
        "{{ address }}: {{ error }}",
    ),
    AlertType(TEST, _("A test of a channel"), "info", "Test of “{{ subject }}”", "Alarms arrive here.", resolves=False),
    HealthCheck("alert_channels", _("Alert channels"), health.alert_channels),
    AuditAction("alert.acknowledged", _("Acknowledged an alert")),
    AuditAction("alert.resolved_by_hand", _("Said that an alert is over")),
    AuditAction("alert.sent_again", _("Sent an alarm again")),
    AuditAction("alert_channel.tested", _("Tested an alert channel")),
    AuditAction("maintenance_window.ended", _("Ended a maintenance window")),
)
