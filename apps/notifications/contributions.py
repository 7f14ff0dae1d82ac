"""What notifications adds to the platform."""

from django.utils.translation import gettext_lazy as _

from apps.accounts.permissions import ALL_ROLES
from apps.core.kinds import (
    AlertType,
    EventHandler,
    HealthCheck,
    NavItem,
    NoticeType,
    Permission,
    ScheduledJob,
    SettingsPage,
    Tick,
)
from apps.core.registry import register
from apps.integrations.mail.services import UNDELIVERABLE
from apps.notifications import handlers, health, retention, staff_contributions
from apps.notifications.badge import badge
from apps.notifications.services.escalating import ESCALATE_TASK
from apps.notifications.services.telling import FAILING, SEND_TASK
from apps.notifications.services.testing import TEST
from apps.usage.services.alerts import QUOTA_REACHED

register(
    Permission("notifications.view", _("See and read one's own notifications"), ALL_ROLES, for_keys=True),
    NavItem(
        "notifications",
        _("Notifications"),
        "notifications",
        "account",
        order=5,
        permission="notifications.view",
        icon="bell",
        badge=badge,
    ),
    SettingsPage("notifications", _("Notifications"), "notification_settings", "user", order=15),
    NoticeType(
        handlers.QUOTA,
        _("API calls are running out"),
        _("At 80 % and at 100 % of the month's calls, to owners, admins and billing."),
    ),
    EventHandler(QUOTA_REACHED, "notifications.tell_quota", handlers.tell_quota),
    # Its old name, for what was on its way, or is still written by old processes, at a deployment: nothing new is
    # ordered by it. Goes with 0.2, beside which no process runs that writes it.
    EventHandler(QUOTA_REACHED, "usage.mail_quota", handlers.tell_quota, handlers.never),
    EventHandler(UNDELIVERABLE, "notifications.note_lost_alarm", handlers.note_lost_alarm, handlers.is_of_alarm),
    Tick("send_alerts", SEND_TASK, 5),
    Tick("escalate_alerts", ESCALATE_TASK, 30),
    ScheduledJob("forget_notifications", _("Forget old notifications and alarms"), retention.forget, "10 4 * * *"),
    AlertType(
        FAILING,
        _("An alarm channel can't be reached"),
        "warning",
        _("Alarm channel “{{ subject }}” does not take alarms"),
        "{{ address }}: {{ error }}",
    ),
    AlertType(
        TEST, _("A test of a channel"), "info", _("Test of “{{ subject }}”"), _("Alarms arrive here."), resolves=False
    ),
    HealthCheck("alert_channels", _("Alarm channels"), health.alert_channels),
)

__all__ = ["staff_contributions"]  # imported so that its contributions are made
