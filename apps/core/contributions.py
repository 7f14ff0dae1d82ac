"""What core itself contributes: its ticks and its part of `manage.py doctor`."""

from django.utils.translation import gettext_lazy as _

from apps.core import gauges, health, versions
from apps.core.events import DELIVER_TASK
from apps.core.heartbeat import HEARTBEAT_SECONDS, HEARTBEAT_TASK
from apps.core.jobs import SWEEP_TASK
from apps.core.kinds import Gauge, HealthCheck, ScheduledJob, Tick
from apps.core.registry import register
from apps.core.retention import forget_old_rows
from apps.core.staff import contributions as staff_contributions

register(
    Tick(name="deliver_events", task=DELIVER_TASK, seconds=5),
    Tick(name="sweep_jobs", task=SWEEP_TASK, seconds=60),
    Tick(name="strike_versions", task=versions.TICK_TASK, seconds=2),
    Tick(name="heartbeat", task=HEARTBEAT_TASK, seconds=HEARTBEAT_SECONDS),
    ScheduledJob(
        name="forget_old_rows",
        label=_("Forget consumed events, job records and sessions"),
        run=forget_old_rows,
        crontab="40 3 * * *",
    ),
    HealthCheck(name="settings", label=_("Settings"), run=health.settings_are_safe),
    HealthCheck(name="database", label=_("Database"), run=health.database),
    HealthCheck(name="queue", label=_("Queue"), run=health.broker),
    HealthCheck(name="cache", label=_("Cache"), run=health.cache_works),
    HealthCheck(name="worker", label=_("Worker"), run=health.worker_alive),
    HealthCheck(name="beat", label=_("Scheduler"), run=health.beat_alive),
    HealthCheck(name="jobs", label=_("Scheduled jobs"), run=health.jobs_on_time),
    HealthCheck(name="deliveries", label=_("Event deliveries"), run=health.deliveries),
    HealthCheck(name="encryption", label=_("Encryption keys"), run=health.encryption),
    HealthCheck(name="disk", label=_("Disk space"), run=health.disk),
    HealthCheck(name="time_zones", label=_("Time zones"), run=health.time_zones),
    HealthCheck(name="programs", label=_("Optional programs"), run=health.programs),
    Gauge(
        "levqor_event_deliveries",
        "Domain events that wait for a handler, or were given up.",
        gauges.deliveries,
        ("state",),
    ),
    Gauge("levqor_event_delivery_lag_seconds", "How late the oldest delivery is.", gauges.delivery_lag),
    Gauge("levqor_heartbeat_age_seconds", "Since a worker took a tick of beat's.", gauges.heartbeat_age),
    Gauge("levqor_jobs_running", "Scheduled jobs at work.", gauges.jobs_running),
)

__all__ = ["staff_contributions"]  # imported so that its contributions are made
