"""What monitoring adds to the platform."""

from django.utils.translation import gettext_lazy as _

from apps.core.kinds import HealthCheck, NoticeType, Tick
from apps.core.registry import register
from apps.monitoring.business import contributions as business
from apps.monitoring.costs import contributions as costs
from apps.monitoring.health import contributions as health
from apps.monitoring.observing import contributions as observing
from apps.monitoring.services import job_alarms, outages
from apps.monitoring.services.mailing import STAFF_REPORTS
from apps.monitoring.watchdog import alarms as watchdog_alarms

# Schedules and the watchdog
register(
    Tick("alarm_of_jobs", job_alarms.TICK_TASK, job_alarms.TICK_SECONDS),
    Tick("tell_channels", outages.TICK_TASK, outages.TICK_SECONDS),
    HealthCheck("watchdog", _("Watchdog"), job_alarms.watchdog_alive),
    *job_alarms.ALARMS,
    *watchdog_alarms.ALARMS,
)

register(
    NoticeType(
        STAFF_REPORTS,
        _("Reports on the business"),
        _("The weekly pulse, the report and the review of the quarter, the summary of each day."),
        in_app=False,
        staff=True,
    ),
)

# Imported so that their contributions are made.
__all__ = ["business", "costs", "health", "observing"]
