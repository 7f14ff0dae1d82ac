"""What the business side of monitoring adds to the platform: its jobs, tables and concerns."""

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from apps.core.clock import now
from apps.core.kinds import Concern, ScheduledJob, StaffFigures
from apps.core.models import EventDelivery, JobRun
from apps.core.registry import register
from apps.core.staff.contributions import overdue_jobs
from apps.core.staff.display import list_url
from apps.core.staff.figures import capped
from apps.integrations.models import MailMessage, StripeObject
from apps.monitoring.business.notion import PULSE
from apps.monitoring.business.staff import figures
from apps.monitoring.models import HealthRun
from apps.monitoring.services import growth, pulse, reports
from apps.monitoring.spans import LONDON, PULSE_WEEK
from apps.notifications.models import Alert

A_DAY, A_WEEK, A_QUARTER = timedelta(hours=26), timedelta(days=7, hours=6), timedelta(days=94)
RECENT = timedelta(days=7)


def _failed_jobs() -> int:
    return capped(JobRun.objects.filter(state=JobRun.State.FAILED, slot__gte=now() - RECENT))


def _verifier_failed() -> int:
    """How many of its checks failed the last time."""
    run = HealthRun.objects.filter(kind=HealthRun.Kind.VERIFIER).order_by("-slot").first()
    return run.results.filter(state="failed").count() if run else 0


register(
    ScheduledJob(pulse.JOB, _("Weekly pulse"), pulse.weekly_pulse, PULSE_WEEK, LONDON, overdue_after=A_WEEK),
    ScheduledJob(
        "expansion_monitor", _("Weekly report"), reports.expansion_monitor, "30 14 * * 5", LONDON, overdue_after=A_WEEK
    ),
    ScheduledJob(
        "roi_review", _("Quarterly review"), reports.roi_review, "0 9 1 1,4,7,10 *", LONDON, overdue_after=A_QUARTER
    ),
    ScheduledJob(
        "daily_ops_summary", _("Daily summary"), reports.daily_ops_summary, "0 9 * * *", LONDON, overdue_after=A_DAY
    ),
    ScheduledJob(
        "governance_report",
        _("Governance report"),
        reports.governance_report,
        "0 9 * * 0",
        LONDON,
        overdue_after=A_WEEK,
    ),
    ScheduledJob(
        "retention_aggregation",
        _("Count active organizations and who comes back"),
        growth.retention_aggregation,
        "5 0 * * *",
        overdue_after=A_DAY,
    ),
    ScheduledJob(
        "growth_retention", _("Count sign-ups and growth"), growth.growth_retention, "10 0 * * *", overdue_after=A_DAY
    ),
    Concern(
        "open_alerts",
        _("Open alarms"),
        lambda: capped(Alert.objects.filter(resolved_at=None)),
        lambda: list_url(Alert),
        order=10,
    ),
    Concern(
        "verifier",
        _("Checks of the nightly verifier that failed"),
        _verifier_failed,
        lambda: list_url(HealthRun),
        order=11,
    ),
    Concern(
        "dead_deliveries",
        _("Event deliveries that were given up"),
        lambda: capped(EventDelivery.objects.filter(state=EventDelivery.State.DEAD)),
        lambda: list_url(EventDelivery, state__exact="dead", period="any"),
        order=12,
    ),
    Concern(
        "failed_jobs",
        _("Jobs that failed in seven days"),
        _failed_jobs,
        lambda: list_url(JobRun, state__exact="failed"),
        order=13,
    ),
    Concern("overdue_jobs", _("Jobs overdue"), lambda: len(overdue_jobs()), lambda: list_url(JobRun), order=14),
    Concern(
        "failed_mail",
        _("Mail that failed or has an unknown outcome"),
        lambda: capped(MailMessage.objects.filter(state__in=(MailMessage.State.FAILED, MailMessage.State.UNKNOWN))),
        lambda: list_url(MailMessage, state__exact="failed", period="any"),
        order=15,
    ),
    Concern(
        "dead_stripe_objects",
        _("Objects at Stripe that were given up"),
        lambda: capped(StripeObject.objects.filter(state=StripeObject.State.DEAD)),
        lambda: list_url(StripeObject, state__exact="dead", period="any"),
        order=16,
    ),
    PULSE,
    StaffFigures("business", _("Business"), figures, "monitoring.view_pulsereport", 12, "operations"),
)
