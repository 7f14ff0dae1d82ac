"""What observing adds to the platform: probes, gauges, objectives, the status page, the error tracker."""

from datetime import datetime, timedelta

from django.utils.translation import gettext_lazy as _

from apps.core.kinds import AlertType, AuditAction, Gauge, HealthCheck, PulseMetric, ScheduledJob, StatusComponent, Tick
from apps.core.preparation import ReleaseStep
from apps.core.registry import register
from apps.monitoring.metrics.reading import READ_EVERY_SECONDS, READ_TASK
from apps.monitoring.observing import checks, own_gauges, own_probes, staff
from apps.monitoring.selectors.uptime import uptime_percent
from apps.monitoring.services import error_tracker, slo, starters
from apps.monitoring.services.component_watch import COMPONENT_DOWN
from apps.monitoring.services.incidents import MAIL_TASK
from apps.monitoring.services.probing import PROBE_TASK, uptime_rollup
from apps.monitoring.services.subscribers import forget_unconfirmed


def forget(slot: datetime) -> str:
    """The nightly job of what is only watched for a while."""
    return f"{slo.forget(slot)}, {forget_unconfirmed(slot)} unconfirmed subscribers"


register(
    Tick("probe_components", PROBE_TASK, 20),  # thrice a minute, so that no late tick leaves a minute without a probe
    Tick("read_gauges", READ_TASK, READ_EVERY_SECONDS),
    Tick("mail_status", MAIL_TASK, 30),
    ScheduledJob(
        "slo_watchdog",
        _("Look at the service level objectives"),
        slo.slo_watchdog,
        "*/5 * * * *",
        catch_up="skip",
        retries=0,
        overdue_after=timedelta(minutes=20),
    ),
    ScheduledJob(
        "sentry_test",
        _("Test the error tracker"),
        error_tracker.sentry_test,
        "0 10 * * 0",
        overdue_after=timedelta(days=7, hours=6),
    ),
    ScheduledJob("uptime_rollup", _("Add up the uptime of the day before"), uptime_rollup, "12 0 * * *"),
    ScheduledJob("forget_measurements", _("Forget old measurements"), forget, "20 4 * * *"),
    ReleaseStep("objectives", _("objectives"), lambda: f"{slo.ensure_objectives()} made"),
    ReleaseStep("templates", _("templates"), lambda: f"{starters.ensure_templates()} made"),
    AlertType(
        COMPONENT_DOWN,
        _("A component is down"),
        "critical",
        _("{{ label }} is down"),
        _("Its probe has failed for two minutes or more. What was seen is in the administration, under Probes."),
    ),
    AlertType(
        slo.SLO_BURNING,
        _("An objective is being missed"),
        "warning",
        _("{{ label }}: burning {{ rate }} times too fast"),
        _(
            "{{ bad }} of {{ total }} requests of the last {{ window }} were bad: {{ rate }} times as many as the "
            "objective allows, so that what it allows is used up {{ rate }} times too early."
        ),
    ),
    AlertType(
        error_tracker.ALERT,
        _("The error tracker does not take errors"),
        "warning",
        _("The error tracker did not take its weekly test"),
        "{{ reason }}",
    ),
    PulseMetric("uptime", _("Uptime"), "percent", uptime_percent, _("Platform"), order=5),
    Gauge("levqor_component_up", "Whether the last probe found it up.", own_gauges.components_up, ("component",)),
    Gauge("levqor_slo_burn_rate", "How fast it burns.", own_gauges.burn_rates, ("objective", "window")),
    StatusComponent("website", _("Website"), _("Pages, sign-in and the dashboard"), own_probes.pages_answer, order=10),
    StatusComponent("api", _("API"), _("Calls with API keys and tokens"), own_probes.api_answers, order=20),
    HealthCheck("probes", _("Probes"), checks.probes),
    HealthCheck("metrics", _("Metrics"), checks.metrics),
    HealthCheck("tracking", _("Errors and traces"), checks.tracking),
    AuditAction("status.incident_opened", _("Opened an incident")),
    AuditAction("status.maintenance_announced", _("Announced maintenance")),
    AuditAction("status.maintenance_cancelled", _("Cancelled maintenance")),
    AuditAction("status.incident_updated", _("Told more of an incident")),
)

__all__ = ["staff"]  # imported so that its contributions are made
