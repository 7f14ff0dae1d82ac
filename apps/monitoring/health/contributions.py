"""Health: the nightly verifier, the look at all checks, the log, and their tables at Notion."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from apps.core.kinds import AlertType, ScheduledJob
from apps.core.registry import register
from apps.monitoring.health import staff
from apps.monitoring.health.notion import HEALTH, LOG
from apps.monitoring.services import health, verifying

register(
    HEALTH,
    LOG,
    ScheduledJob("expansion_verifier", _("Verify Notion, Stripe and costs"), verifying.expansion_verifier, "0 2 * * *"),
    ScheduledJob(
        "health_monitor",
        _("Look at all health checks"),
        health.health_monitor,
        "0 */6 * * *",
        overdue_after=timedelta(hours=15),
    ),
    ScheduledJob("system_health_log", _("Log how the system is"), health.system_health_log, "30 2 * * *"),
    AlertType(
        verifying.FAILED_ALERT,
        _("The nightly verifier found something"),
        "critical",
        _("Verifier: {{ label }} failed"),
        "{{ detail }}",
    ),
    AlertType(
        health.CHECK_ALERT, _("A health check fails"), "warning", _("Health check failed: {{ label }}"), "{{ detail }}"
    ),
)

__all__ = ["staff"]  # imported so that its contributions are made
